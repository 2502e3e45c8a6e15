"""Options that several commands share. Nothing is decided here."""

from __future__ import annotations

from typing import Annotated

import typer

from remotesupport.settings import SettingsError, load_settings


def configured_names() -> list[str]:
    """The connections' names, for the shell's completion; none where there is no usable configuration."""
    try:
        return [external.name for external in load_settings().external]
    except SettingsError:
        return []


Billings = Annotated[
    list[str] | None,
    typer.Option(
        "--billing",
        metavar="NAME",
        help="Only this connection; may be given several times.",
        autocompletion=configured_names,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
AnyBilling = typer.Argument(metavar="BILLING", help="A connection's name.", autocompletion=configured_names)
BillingName = Annotated[str, AnyBilling]
