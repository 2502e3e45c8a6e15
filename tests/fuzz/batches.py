"""The work of ``python -m tests.fuzz`` in pieces that a process of its own can do."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

from tests.fuzz import over_http, parsers, views


def examples(seed: int, how_many: int) -> tuple[list[str], Counter[str]]:
    """So many, each by its own seed → what was wrong, what came."""
    wrong: list[str] = []
    views.MET.clear()
    for one in range(seed, seed + how_many):
        wrong += [f"seed {one}: {said}" for said in parsers.law(random.Random(one))]
        for kind, side in views.VIEWS:
            wrong += [f"seed {one}: {said}" for said in views.law(random.Random(one), kind, side)]
    return wrong, Counter(views.MET)


def life(seed: int) -> tuple[list[str], Counter[str]]:
    """One life over HTTP."""
    try:
        wrong, met = asyncio.run(over_http.lived(seed))
    except Exception as error:
        wrong, met = [f"{type(error).__name__}: {error}"], Counter[str]()
    return [f"seed {seed}: {said}" for said in wrong], met
