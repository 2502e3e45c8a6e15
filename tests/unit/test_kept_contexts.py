"""A warm worker keeps its clients from run to run; a connection in trouble costs no other one its session."""

from __future__ import annotations

from pathlib import Path

import pytest

from remotesupport.bootstrap import Connection, KeptContexts
from remotesupport.settings import Problem, Settings, SettingsError, load_settings
from tests.cycle_fixtures import CONNECTION, TOML

SECRET = "an invented one"


class Blocks:
    """Secret blocks, of which some are not there yet."""

    def __init__(self, *names: str) -> None:
        self.names = set(names)

    async def __call__(self, name: str) -> str:
        if name not in self.names:
            raise SettingsError([Problem(f"prefect:{name}", "there is no such block")])
        return SECRET


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Two connections, each with a secret block of its own."""
    file = tmp_path / "remotesupport.toml"
    parts = [CONNECTION.format(name=n, extra="").replace("env:ROBOT", f"prefect:{n}") for n in ("acme", "globex")]
    file.write_text(TOML + "".join(parts))
    return load_settings(file, {"REMOTESUPPORT_HOME": str(tmp_path)})


async def lent(kept: KeptContexts, settings: Settings, blocks: Blocks) -> dict[str, Connection]:
    """The connections of one run."""
    async with kept.lend(settings, resolve_block=blocks) as context:
        assert context.broken.keys() == {"acme", "globex"} - context.connections.keys()
        return dict(context.connections)


async def test_a_missing_secret_leaves_the_others_their_sessions(settings: Settings) -> None:
    """Each run looks for it again; the other connection's clients stay, before it is there and after."""
    kept, blocks = KeptContexts(), Blocks("acme")
    first, second = await lent(kept, settings, blocks), await lent(kept, settings, blocks)
    assert [*first] == [*second] == ["acme"]
    assert second["acme"] is first["acme"]
    blocks.names.add("globex")
    third = await lent(kept, settings, blocks)
    assert [*third] == ["acme", "globex"]
    assert third["acme"] is first["acme"]


async def test_a_refused_login_is_made_anew_and_no_other(settings: Settings) -> None:
    """Its secret may be another one by now: only its own clients are new; where it is gone, only it is left out."""
    kept, blocks = KeptContexts(), Blocks("acme", "globex")
    first = await lent(kept, settings, blocks)
    first["globex"].doubtful = True
    second = await lent(kept, settings, blocks)
    assert second["acme"] is first["acme"]
    assert second["globex"] is not first["globex"]
    second["globex"].doubtful = True
    blocks.names.remove("globex")
    third = await lent(kept, settings, blocks)
    assert [*third] == ["acme"]
    assert third["acme"] is first["acme"]


async def test_a_run_that_goes_on_keeps_what_it_has(settings: Settings) -> None:
    """While another run uses the clients, those in doubt are not taken away from it."""
    kept, blocks = KeptContexts(), Blocks("acme", "globex")
    async with kept.lend(settings, resolve_block=blocks) as going_on:
        before = dict(going_on.connections)
        before["globex"].doubtful = True
        beside = await lent(kept, settings, blocks)
        assert beside["globex"] is not before["globex"]
        assert dict(going_on.connections) == before
