"""What the production form is started with in tests: the manifests' own commands and settings, run as processes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import yaml

from deployments.processes import Child
from tests.three_billings import ThreeBillings

KUBERNETES = Path(__file__).parents[1] / "deployments" / "kubernetes"
PATIENCE_S = 240.0


def settings(*names: str, state: Path, folder: Path = KUBERNETES) -> dict[str, str]:
    """What these config maps set, with the container's folder somewhere else."""
    text = "\n".join((folder / f"{name}.env").read_text() for name in names)
    return dict(line.replace("/state", str(state)).split("=", 1) for line in text.split())


def command_of(file: str, container: str, folder: Path = KUBERNETES) -> list[str]:
    """What that container is started with, from this interpreter's folder, on loopback."""
    documents = yaml.safe_load_all((folder / file).read_text())
    pods = [one["spec"]["template"]["spec"] for one in documents if "template" in one["spec"]]
    (words,) = [c["command"] for pod in pods for c in pod["containers"] if c["name"] == container]
    rest = [word if word != "0.0.0.0" else "127.0.0.1" for word in words[1:]]
    return [str(Path(sys.executable).with_name(words[0])), *rest]


def once(argv: list[str], environ: Mapping[str, str], cwd: Path) -> str:
    """Run it to its end, which must be a good one."""
    done = subprocess.run(argv, env=dict(environ), cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def going(argv: list[str], environ: Mapping[str, str], cwd: Path) -> Iterator[Child]:
    """Run it until the block ends; its output is in ``out.log`` of its folder."""
    child = Child(argv, environ, cwd, cwd / "out.log")
    child.start()
    try:
        yield child
    finally:
        child.stop(20)


def wait_for(what: Callable[[], object], *children: Child, patience: float = PATIENCE_S) -> float:
    """Wait until it holds, as long as they live → the seconds that it took."""
    begin = time.monotonic()
    while not what():
        for child in children:
            assert child.returncode is None, child.log.read_text() if child.log else ""
        passed = time.monotonic() - begin
        assert passed < patience, [child.log.read_text()[-4000:] for child in children if child.log]
        time.sleep(0.5)
    return time.monotonic() - begin


def ask(world: ThreeBillings, text: str) -> None:
    """A new ticket in both external billings."""
    for billing in (world.acme, world.globex):
        billing.act(as_="ivan", do="open", department="Technical support", subject=text, text=text)


def crossed(world: ThreeBillings, text: str) -> bool:
    """Both are in main, once each."""
    found = [t["subject"] for t in world.main.state()["tickets"] if text in str(t["subject"])]
    assert len(found) <= 2, found
    return len(found) == 2
