"""One billing of three sends broken or lying answers over real HTTP: nobody else notices, and afterwards all is there.

More lives, other seeds: ``python -m tests.fuzz --answers 10000 --seed 7``.
"""

from __future__ import annotations

import pytest

from tests.fuzz.over_http import lived
from tests.fuzz.proxy import Mood

pytestmark = pytest.mark.thorough("each life takes a minute and up to eighty mutated answers")
LIVES = {f"{side} {mood}": seed for seed, (side, mood) in enumerate(
    [("external", Mood.NOISE), ("external", Mood.LIES), ("main", Mood.NOISE), ("main", Mood.LIES)], start=400
)}  # fmt: skip


@pytest.mark.parametrize("who", LIVES)
async def test_mutated_answers_touch_no_other_connection(who: str) -> None:
    """In every minute of an ill server the honest connections carry what was said in it, nothing unforeseen happens,
    nothing is written twice or into another's ticket; when the server is well again, its own is carried once."""
    wrong, met = await lived(LIVES[who])
    assert wrong == []
    assert met["mutated"]  # a liar may be stopped soon: when it contradicts what was learned of it
