"""Keep what plans were made from, so that `remotesupport replay` can make them again: after a run's work, never in its
way.

Kept are the inputs of each connection that planned something or was stopped; quiet minutes leave nothing. Texts are in
them only where there is a key to encrypt them with. What must stay out: planning again (``operator.replay``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from importlib.metadata import version

from remotesupport.bootstrap import Context
from remotesupport.core import frames
from remotesupport.core.plan.guard import Limited, Limits
from remotesupport.core.replay.comparison import without_texts
from remotesupport.core.replay.kept import Kept, of_connection, refuse_too_much, to_document
from remotesupport.core.replay.stand_ins import with_stand_ins
from remotesupport.sealing import sealed
from remotesupport.steps.record.run_lines import Judged
from remotesupport.steps.values import Basis
from remotesupport.store import StoreError


def keep_inputs(ctx: Context, run: str, judged: Mapping[str, Judged]) -> list[str]:
    """Keep the inputs of those that planned something or were stopped. Returns warnings; an error becomes one."""
    eventful = {name: basis for name, one in judged.items() if (basis := _basis(name, one)) is not None}
    if not (ctx.settings.keep.inputs_days and eventful):
        return []
    warnings = [warning for name, basis in eventful.items() for warning in _warned(ctx, run, judged[name], basis)]
    with suppress(StoreError):  # then the log and the run's record say it
        ctx.store.remember_input_warnings(warnings)
    return warnings


def _basis(name: str, judged: Judged) -> Basis | None:
    """Return what is to be kept of a connection's judgement; None: it neither planned anything nor was stopped."""
    basis = judged.proposal.basis
    return basis if basis is not None and (judged.plan is not None or not basis.verdicts[name].ok) else None


def _warned(ctx: Context, run: str, judged: Judged, basis: Basis) -> Iterator[str]:
    name = judged.read.name
    try:
        _keep(ctx, run, judged, basis)
    except Exception as error:  # whatever it is: tickets are carried, and this is only for looking back
        yield f"{name}: what it was planned from was not kept for `remotesupport replay`: {error}"
        return
    if ctx.inputs_key.problem:
        yield f"{name}: what it was planned from was kept without texts: {' '.join(ctx.inputs_key.problem.split())}"


def _keep(ctx: Context, run: str, judged: Judged, basis: Basis) -> None:
    key, name = ctx.inputs_key.key, judged.read.name
    about = (run, name, judged.plan.id if judged.plan is not None else "", version("remotesupport"))
    if ctx.store.refer_inputs(*about, sealed=bool(key)):
        return
    kept = _collected(ctx, name, judged, basis)
    refuse_too_much(kept.inputs)
    body = sealed(to_document(kept if key else _without_texts(kept)), key)
    ctx.store.keep_inputs(*about, body, sealed=bool(key))


def _collected(ctx: Context, name: str, judged: Judged, basis: Basis) -> Kept:
    plan = judged.plan
    return Kept(
        connection=name,
        inputs=of_connection(basis.inputs, name),
        plan_id=plan.id if plan is not None else "",
        rows=frames.records(plan.changes) if plan is not None else [],
        dropped={key: why for key, why in basis.dropped.items() if key[0] == name},
        facts=basis.facts[name],
        limits=_limits(ctx.settings.limits(name)),
        guard=basis.verdicts[name],
    )


def _limits(own: Limited) -> Limits:
    return Limits(**{f.name: getattr(own, f.name) for f in fields(Limits)})


def _without_texts(kept: Kept) -> Kept:
    return replace(kept, inputs=with_stand_ins(kept.inputs), rows=without_texts(kept.rows), whole=False)
