"""The mutants are those of the present tree; whether a test notices each of them: ``make mutants``."""

from __future__ import annotations

import pytest

from tests.mutants.__main__ import HERE, mutated
from tests.mutants.mutants import MUTANTS, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda m: m.name)
def test_each_mutant_still_applies(mutant: Mutant) -> None:
    """The text of each protection is in its file exactly once, and the tests that must notice are there."""
    text = (HERE / mutant.file).read_text()
    assert mutated(text, mutant) != text
    assert all((HERE / tests.split()[0]).is_file() for tests in mutant.tests)
