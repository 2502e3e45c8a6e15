"""A main billing and two external ones, emulated over real HTTP, and a configuration that a user could have written.

with three_billings(tmp_path) as world:
    world.acme.act(as_="ivan", do="open", …); world.environ is what the command and the flows need
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from remotesupport.emulator.v4.introduce import introduce
from remotesupport.settings import Settings, load_settings
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator

_MAIN = '[main]\nurl = "{url}"\n'
_WATCH = 'watch_login = "{login}"\nwatch_password = "file:{secrets}/{login}"\n'
_EXTERNAL = """
[[external]]
name = "{name}"
url = "{url}"
login = "support-robot"
password = "file:{secrets}/support-robot"
main_login = "{name}"
main_password = "file:{secrets}/{name}"
timezone = "Europe/Moscow"
{more}
[[external.departments]]
remote = "Technical support"
main = "{inside}"
"""
DEPARTMENT = "Outsourced support"


@dataclass(frozen=True, slots=True)
class ThreeBillings:
    """The billings, the state folder with the configuration in it, and the environment that points there."""

    main: RunningEmulator
    acme: RunningEmulator
    globex: RunningEmulator
    home: Path
    environ: dict[str, str]

    @property
    def everyone(self) -> tuple[RunningEmulator, ...]:
        """All billings, main first."""
        return (self.main, self.acme, self.globex)

    def settings(self) -> Settings:
        """The configuration as the product reads it."""
        return load_settings(self.home / "remotesupport.toml", self.environ)

    def copies(self, origin: str) -> list[dict[str, Any]]:
        """Tickets of the main billing whose subject begins with ``origin``, such as ``[acme #1]``."""
        return [t for t in self.main.state()["tickets"] if str(t["subject"]).startswith(origin)]

    def copy(self, origin: str) -> str:
        """The id of the only one."""
        (only,) = self.copies(origin)
        return str(only["id"])


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A billing that is served by another process: only what a configuration needs."""

    url: str


def far(world: ThreeBillings) -> ThreeBillings:
    """The same world without its servers, so that it can be sent to a process."""
    urls = {name: Elsewhere(getattr(world, name).url) for name in ("main", "acme", "globex")}
    return replace(world, **urls)  # type: ignore[arg-type]


def texts(billing: RunningEmulator, ticket: str) -> list[str]:
    """What people wrote in a ticket, in order."""
    return [m["text"] for m in billing.state()["messages"] if m["ticket"] == ticket and m["kind"] != "system"]


@contextmanager
def three_billings(
    home: Path,
    *,
    main_version: str = "6.94.1",
    acme_version: str = "6.94.1",
    globex_version: str = "6.94.1",
    set_up: bool = True,
    main_habits: Mapping[str, str] | None = None,
    acme_habits: Mapping[str, str] | None = None,
    departments_by_number: bool = False,
    acme_tls: bool = False,
    watch: str = "",
) -> Iterator[ThreeBillings]:
    """Serve them until the block ends; with ``set_up`` a version 4 is set up as the document has it.

    ``departments_by_number``: the configuration names main's department by its id. ``acme_tls``: acme has a
    certificate of its own. ``watch``: main's employee whose lists are read.
    """
    with ExitStack() as stack:
        versions = {"main": main_version, "acme": acme_version, "globex": globex_version}
        habits = {"main": main_habits, "acme": acme_habits}
        main, acme, globex = (
            stack.enter_context(running_emulator(n, v, habits=habits.get(n), tls=acme_tls and n == "acme"))
            for n, v in versions.items()
        )
        for external in (acme, globex) if set_up else ():
            name = external.core.name
            robot = ("support-robot", password_of("support-robot"))
            introduce(main, external, robot=robot, customer=(name, password_of(name)))
        numbers = {d["name"]: str(d["id"]) for d in main.state()["departments"]} if departments_by_number else {}
        inside = numbers.get(DEPARTMENT, DEPARTMENT)
        more = {"acme": f'ca_file = "{acme.ca_file}"'} if acme_tls else {}
        urls = {e.core.name: e.url for e in (acme, globex)}
        environ = configured(home, main.url, urls, inside, more, watch)
        yield ThreeBillings(main, acme, globex, home, environ)


def configured(
    home: Path,
    main: str,
    externals: dict[str, str],
    inside: str = DEPARTMENT,
    more: Mapping[str, str] = MappingProxyType({}),
    watch: str = "",
) -> dict[str, str]:
    """Write the configuration of these addresses → the environment that points there. ``inside``: main's department.

    ``more``: a line of the configuration for a connection. ``watch``: as for ``three_billings``.
    """
    secrets = _secrets(home, {"acme", "globex", *externals, *filter(None, [watch])})
    watched = _WATCH.format(login=watch, secrets=secrets) if watch else ""
    connections = "".join(
        _EXTERNAL.format(name=name, url=url, secrets=secrets, inside=inside, more=more.get(name, ""))
        for name, url in externals.items()
    )
    (home / "remotesupport.toml").write_text(_MAIN.format(url=main) + watched + connections, encoding="utf-8")
    return {"REMOTESUPPORT_HOME": str(home), "REMOTESUPPORT_CONFIG": str(home / "remotesupport.toml")}


def _secrets(home: Path, customers: set[str]) -> Path:
    """A folder with one file for each password, as ``file:`` references want them."""
    folder = home / "secrets"
    folder.mkdir()
    for login in ("support-robot", *sorted(customers)):
        (folder / login).write_text(password_of(login))
        (folder / login).chmod(0o600)
    return folder
