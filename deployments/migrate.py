"""Bring the store's tables to this version: ``python -m deployments.migrate``, before workers of it start.

Workers do so as well, one after the other; a job of its own shows by its exit status that it is done.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from remotesupport.settings import DATABASE_VARIABLE
from remotesupport.store import Store
from remotesupport.store.errors import StoreError


def main(environ: Mapping[str, str]) -> int:
    """Migrate the store of the environment, and say what was done. → exit status."""
    url = environ.get(DATABASE_VARIABLE, "")
    if not url:
        sys.stderr.write(f"Set {DATABASE_VARIABLE}: there is no store that several workers share without it.\n")
        return 2
    try:
        with Store.open(url) as store:
            done = store.migrate()
            sys.stdout.write(f"{store.shown}: {'brought to this version' if done else 'nothing to do'}.\n")
    except StoreError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(os.environ))
