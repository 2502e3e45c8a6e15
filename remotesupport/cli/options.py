"""Options that several commands share. Nothing is decided here."""

from __future__ import annotations

from typing import Annotated

import typer

Billings = Annotated[
    list[str] | None,
    typer.Option("--billing", metavar="NAME", help="Only this connection; may be given several times."),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
BillingName = Annotated[str, typer.Argument(metavar="BILLING", help="A connection's name.")]
