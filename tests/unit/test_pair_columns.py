"""The stages of pairs are declared: ``core/pairs/columns``. Every law of a reconcile passes through all of them."""

import pandas as pd
import pytest

from remotesupport.core.pairs.columns import PAIRED, STAGES, at


def declared() -> pd.DataFrame:
    """No pairs, with the columns of the first stage."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in PAIRED.columns.items()})


def test_pairs_as_declared_pass() -> None:
    """Pairs with the declared columns pass in whatever order these are."""
    pairs = declared()
    assert at(PAIRED, pairs) is pairs
    assert len(at(PAIRED, pairs[sorted(pairs.columns)])) == 0


@pytest.mark.parametrize("what", ["too many", "too few", "another dtype"])
def test_other_columns_than_those_declared_are_refused(what: str) -> None:
    """Pairs with a column too many, too few or of another dtype do not leave their stage, and the error names it."""
    good = declared()
    bad = {
        "too many": good.assign(subject_2=""),
        "too few": good.drop(columns="subject"),
        "another dtype": good.astype({"subject": "int64"}),
    }
    with pytest.raises(AssertionError, match=r"'paired'.*subject"):
        at(PAIRED, bad[what])


def test_each_stage_adds_columns_of_its_own() -> None:
    """No column is declared by two stages: each has one place where it comes from."""
    names = [name for stage in STAGES for name in stage.adds]
    assert len(names) == len(set(names))
