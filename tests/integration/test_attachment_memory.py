"""What a large file costs in memory: the billings and the product are processes of their own, over real HTTP."""

from __future__ import annotations

import pytest

from benchmarks.attachment import MB, carried


@pytest.mark.thorough("64 megabytes go from billing to billing over real HTTP")
def test_a_large_file_does_not_become_memory() -> None:
    """64 MB from billing to billing, and read back to compare: the product's process grows by less than 20 MB."""
    assert carried(64 * MB).grown < 20 * MB
