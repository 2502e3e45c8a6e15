"""Child processes of ``up`` and of the demo: a Prefect server and warm workers that never outlive their parent.

No Prefect is imported in here: a supervisor starts in no time. Start children from the main thread: Linux ends a
child when the *thread* that started it ends.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from deployments.settings_env import api_url, client_env, prefect_home, server_env

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class StartError(RuntimeError):
    """A child did not come up. The message says which, why, where its log is and what to do."""


def _in_child() -> None:
    # A shell that starts us with "&" leaves SIGINT ignored, and Prefect stops by SIGINT.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump of its memory would hold passwords
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


class Child:
    """One child in a process group of its own. ``log``: a file for its output, or None for ours."""

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], cwd: Path, log: Path | None = None) -> None:
        self.argv, self.env, self.cwd, self.log = list(argv), dict(env), cwd, log
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; it dies with us, even when we are killed."""
        output: IO[bytes] | None = self._new_log() if self.log else None
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and arguments
                self.argv,
                env=self.env,
                cwd=self.cwd,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT if output else None,
                start_new_session=True,
                preexec_fn=_in_child,  # noqa: PLW1509 - started before any thread of ours
            )
        finally:
            if output:
                output.close()

    def _new_log(self) -> IO[bytes]:
        """An empty log; what the child before this one said is kept beside it."""
        assert self.log is not None
        if self.log.exists():
            self.log.replace(self.log.with_name(f"{self.log.name}.1"))
        return self.log.open("wb")

    @property
    def pid(self) -> int:
        """The child's process id."""
        if self.process is None:
            raise RuntimeError("not started")
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        """Return its exit status; None while it runs."""
        return self.process.poll() if self.process else None

    def wait(self, seconds: float) -> int | None:
        """Its exit status, or None when it still runs after ``seconds``."""
        if self.process is None:
            return None
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self.process.wait(seconds)
        return None

    def stop(self, grace: float, hurry: Callable[[], bool] = lambda: False) -> int | None:
        """Ask it to end, and after ``grace`` seconds, or in a hurry, end it with all that it started."""
        if self.process is None:
            return None
        self.signal(signal.SIGTERM)
        end = time.monotonic() + grace
        while self.wait(0.1) is None and time.monotonic() < end and not hurry():
            pass
        if self.returncode is None:
            self.kill()
        self._signal_group(signal.SIGKILL)  # what it may have left behind
        return self.process.returncode

    def kill(self) -> None:
        """End it and all that it started, now."""
        self._signal_group(signal.SIGKILL)
        self.wait(5)

    def signal(self, number: int) -> None:
        """Send a signal to the child alone."""
        if self.process is not None:
            self.process.send_signal(number)  # does nothing once it has ended

    def _signal_group(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)


def python(module: str, *arguments: str) -> list[str]:
    """The command line of one of our modules; ``-P`` keeps the working directory off the import path."""
    return [sys.executable, "-P", "-m", module, *arguments]


def free_port() -> int:
    """A loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def port_is_free(port: int) -> bool:
    """Tell whether we could listen on ``port``."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


def healthy(url: str) -> bool:
    """Tell whether the Prefect API at ``url`` answers."""
    with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{url}/health", timeout=2) as got:  # noqa: S310
        return bool(got.status == 200)
    return False


class PrefectServer:
    """A Prefect server on loopback (``deployments.prefect_server``), with the settings of ``settings_env``.

    A context manager.

    ``port`` 0 picks a free one. Raises StartError when it is not healthy after ``patience`` seconds.
    """

    def __init__(
        self, home: Path, port: int = 0, environ: Mapping[str, str] | None = None, patience: float = 90
    ) -> None:
        self.home, self.port, self.patience = home.resolve(), port or free_port(), patience
        self.environ = dict(os.environ if environ is None else environ)
        folder = prefect_home(self.home)
        env = server_env(self.home, self.port, self.environ) | {"PYTHONFAULTHANDLER": "1"}
        self.child = Child(
            python("deployments.prefect_server", "--port", str(self.port)), env, folder, folder / "server.log"
        )

    @property
    def api(self) -> str:
        """The API's address."""
        return api_url(self.port)

    @property
    def ui(self) -> str:
        """The address for the browser."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def client_env(self) -> dict[str, str]:
        """The environment for its clients."""
        return client_env(self.home, self.api, self.environ)

    def start(self) -> None:
        """Start it without waiting."""
        if not port_is_free(self.port):
            raise StartError(
                f"port {self.port} is taken, perhaps by another Prefect server: "
                "choose another with --port (0 takes a free one), or set PREFECT_API_URL to use that server"
            )
        self.child.start()

    def wait_healthy(self, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until it answers, or until ``give_up`` says so."""
        end = time.monotonic() + self.patience
        while not give_up() and not healthy(self.api):
            if self.child.wait(0.2) is not None:
                raise StartError(f"the Prefect server ended with status {self.child.returncode}: see {self.child.log}")
            if time.monotonic() > end:
                self.child.signal(signal.SIGABRT)  # its last words are the stacks of all its threads
                self.child.wait(5)
                self.child.kill()
                raise StartError(
                    f"the Prefect server did not answer in {self.patience:.0f} s: "
                    f"what it did meanwhile stands at the end of {self.child.log}"
                )

    def stop(self, grace: float = 5) -> None:
        """Stop it."""
        self.child.stop(grace)

    def __enter__(self) -> Self:
        self.start()
        try:
            self.wait_healthy()
        except BaseException:
            self.child.kill()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.stop()


class WorkerProcess(Child):
    """A warm worker in a process of its own (``deployments.worker_main``). ``name`` is stable over restarts."""

    def __init__(
        self,
        home: Path,
        api: str,
        pool: str,
        *,
        name: str,
        environ: Mapping[str, str] | None = None,
        log: Path | None = None,
        arguments: Sequence[str] = (),
    ) -> None:
        env = client_env(home, api, os.environ if environ is None else environ)
        argv = python("deployments.worker_main", "--pool", pool, "--name", name, *arguments)
        super().__init__(argv, env, home.resolve(), log)
