"""``alerts``: whom the product tells when something is wrong, tried and registered from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from remotesupport.cli import output, session
from remotesupport.cli.errors import DONE, FAILED, WRONG, Refusal
from remotesupport.cli.options import AsJson

if TYPE_CHECKING:
    from deployments.alerts.send import Answer
    from remotesupport.settings import Settings

SUBJECT = "remotesupport: a trial"
TEXT = (
    "This is a trial of the alerts of remotesupport, asked for with `remotesupport alerts test`. Nothing is wrong, and "
    "there is nothing to do. Real ones come by way of Prefect, while `remotesupport up` or a worker runs."
)

app = typer.Typer(no_args_is_help=True)


@app.callback()
def alerts() -> None:
    """The receivers of alerts, who are told when something is wrong; `alerts test` sends each of them one."""


@app.command("test")
def trial(as_json: AsJson = False) -> None:
    """Send one alert to each receiver of [alerts], and say how each took it. Exit status 1 where one did not."""
    settings = _told(as_json)
    answers = session.run(_tell(settings))
    if as_json:
        output.document({"receivers": [_row(one) for one in answers]})
    else:
        rows = [(one.name, one.kind, one.ok, one.detail) for one in answers]
        output.table("Alerts", ("Receiver", "Kind", "Taken", "Answer"), rows)
    raise typer.Exit(DONE if all(one.ok for one in answers) else FAILED)


@app.command()
def register(as_json: AsJson = False) -> None:
    """Put receivers and automations into the Prefect server at PREFECT_API_URL, where workers of your own run.

    `up` and `deployments.serve` do it by themselves. Exit status 1 where one of the receivers cannot be told.
    """
    settings = _told(as_json)
    if not session.prefect_is_set():
        raise Refusal("register needs a Prefect server: set PREFECT_API_URL. `remotesupport up` registers by itself")
    troubles = session.run(_registered(settings))
    if as_json:
        output.document({"troubles": troubles})
    else:
        output.line("Receivers and automations are in Prefect. `remotesupport alerts test` sends each receiver one.")
        for trouble in troubles:
            output.line(trouble)
    raise typer.Exit(FAILED if troubles else DONE)


def _told(as_json: bool) -> Settings:
    """The configuration, which names somebody to tell. Raises Refusal."""
    settings = session.configuration(log_to_stderr=as_json)
    if not settings.alerts.told:
        raise Refusal(
            f"Nobody is told anything: {settings.config_path} has no [[alerts.receivers]] section and no to = […] "
            "under [alerts]. `remotesupport init` elsewhere shows how they look",
            WRONG,
        )
    return settings


async def _registered(settings: Settings) -> list[str]:
    """Register as for a server that no `up` watches; one that gives no answer is told with what to do."""
    import httpx
    from prefect.exceptions import PrefectException

    from deployments.alerts.register import register_alerts

    try:
        return await register_alerts(settings.alerts, session.block_reader(), watched=False)
    except (httpx.HTTPError, PrefectException, RuntimeError) as error:
        raise Refusal(
            f"Not registered, what was there before holds: {type(error).__name__}: {error}. Does the Prefect server at "
            "PREFECT_API_URL answer, and is PREFECT_API_AUTH_STRING its login?",
            FAILED,
        ) from None


async def _tell(settings: Settings) -> list[Answer]:
    from deployments.alerts.receivers import receivers_of
    from deployments.alerts.send import tell

    if not session.prefect_is_set() and settings.alerts.to:
        raise Refusal(
            'The blocks of to = […] stand in Prefect: set PREFECT_API_URL, for a running `remotesupport up` to "'
            'http://127.0.0.1:4200/api"',
            WRONG,
        )
    return await tell(await receivers_of(settings.alerts, session.block_reader()), SUBJECT, TEXT)


def _row(one: Answer) -> dict[str, object]:
    return {"name": one.name, "kind": one.kind, "ok": one.ok, "detail": one.detail}
