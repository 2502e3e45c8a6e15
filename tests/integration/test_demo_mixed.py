"""``make demo ARGS="--mixed"`` without its Prefect server: the same billings and configuration."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from remotesupport.bootstrap import open_context
from remotesupport.core.run import BillingState, RunKind, RunRequest
from remotesupport.demo import MIXED, PORTS, VERSION, addresses, configure, emulator
from remotesupport.steps.cycle import cycle
from remotesupport.steps.operator.check import check_connection
from tests.http_desk import crossed_once


@pytest.mark.thorough("three seconds of CPU time; version 4 beside 6 is in `make test`")
async def test_two_versions_and_one_main(tmp_path: Path) -> None:
    """A ticket of either billing is in main and its answer is back; ``check`` finds the set-up in order."""
    before = dict(os.environ)
    try:
        with ExitStack() as stack:
            billings = {n: stack.enter_context(emulator(n, MIXED.get(n, VERSION))) for n in PORTS}
            settings = configure(tmp_path, billings)
            async with open_context(settings) as context:
                context.store.migrate()
                opened = {}
                for name in ("acme", "globex"):
                    said = {"as_": "ivan", "do": "open", "department": "Technical support", "subject": "s"}
                    opened[name] = str(billings[name].act(**said, text=f"E {name}")["ticket"])
                    rows = await check_connection(context.connections[name], settings.main)
                    assert [row for row in rows if not row.ok] == []
                await cycle(context, RunRequest(RunKind.SYNC))
                copies = {}
                for name, ticket in opened.items():
                    tickets = billings["main"].state()["tickets"]
                    (copies[name],) = [str(t["id"]) for t in tickets if t["subject"].startswith(f"[{name} #{ticket}]")]
                    billings["main"].act(as_="anna", do="reply", ticket=copies[name], text=f"M {name}")
                report = await cycle(context, RunRequest(RunKind.SYNC))
                assert [line.state for line in report.billings] == [BillingState.OK] * 2
            for name, ticket in opened.items():
                crossed_once(billings["main"], copies[name], [f"E {name}"])
                crossed_once(billings[name], ticket, [f"M {name}"])
    finally:
        os.environ.clear()
        os.environ.update(before)


def test_the_set_up_page_of_the_version_4_is_among_the_addresses() -> None:
    """It is the only such page, and who follows it may sign in there as an administrator."""
    with ExitStack() as stack:
        billings = {n: stack.enter_context(emulator(n, MIXED.get(n, VERSION))) for n in PORTS}
        (line,) = [line for line in addresses(billings) if "set-up" in line]
        name, _, address, *_ = line.split()
        assert name == "acme"
        assert 'id="as-admin"' in httpx.get(address, follow_redirects=True).text
