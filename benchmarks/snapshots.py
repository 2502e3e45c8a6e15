"""Two snapshots of a ticket list, a minute apart: 12 columns, mostly text, 0.1 % changed, new and gone each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

KEY = "ticket"
SHARE = 0.001
WORDS = ["почта", "сервер", "домен", "оплата", "account", "backup", "доступ", "ошибка", "502", "тариф", "диск"]


@dataclass(frozen=True, slots=True)
class Pair:
    """``old`` and ``new`` (str and int64 columns, key ``ticket``) and how many rows are new, gone and changed."""

    old: pd.DataFrame
    new: pd.DataFrame
    planted: tuple[int, int, int]

    @property
    def columns(self) -> list[str]:
        """All but the key."""
        return [c for c in self.old.columns if c != KEY]


def pair(rows: int, seed: int = 1) -> Pair:
    """A pair of ``rows`` rows each, the same for the same seed."""
    rng = np.random.default_rng(seed)
    few = max(1, round(rows * SHARE))
    world = _tickets(rng, rows + few)
    old, new = world.iloc[:rows], world.iloc[few:].reset_index(drop=True)
    hit = rng.choice(rows - few, few, replace=False)
    new = new.copy()
    for column in ("subject", "status", "activity"):
        new.loc[hit, column] = new.loc[hit, column] + "!"
    return Pair(old, new.sample(frac=1, random_state=seed, ignore_index=True), (few, few, few))


def _tickets(rng: np.random.Generator, rows: int) -> pd.DataFrame:
    numbers = np.arange(rows)
    seconds = pd.Timestamp("2026-11-01", tz="UTC") + pd.to_timedelta(numbers * 7, unit="s")
    text = {
        KEY: numbers.astype(str),
        "subject": _sentences(rng, rows, 5),
        "status": rng.choice(["0", "1", "2", "3", "10"], rows),
        "state": rng.choice(["open", "closed"], rows),
        "department": rng.choice([f"d_{n}" for n in range(12)], rows),
        "author": _sentences(rng, rows, 2),
        "email": [f"user{n}@customer.example" for n in rng.integers(0, rows, rows)],
        "activity": seconds.strftime("%Y-%m-%d %H:%M:%S"),
        "opened": seconds.strftime("%Y-%m-%d"),
        "last": _sentences(rng, rows, 12),
    }
    frame = pd.DataFrame({column: pd.Series(values, dtype="str") for column, values in text.items()})
    return frame.assign(messages=rng.integers(1, 40, rows), priority=rng.integers(0, 4, rows))


def _sentences(rng: np.random.Generator, rows: int, words: int) -> list[str]:
    picks = rng.choice(WORDS, (rows, words))
    return [" ".join(pick) for pick in picks]
