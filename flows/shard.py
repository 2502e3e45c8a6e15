"""The shard of a run: a parameter that each shard's deployment has, and that a person's own run leaves away."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from remotesupport.core.connections.shards import Shard


def _a_shard(text: str) -> str:
    return str(Shard.parse(text))


ShardName = Annotated[
    str,
    AfterValidator(_a_shard),
    Field(description="The connections of this shard, such as 3/8; 1/1 means all of them."),
]
ALL = "1/1"
