"""A notification block for any address that apprise knows: e-mail, Telegram and a hundred more.

Prefect has blocks for some of apprise's services only. It is the server that sends, so it has to know this one: it
imports this module by the entry point of pyproject.toml, wherever this package is installed beside it.
"""

from __future__ import annotations

from prefect.blocks.notifications import AppriseNotificationBlock
from pydantic import Field, SecretStr


class AppriseAddress(AppriseNotificationBlock):
    """Sends notifications to an address of apprise."""

    _block_type_name = "Apprise address"
    _block_type_slug = "apprise-address"

    url: SecretStr = Field(
        default=...,
        title="Address",
        description="An address of apprise, such as mailtos://USER:PASSWORD@smtp.example?to=ops@example.com",
    )
