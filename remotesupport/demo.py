"""``make demo``: the product at work on this machine. Three emulated billings, a Prefect server, the every-minute runs.

Only puts pieces together: the emulators run in threads of this process, the rest is what ``remotesupport up`` starts.
Nothing is left running at the end, and the state folder is removed unless it was asked for with ``--keep``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from deployments.ended_runs import EndedRuns
from deployments.minding import NothingRuns
from deployments.prefect_api import PrefectApi, RunSeen
from deployments.processes import StartError, free_port, port_is_free, python
from deployments.settings_env import auth_file
from deployments.supervise import Stopping, keep_going, stop_all
from deployments.worker_name import DEFAULT_POOL
from remotesupport.cli import session
from remotesupport.cli.output import say
from remotesupport.cli.up import Tree, migrate
from remotesupport.demo_story import Story
from remotesupport.emulator.billing import Billing
from remotesupport.emulator.running import RunningEmulator
from remotesupport.emulator.v4.introduce import introduce
from remotesupport.settings import CONFIG_VARIABLE, HOME_VARIABLE, Settings

EXTERNALS = ("acme", "globex")
PORTS = {"main": 15000, "acme": 15001, "globex": 15002}
PREFECT_PORT = 4200
VERSION, MIXED = "6.94.1", {"acme": "4.0.68"}

_CONFIG = """\
# Written by the demo: one main billing, two external ones, all emulated on this machine.
[main]
url = "{main}"
{connections}
[guard]
creates = 200      # the seed holds a whole week; a first import is bigger than a minute
"""
_CONNECTION = """
[[external]]
name = "{name}"
url = "{url}"
login = "support-robot"
password = "env:DEMO_ROBOT_PASSWORD"
main_login = "{name}"
main_password = "env:DEMO_{upper}_PASSWORD"
timezone = "Europe/Moscow"

[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
"""


def main(argv: list[str] | None = None) -> int:
    """Run until Ctrl-C, or for ``--cycles`` runs of the schedule; 0 when all of them came and did what they should."""
    parser = argparse.ArgumentParser(prog="make demo ARGS=", description="The product at work on this machine.")
    parser.add_argument("--cycles", type=int, default=0, help="end by itself after this many scheduled runs")
    parser.add_argument("--mixed", action="store_true", help="acme is a version 4, the others are a version 6")
    parser.add_argument("--keep", type=Path, help="keep the state in this folder")
    chosen = parser.parse_args(argv)
    with _folder(chosen.keep) as home, ExitStack() as stack:
        versions = MIXED if chosen.mixed else {}
        billings = {name: stack.enter_context(emulator(name, versions.get(name, VERSION))) for name in PORTS}
        settings = configure(home, billings)
        migrate(settings)
        return _with_prefect(settings, billings, chosen.cycles)


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    home = keep.absolute() if keep else Path(tempfile.mkdtemp(prefix="remotesupport-demo-"))
    home.mkdir(parents=True, exist_ok=True)
    try:
        yield home
    finally:
        if keep is None:
            shutil.rmtree(home, ignore_errors=True)


def emulator(name: str, version: str) -> RunningEmulator:
    """One of the three, with its week behind it, on its own port if that is free."""
    wanted = PORTS[name]
    seed = {"main": 0, "acme": 1, "globex": 2}[name]
    billing = Billing(name, version=version, seed=seed, customers=EXTERNALS)
    return RunningEmulator(billing, port=wanted if port_is_free(wanted) else 0)


def configure(home: Path, billings: dict[str, RunningEmulator]) -> Settings:
    """Write the configuration, point this process and its children at it, and introduce a version 4 to its other end.

    Every secret is an invented one.
    """
    for name in EXTERNALS:
        robot, customer = ("support-robot", "demo-robot-password"), (name, f"demo-{name}-password")
        introduce(billings["main"], billings[name], robot=robot, customer=customer)
    connections = "".join(
        _CONNECTION.format(name=name, upper=name.upper(), url=billings[name].url) for name in EXTERNALS
    )
    file = home / "remotesupport.toml"
    file.write_text(_CONFIG.format(main=billings["main"].url, connections=connections), encoding="utf-8")
    os.environ |= {CONFIG_VARIABLE: str(file), HOME_VARIABLE: str(home), "DEMO_ROBOT_PASSWORD": "demo-robot-password"}
    os.environ |= {f"DEMO_{name.upper()}_PASSWORD": f"demo-{name}-password" for name in EXTERNALS}
    os.environ.pop("PREFECT_API_URL", None)
    return session.configuration()


def _with_prefect(settings: Settings, billings: dict[str, RunningEmulator], cycles: int) -> int:
    stopping = Stopping()
    stopping.install()
    tree = Tree(settings, PREFECT_PORT if port_is_free(PREFECT_PORT) else free_port(), DEFAULT_POOL, 1500)
    story = Story(billings, cycles, stopping) if cycles else None
    ended = EndedRuns(PrefectApi(tree.api, tree.environ), datetime.now(UTC), lambda run: _tell(run, story))
    try:
        tree.start(stopping)
        if not stopping.wanted:
            _say_where(tree, billings)
            _first_sync(tree)
        if story and not stopping.wanted:
            story.begin()
        keep_going([*tree.tended(), ended, *([story] if story else [])], stopping)
    except (StartError, NothingRuns) as error:
        say(str(error))
        return 1
    finally:
        say("Stopping …")
        stop_all(tree.children, stopping)
    return story.status if story else 0


def _tell(run: RunSeen, story: Story | None) -> None:
    say(f"{run.name}  {run.state}  {run.message}")
    if story:
        story.goes_on(run)


def _say_where(tree: Tree, billings: dict[str, RunningEmulator]) -> None:
    say(f"Prefect UI        {tree.api.removesuffix('/api')}")
    say(f"Live board        {tree.board}")
    say(f"Login             user and password stand in {auth_file(tree.worker.cwd)}")
    for line in addresses(billings):
        say(line)


def addresses(billings: dict[str, RunningEmulator]) -> Iterator[str]:
    """Return what there is to open, a line each: every billing, and the set-up of a version 4."""
    for name, billing in billings.items():
        who = "staff: anna" if name == "main" else "clients: ivan, maria, john"
        yield f"{name:<8} billing  {billing.base}/   (version {billing.core.version}; {who})"
        if billing.core.version.startswith("4"):
            yield f"{name:<8} set-up   {billing.base}/setup/settings   (remote support; as admin)"


def _first_sync(tree: Tree) -> None:
    """One run now, as a flow run that the UI shows; all later ones are the schedule's."""
    environ = dict(os.environ, PREFECT_API_URL=tree.api)
    done = subprocess.run(python("remotesupport.cli.main", "sync"), env=environ, check=False)  # noqa: S603 - ourselves
    first = "is done" if done.returncode == 0 else f"ended with status {done.returncode}: see {_log(tree)}"
    say(f"The first sync {first}. From now on one runs every minute, a line for each. Ctrl-C stops everything.")


def _log(tree: Tree) -> Path:
    return tree.worker.cwd / "remotesupport.log"


if __name__ == "__main__":
    sys.exit(main())
