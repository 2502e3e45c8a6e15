"""For the processes that a forkserver forks: all that a run imports and makes once, so that each costs only its run.

Its name goes into ``set_forkserver_preload``; the product's own path of importing is taken.
"""

from __future__ import annotations

import gc
import warnings

import remotesupport.steps.cycle  # noqa: F401
from remotesupport.checks import gate
from tests import checks_rows as rows

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    gate("messages", rows.messages({}))
gc.collect()
gc.freeze()
