"""A length of time in words. No clock, no dates."""

from __future__ import annotations


def span(seconds: float | None) -> str:
    """Seconds as the two largest units of time, ``3 d 4 h``; a dash for None."""
    if seconds is None:
        return "-"
    left = max(0, int(seconds))
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"
