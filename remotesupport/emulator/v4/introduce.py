"""Does what the document tells people to switch on, for two emulated billings: for demos and tests."""

from __future__ import annotations

from remotesupport.emulator.running import RunningEmulator


def introduce(
    main: RunningEmulator, external: RunningEmulator, *, robot: tuple[str, str], customer: tuple[str, str]
) -> None:
    """On whichever of the two is a version 4. ``robot``: login and password in the external billing, ``customer``: in
    the main one."""
    if main.core.version.startswith("4"):
        main.act(
            do="external_support", login=customer[0], url=external.url, other_login=robot[0], other_password=robot[1]
        )
        main.act(do="remote_department", login=customer[0], remote="Technical support", department="Outsourced support")
    if external.core.version.startswith("4"):
        external.act(do="rights", login=robot[0])
        external.act(do="department_flag", department="Technical support")
        external.act(do="remote_client", url=main.url, other_login=customer[0], other_password=customer[1])
