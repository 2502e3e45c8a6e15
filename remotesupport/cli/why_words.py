"""The words of ``why`` for each message that has crossed: who wrote it; when it was seen, sent, confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from remotesupport.cli import output
from remotesupport.cli.prefect_ui import flow_run_address
from remotesupport.core.model import Side

if TYPE_CHECKING:
    from collections.abc import Mapping

    from remotesupport.store.crossings import Crossing


def as_json(one: Crossing, environ: Mapping[str, str]) -> dict[str, Any]:
    """One message: on its own side, and over there."""
    return {
        "direction": one.direction, "author": one.author, "said_at": one.said_at, "message": one.message,
        "ticket": one.ticket, "seen_at": one.began, "sent_at": one.at, "confirmed_at": one.confirmed_at,
        "target_ticket": _target(one), "target_message": one.target, "department": one.department, "run": one.run,
        "url": _page(one, environ),
    }  # fmt: skip


def sentence(one: Crossing, environ: Mapping[str, str]) -> str:
    """Return the same as a person would say it; what nobody kept is left out."""
    who = f"{one.author} wrote" if one.author else "Somebody wrote"
    said = f" ({output.moment(one.said_at)} by that side's clock)" if one.said_at else ""
    what = f"{who} message {one.message} of {_place(one, source=True)}{said}"
    return f"{what}: {_carried(one)}{_confirmed(one)}{_by(one, environ)}."


def _carried(one: Crossing) -> str:
    if one.at is None:
        return f"it is linked with what stands in {_place(one, source=False)}, and was found there"
    seen = f"seen {output.moment(one.began)}, " if one.began else ""
    return f"{seen}sent to {_place(one, source=False)} {output.moment(one.at)}"


def _confirmed(one: Crossing) -> str:
    if one.target is None:
        return ", not seen there yet"
    when = f" {output.moment(one.confirmed_at)}" if one.confirmed_at else ""
    return f", confirmed there{when} as message {one.target}"


def _by(one: Crossing, environ: Mapping[str, str]) -> str:
    page = _page(one, environ)
    return (f" (run {one.run}" + (f", {page}" if page else "") + ")") if one.run else ""


def _place(one: Crossing, *, source: bool) -> str:
    side = one.direction.source if source else one.direction.target
    return f"main ticket {one.main_ticket}" if side is Side.MAIN else f"{one.connection} ticket {one.ext_ticket}"


def _target(one: Crossing) -> str | None:
    return one.main_ticket if one.direction.target is Side.MAIN else one.ext_ticket


def _page(one: Crossing, environ: Mapping[str, str]) -> str | None:
    return flow_run_address(one.flow_run, environ) if one.flow_run else None
