"""The name under which somebody is shown: the habit ``realnames``."""

from __future__ import annotations

from collections.abc import Mapping

from remotesupport.emulator.people import EMPLOYEE

SHARED_NAME = "Support"


def shown_name(habits: Mapping[str, str], level: int, realname: str) -> str:
    """The real name; with ``shared`` every employee has one and the same."""
    return SHARED_NAME if level >= EMPLOYEE and habits["realnames"] == "shared" else realname
