"""``up``: Prefect server, deployments and warm worker in one process tree, until Ctrl-C.

This process only starts, watches and stops; it imports no Prefect.
"""

from __future__ import annotations

import logging
import os
from datetime import UTC, datetime
from typing import Annotated

import typer

from deployments.alerts.caller import Caller
from deployments.alerts.missed import MissedRuns
from deployments.bell.process import BellProcess
from deployments.catalog import sync_names
from deployments.minding import Minder, NothingRuns
from deployments.prefect_api import PrefectApi
from deployments.processes import Child, PrefectServer, StartError, WorkerProcess
from deployments.schedule import look
from deployments.server_errors import ServerErrors
from deployments.settings_env import AUTH_VARIABLE, CLIENT_AUTH_VARIABLE, auth_file, auth_string
from deployments.supervise import Kept, Stopping, Tended, keep_going, stop_all
from deployments.watchdog import PATIENCE_S
from deployments.worker_name import DEFAULT_POOL, own_name
from remotesupport.cli import output, session
from remotesupport.cli.errors import FAILED, Refusal
from remotesupport.cli.prefect_ui import board_address, publish
from remotesupport.settings import CONFIG_VARIABLE, DATABASE_VARIABLE, HOME_VARIABLE, Settings

DEFAULT_PORT = 4200
PATIENCE_VARIABLE = "REMOTESUPPORT_UP_PATIENCE_S"

_log = logging.getLogger(__name__)

Port = Annotated[int, typer.Option(help="Port of the Prefect server on loopback; 0 takes a free one.")]
Pool = Annotated[str, typer.Option(help="The work pool of the warm workers.")]
MemoryMb = Annotated[float, typer.Option(min=200, help="The worker starts afresh when it has grown past this.")]


def up(port: Port = DEFAULT_PORT, pool: Pool = DEFAULT_POOL, memory_mb: MemoryMb = 1500) -> None:
    """Start everything: Prefect server (unless PREFECT_API_URL is set), deployments, worker. Ctrl-C stops it.

    Where no scheduled run begins for two minutes it says so, starts the server again once, and then ends with status 1.
    """
    settings = session.configuration()
    migrate(settings)
    stopping = Stopping()
    stopping.install()
    tree = Tree(settings, port, pool, memory_mb)
    try:
        tree.start(stopping)
        if not stopping.wanted:
            tree.say_where()
        keep_going(tree.tended(), stopping)
    except StartError as error:
        raise Refusal(str(error), FAILED) from None
    except NothingRuns as error:
        _log.error("%s", error)
        raise Refusal("Ending, because nothing runs.", FAILED) from None
    finally:
        output.say("Stopping …")
        stop_all(tree.children, stopping)
        if summary := tree.minder.summary():
            output.say(summary)


def migrate(settings: Settings) -> None:
    """Bring the store's tables to this version before anything uses them."""
    with session.store_of(settings):
        pass


def environment(settings: Settings) -> dict[str, str]:
    """Ours, with the places of configuration, state and store made absolute for processes elsewhere."""
    places = {
        CONFIG_VARIABLE: str(settings.config_path),
        HOME_VARIABLE: str(settings.home),
        DATABASE_VARIABLE: settings.database_url,
    }
    return dict(os.environ) | places


class Tree:
    """The children of one ``up``. ``children`` is in the order in which they are ended."""

    def __init__(self, settings: Settings, port: int, pool: str, memory_mb: float) -> None:
        self.settings = settings
        environ = environment(settings)
        given = os.environ.get("PREFECT_API_URL")
        if not given and not environ.get(AUTH_VARIABLE):
            environ[AUTH_VARIABLE] = auth_string(settings.home)
            environ[CLIENT_AUTH_VARIABLE] = environ[AUTH_VARIABLE]
        self.environ = environ
        self.pool, self.shards = pool, settings.scale.shards
        self.server = None if given else PrefectServer(settings.home, port, environ)
        self.api = given or (self.server.api if self.server else "")
        arguments = ("--register", "--wait", "120", "--memory-mb", str(memory_mb))
        self.worker = WorkerProcess(
            settings.home, self.api, pool, name=own_name(settings.home), environ=environ, arguments=arguments
        )
        bell = [BellProcess(settings.home, self.api, environ)] if settings.bell.enabled else []
        self.children: list[Child] = [*bell, self.worker, *([self.server.child] if self.server else [])]
        self.kept = [Kept("The worker", self.worker, output.say)]
        if self.server is not None:
            self.kept.append(Kept("The Prefect server", self.server.child, output.say))
        self.minder = self._minder(environ)
        self.bells = [Kept("The bell", one, output.say) for one in bell]

    @property
    def board(self) -> str:
        """The address of the live board."""
        return board_address(self.environ | {"PREFECT_API_URL": self.api}) or ""

    def _minder(self, environ: dict[str, str]) -> Minder:
        """Watches the schedule. Only a server of our own is started again, and the worker with it."""
        api = PrefectApi(self.api, environ)
        errors = ServerErrors(self.server.child.log) if self.server and self.server.child.log else None
        names = sync_names(self.shards)
        return Minder(
            lambda: look(api, self.pool, names),
            errors,
            list(reversed(self.kept)) if self.server else [],
            say=output.say,
            shout=lambda text: _log.error("%s", text),
            patience=float(environ.get(PATIENCE_VARIABLE, PATIENCE_S)),
            names=names,
            missed=self._missed(environ),
        )

    def _missed(self, environ: dict[str, str]) -> MissedRuns | None:
        """Tells people that no run begins, where the configuration has anybody to tell."""
        alerts = self.settings.alerts
        if not alerts.told:
            return None
        caller = Caller(self.settings.home, self.api, environ, output.say)
        return MissedRuns(self.settings.home, caller.tell, lambda: alerts.is_quiet(datetime.now(UTC)))

    def tended(self) -> list[Tended]:
        """Begin to watch, and return all that ``up`` looks after: its children, and that runs begin."""
        self.minder.begin()
        return [*self.kept, *self.bells, self.minder]

    def start(self, stopping: Stopping) -> None:
        """Server and worker together: the worker imports while the server comes up. Raises StartError."""
        if self.server is not None:
            output.say(f"Starting the Prefect server on {self.server.ui} …")
            self.server.start()
        self.worker.start()
        for bell in self.bells:
            bell.start()
        if self.server is not None:
            self.server.wait_healthy(lambda: stopping.wanted)
        publish(self.worker.cwd, self.api)

    def say_where(self) -> None:
        """The addresses to open."""
        home = self.worker.cwd
        output.say(f"Prefect UI   {self.api.removesuffix('/api')}")
        output.say(f"Live board   {self.board}")
        if self.server is not None and AUTH_VARIABLE not in os.environ:
            output.say(f"Login        user and password stand in {auth_file(home)}")
        output.say(f"State folder {home}")
        output.say("Ctrl-C stops everything.")
