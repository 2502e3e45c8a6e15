"""The file of ``check --record``: made before anything is asked, written at the end, readable by its owner alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from remotesupport.cli import output
from remotesupport.cli.errors import Refusal

if TYPE_CHECKING:
    from remotesupport.steps.operator.recording import Recorder


@contextmanager
def recorder_to(file: Path | None) -> Iterator[Recorder | None]:
    """A recorder whose recording is in ``file`` at the end; None where no file is named.

    Raises Refusal where the file is there or cannot be written. After an error nothing is left of it.
    """
    if file is None:
        yield None
        return
    from remotesupport.steps.operator.recording import Recorder

    _make(file)
    recorder = Recorder()
    try:
        yield recorder
        _write(file, recorder)
    except BaseException:
        file.unlink(missing_ok=True)
        raise


def _make(file: Path) -> None:
    try:
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise Refusal(f"{file} is there already and stays as it is. Name another file after --record") from None
    except OSError as error:
        raise Refusal(f"{file} cannot be written ({error.strerror}). Name another file after --record") from None


def _write(file: Path, recorder: Recorder) -> None:
    """The recording, and a word on what was replaced in it."""
    import orjson

    recording = recorder.recording()
    if recording is None:
        file.unlink()
        output.say(f"Nothing was recorded, because no billing has answered; there is no {file}.")
        return
    file.write_bytes(orjson.dumps(recording.document, option=orjson.OPT_INDENT_2))
    replaced = ", ".join(f"{count} {kind}" for kind, count in recording.replaced.items())
    output.say(f"Recorded: {file}. Replaced in it: {replaced or 'nothing'}.")
    output.say("Passwords, sessions, cookies and headers are not in it. Look at it before you send it.")
