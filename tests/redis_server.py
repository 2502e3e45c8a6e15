"""A real Redis server for tests, from the machine's package, on loopback, with a password and nothing kept on disk."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from redis import Redis
from redis.exceptions import ConnectionError as Refused

from deployments.processes import Child, free_port

MISSING = "no Redis server here: install one (Debian, Ubuntu: `apt-get install redis-server`)"
PATIENCE_S = 30.0


@dataclass(frozen=True)
class RedisServer:
    """A server that can be stopped, and started again with nothing in it."""

    child: Child
    port: int
    password: str

    @property
    def url(self) -> str:
        """Its address."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self.child.start()
        end = time.monotonic() + PATIENCE_S
        while not self._answers():
            assert self.child.returncode is None, f"Redis ended: {self.child.log}"
            assert time.monotonic() < end, f"Redis does not answer: {self.child.log}"
            time.sleep(0.05)

    def stop(self) -> None:
        """At once, as in a power cut."""
        self.child.kill()

    def _answers(self) -> bool:
        try:
            with Redis.from_url(self.url) as client:
                return bool(client.ping())
        except Refused:
            return False


@contextmanager
def redis_server(folder: Path) -> Iterator[RedisServer]:
    """Serve until the block ends. Raises FileNotFoundError, with what to install, where there is none."""
    binary = shutil.which("redis-server")
    if binary is None:
        raise FileNotFoundError(MISSING)
    port, password = free_port(), secrets.token_hex(16)
    (folder / "redis.conf").write_text(
        f'bind 127.0.0.1\nport {port}\nrequirepass {password}\nsave ""\nappendonly no\ndir {folder}\n'
    )
    child = Child([binary, str(folder / "redis.conf")], dict(os.environ), folder, folder / "redis.log")
    server = RedisServer(child, port, password)
    try:
        server.start()
        yield server
    finally:
        child.stop(5)
