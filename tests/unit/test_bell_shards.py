"""A ring goes to its billing's shard: its pause is obeyed, its second of the minute takes over."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deployments.bell.names import Names
from deployments.bell.ringer import NotBegun
from deployments.bell.rings import MINUTE_NEAR_S, Look, Rings
from deployments.bell.runs import SyncRuns
from deployments.prefect_api import PrefectApi
from remotesupport.core.connections.shards import Shard, number_of
from tests.three_billings import configured

SHARDS = {"acme": Shard(1, 2), "globex": Shard(2, 2)}
ON, OFF = [{"active": True}], [{"active": False}]


class Given(PrefectApi):
    """An API with these deployments; ``made``: the runs that it was asked for."""

    def __init__(self, **deployments: list[dict[str, bool]]) -> None:
        super().__init__("http://127.0.0.1:9/api", {})
        self.deployments = {name.replace("_", "-"): schedules for name, schedules in deployments.items()}
        self.made: list[tuple[str, Any]] = []

    def get(self, path: str) -> Any:
        """A deployment by its name; None for one that is not registered."""
        name = path.rpartition("/")[2]
        return {"id": name, "schedules": self.deployments[name]} if name in self.deployments else None

    def post(self, path: str, body: object) -> Any:
        """A new run."""
        self.made.append((path.split("/")[2], body))
        return {"id": "run"}


async def rung(api: Given, *billings: str) -> list[tuple[str, list[str]]]:
    """Which runs are begun for these billings: deployment, and whom for."""
    await SyncRuns(api, SHARDS.__getitem__).begin(dict.fromkeys(billings, ("7",)))
    return [(name, sorted(body["parameters"]["rung"])) for name, body in api.made]


async def test_a_ring_begins_a_run_of_its_shard() -> None:
    """Each billing's own deployment is asked; of several billings the first one's runs for all."""
    assert await rung(Given(every_minute=ON, every_minute_2=ON), "globex") == [("every-minute-2", ["globex"])]
    assert await rung(Given(every_minute=ON, every_minute_2=ON), "globex", "acme") == [
        ("every-minute", ["acme", "globex"])
    ]


async def test_a_paused_shard_is_obeyed_and_the_others_are_served() -> None:
    """Nothing begins for a billing whose shard a person has paused, also beside one whose shard goes on."""
    assert await rung(Given(every_minute=OFF, every_minute_2=ON), "globex", "acme") == [("every-minute-2", ["globex"])]
    with pytest.raises(NotBegun, match="paused in Prefect"):
        await rung(Given(every_minute=OFF, every_minute_2=ON), "acme")


async def test_before_its_shard_is_registered_the_first_one_serves() -> None:
    """After a change in the configuration nobody waits for the registration; with none at all a ring is kept."""
    assert await rung(Given(every_minute=ON), "globex") == [("every-minute", ["globex"])]
    with pytest.raises(NotBegun, match="not registered") as why:
        await rung(Given(), "globex")
    assert why.value.keep


def test_each_billing_has_its_own_minute() -> None:
    """So near to its own shard's second a ring is left to the schedule; another billing's begins at once."""
    rings = Rings(lambda: 0.0, {"acme": MINUTE_NEAR_S / 2, "globex": 30.0}.__getitem__)
    assert [rings.ring(billing, "7") for billing in ("acme", "globex")] == [Look.MINUTE, Look.NOW]
    assert rings.due() == {"globex": ("7",)}
    assert rings.due() == {}


def test_the_shard_is_that_of_the_configuration(tmp_path: Path) -> None:
    """As it is now, without a restart."""
    url = "http://127.0.0.1:9/billmgr"
    environ = configured(tmp_path, url, {"acme": url})
    names = Names(environ)
    assert names.shard("acme") == Shard(1, 1)
    config = tmp_path / "remotesupport.toml"
    config.write_text(config.read_text() + "\n[scale]\nshards = 5\n")
    assert names.shard("acme") == Shard(number_of("acme", 5), 5)
