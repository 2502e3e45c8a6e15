"""Ask a person before something is done that they may not want."""

from __future__ import annotations

import typer


def agreed(question: str) -> bool:
    """True where the person said yes; False also where there is nobody to ask."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:  # no terminal to ask on, or Ctrl-C
        return False
