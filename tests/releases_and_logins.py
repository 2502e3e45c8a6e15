"""What ``check`` and ``sync`` say for each early release and each kind of login, from real runs over HTTP.

``python -m tests.releases_and_logins`` writes the table into docs/coverage.md.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import replace
from pathlib import Path

from connectors.billmanager import connect_external
from remotesupport.bootstrap import Connection
from remotesupport.emulator.people import SUPER
from remotesupport.steps.operator.check import check_connection
from tests.emulator_fixtures import RunningEmulator, password_of
from tests.http_desk import SHORT, HttpDesk, http_desk
from tests.three_billings import ThreeBillings, three_billings

PAGE = Path(__file__).resolve().parents[1] / "docs" / "coverage.md"
BEGIN, END = "<!-- releases and logins -->", "<!-- end of releases and logins -->"
RELEASES = ("4.0.62", "4.0.63", "4.0.68")
THREE = ("clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments")
LOGINS = ("superuser", "all three rights", "two rights", "no right", "wrong password", "banned")
_RIGHTS = {"superuser": (), "all three rights": THREE, "two rights": (THREE[0], THREE[2])}


def prepare(acme: RunningEmulator, login: str) -> None:
    """The administrator of the external billing, as this kind of login."""
    acme.act(do="rights", login="support-robot", functions=list(_RIGHTS.get(login, ())))
    if login == "superuser":
        acme.act(do="user", login="support-robot", level=SUPER)
    if login == "banned":
        acme.fault(ban_after=1, ban_s=3600)


async def with_password(desk: HttpDesk, password: str) -> None:
    """The connection logs in with this password from now on."""
    old = desk.context.connections["acme"]
    wanted = {"timezone": old.settings.timezone, "departments": ["Technical support"], "limits": SHORT}
    external = connect_external("acme", old.settings.url, old.settings.login, password, **wanted)  # type: ignore[arg-type]
    await old.external.aclose()
    desk.context.connections["acme"] = replace(old, external=external, identified=False)


async def said(world: ThreeBillings, login: str) -> tuple[str, str]:
    """What ``check`` says of that connection's login and set-up, and what a run with a ticket each way says."""
    prepare(world.acme, login)
    ticket = world.acme.act(as_="ivan", do="open", subject="s", department="Technical support", text="E1")["ticket"]
    async with http_desk(world) as desk:
        if login in ("wrong password", "banned"):
            await with_password(desk, "not-the-password")
        if login == "banned":
            await desk.run()
            await with_password(desk, password_of("support-robot"))
        checked = await _checked(desk, desk.context.connections["acme"])
        line = (await desk.run()).billings[0]
        copies = world.copies(f"[acme #{ticket}]")
        if copies:
            world.main.act(as_="anna", do="reply", ticket=copies[0]["id"], text="M1")
            line = (await desk.run()).billings[0]
        answers = [m for m in world.acme.state()["messages"] if m["text"] == "M1"]
        crossed = f"{len(copies)} ticket there, {len(answers)} answer back"
        return checked, _plain(f"{line.state}: {crossed}" + (f"; {line.reason}" if line.reason else ""), world)


async def _checked(desk: HttpDesk, connection: Connection) -> str:
    rows = await check_connection(connection, desk.context.settings.main)
    shown = [r for r in rows if (not r.ok and not r.detail.startswith("not looked at")) or (r.ok and r.cure)]
    words = [f"{'warning' if r.ok else 'fails'}, {r.check}: {r.detail}. {r.cure}" for r in shown]
    return _plain("; ".join(words) or "all in order", desk.world)


def _plain(text: str, world: ThreeBillings) -> str:
    """The same in every run: no ports, no ids, and nothing that breaks a table."""
    for billing in (world.main, world.acme):
        text = text.replace(billing.url, f"(its address of {billing.core.name})")
    text = re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1", text)
    text = re.sub(r"ticket \d+", "ticket N", text)
    return text.replace("|", "¦").replace("\n", " ")


async def table() -> str:
    """The whole table as Markdown."""
    lines = ["| release | login | `check` says | `sync` says |", "| --- | --- | --- | --- |"]
    for release in RELEASES:
        for login in LOGINS:
            with tempfile.TemporaryDirectory() as folder, three_billings(Path(folder), acme_version=release) as world:
                checked, synced = await said(world, login)
            lines.append(f"| {release} | {login} | {checked} | {synced} |")
    return "\n".join(lines)


def on_page() -> str:
    """The table as docs/coverage.md has it."""
    return PAGE.read_text(encoding="utf-8").split(BEGIN)[1].split(END)[0].strip()


def main() -> None:
    """Write it there."""
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    PAGE.write_text(f"{before}{BEGIN}\n{asyncio.run(table())}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
