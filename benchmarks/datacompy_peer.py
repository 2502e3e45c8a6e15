"""Runs in datacompy's own environment: reads two parquet files, then compares once for each line it is sent.

Imports nothing of the product, which that environment doesn't have. Answers each line with seconds and counts.
"""

from __future__ import annotations

import json
import sys
import time

import datacompy
import pandas as pd


def compare(old: pd.DataFrame, new: pd.DataFrame, key: str) -> tuple[int, int, int]:
    """New, gone and changed rows, as datacompy counts them."""
    make = getattr(datacompy, "PandasCompare", None) or datacompy.Compare
    found = make(old, new, join_columns=key, df1_name="old", df2_name="new")
    changed = found.all_mismatch(ignore_matching_cols=True)
    return len(found.df2_unq_rows), len(found.df1_unq_rows), len(changed)


def main() -> None:
    """``datacompy_peer.py OLD NEW KEY``."""
    old, new = (pd.read_parquet(path) for path in sys.argv[1:3])
    print(json.dumps({"datacompy": datacompy.__version__, "pandas": pd.__version__}), flush=True)
    for _line in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        counts = compare(old, new, sys.argv[3])
        took = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
        print(json.dumps({**took, "counts": counts}), flush=True)


if __name__ == "__main__":
    main()
