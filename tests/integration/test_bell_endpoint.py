"""The bell's endpoint over real HTTP: who may ring, for what, what is answered, and what a storm of rings costs."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from deployments.bell.endpoint import MOST_BYTES
from deployments.bell.ringer import NotBegun
from deployments.bell.rings import APART_S, MOST_TICKETS
from tests.bell_fixtures import Bell, ringing


@pytest.fixture
async def bell(tmp_path: Path) -> AsyncIterator[Bell]:
    """A bell that is served, for acme; globex is switched off."""
    async with ringing(tmp_path) as served:
        yield served


async def test_a_ring_is_taken_and_answered_in_words(bell: Bell) -> None:
    """202 with the billing, the ticket, when it is looked at, and that as a sentence."""
    answer = await bell.post("/bell/acme/7")
    assert answer.status_code == 202
    assert answer.json() == {"billing": "acme", "ticket": "7", "look": "now", "detail": "it is looked at now"}
    assert bell.runs.begun == [{"acme": ("7",)}]


@pytest.mark.parametrize("given", [None, "Bearer wrong", "Bearer", "Basic {token}", "Bearer {token}x", "{token}"])
async def test_without_the_token_nothing_is_rung(bell: Bell, given: str | None) -> None:
    """401 says where the token is, and neither names of billings nor the token are in the answer."""
    headers = {} if given is None else {"Authorization": given.format(token=bell.token)}
    for path in ("/bell/acme/7", "/bell/unknown/7"):
        answer = await bell.client.post(path, headers=headers)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
        assert "bell.token in the state folder" in answer.json()["detail"]
        assert "acme" not in answer.text
        assert bell.token not in answer.text
    assert bell.runs.begun == []


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/bell/unknown/7", 404, "no billing of that name in remotesupport.toml; it has acme, globex"),
        ("/bell/globex/7", 404, "globex is switched off: enabled = false in remotesupport.toml"),
        ("/bell/acme", 404, "POST /bell/BILLING/TICKET rings"),
        ("/", 404, "POST /bell/BILLING/TICKET rings"),
        ("/bell/acme/7/8", 404, "POST /bell/BILLING/TICKET rings"),
        ("/bell/acme/%D1%8F", 400, "a ticket's id has letters, digits"),
        ("/bell/acme/" + "7" * 65, 400, "64 of them at most"),
    ],
)
async def test_what_cannot_be_rung_for_is_refused_in_words(bell: Bell, path: str, status: int, words: str) -> None:
    """Nothing begins, and the answer says why."""
    answer = await bell.post(path)
    assert (answer.status_code, bell.runs.begun) == (status, [])
    assert words in answer.json()["detail"]


async def test_a_billing_is_known_once_the_configuration_has_it(bell: Bell) -> None:
    """A changed remotesupport.toml counts for the next ring; while it is broken, the last good one does."""
    file = bell.home / "remotesupport.toml"
    good = file.read_text()
    file.write_text(good.replace("enabled = false", "enabled = true"))
    assert (await bell.post("/bell/globex/7")).status_code == 202
    file.write_text(good.replace("enabled = false", "enabled = 'perhaps'"))
    assert (await bell.post("/bell/globex/8")).status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_bell_is_rung_with_post(bell: Bell, method: str) -> None:
    """405 for every other method, so that no browser and no crawler rings by a link."""
    answer = await bell.client.request(method, "/bell/acme/7", headers={"Authorization": f"Bearer {bell.token}"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["detail"] == "a bell is rung with POST"
    assert bell.runs.begun == []


async def test_a_large_body_is_refused(bell: Bell) -> None:
    """413 for more than the limit, however its length is told; a small one is taken and means nothing."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MOST_BYTES):
            yield b"xx"

    for body in (b"x" * (MOST_BYTES + 1), pieces()):
        answer = await bell.post("/bell/acme/7", content=body)
        assert (answer.status_code, bell.runs.begun) == (413, [])
        assert f"more than {MOST_BYTES} bytes" in answer.json()["detail"]
    assert (await bell.post("/bell/acme/7", content=b"x" * MOST_BYTES)).status_code == 202


@pytest.mark.parametrize("keep", [True, False])
async def test_a_run_that_cannot_begin_is_said(bell: Bell, keep: bool) -> None:
    """503 with the reason that the operator is told, whether the ring is kept or not."""
    bell.runs.refusal = NotBegun("the Prefect server gives no answer", keep=keep)
    answer = await bell.post("/bell/acme/7")
    assert (answer.status_code, answer.json()) == (503, {"detail": "the Prefect server gives no answer"})


@pytest.mark.thorough("a thousand requests")
async def test_a_thousand_rings_are_two_runs_and_take_no_memory(bell: Bell) -> None:
    """A thousand tickets rung for during a run: one run afterwards, for a bounded number; what is kept is bounded."""
    tracemalloc.start()
    try:
        for n in range(100):
            await bell.post(f"/bell/acme/{n}")
        gc.collect()
        before, _peak = tracemalloc.get_traced_memory()
        for n in range(100, 1000):
            assert (await bell.post(f"/bell/acme/{n}")).status_code == 202
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert bell.runs.begun == [{"acme": ("0",)}]
    bell.now += APART_S
    bell.runs.over.set()
    while len(bell.runs.begun) < 2:
        await asyncio.sleep(0)
    assert bell.runs.begun[1] == {"acme": tuple(str(n) for n in range(1, 1 + MOST_TICKETS))}
    assert grown < 100_000, f"{grown} bytes more after 900 rings"


async def test_an_answer_is_json_whatever_is_asked(bell: Bell) -> None:
    """A script can read every answer in one way."""
    for path in ("/bell/acme/7", "/bell/unknown/7", "/nothing"):
        answer = await bell.post(path)
        assert answer.headers["content-type"] == "application/json"
        assert json.loads(answer.content)["detail"]
