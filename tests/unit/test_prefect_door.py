"""The door before our Prefect server, and the login that opens it."""

from __future__ import annotations

import base64
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message, Scope

from deployments.prefect_server import Door
from deployments.settings_env import auth_file, auth_string, client_env, own_login, server_env

LOGIN = "remotesupport:invented-for-a-test"
PATHS = ("/", "/docs", "/openapi.json", "/api/flows/x", "/api/health/x", "/api/x/health", "//api/health")
OWN, PROXY = "http://127.0.0.1:4200", "https://prefect.example"
INSIDE = Starlette(routes=[Route("/{path:path}", lambda _: PlainTextResponse("in"), methods=["GET", "HEAD", "POST"])])


async def asked(path: str, method: str = "GET", auth: str = LOGIN, **headers: str | bytes) -> int:
    """The status of a request through a door before an application that answers everything."""
    door = httpx.ASGITransport(Door(INSIDE, (OWN, PROXY, "*"), auth))
    async with httpx.AsyncClient(transport=door, base_url=OWN) as client:
        said = [(k.encode(), v if isinstance(v, bytes) else v.encode()) for k, v in headers.items()]
        return (await client.request(method, path, headers=said)).status_code


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/openapi.json", "/api/flows/x", "/api/health/x", "/api/x/health", "//api/health"]
)
@pytest.mark.parametrize("given", ["", "Basic", "Bearer x", basic("remotesupport:wrong"), basic(""), "Basic ☃"])
async def test_nobody_is_let_in_without_the_login(path: str, given: str) -> None:
    """W9: everything but the health checks is 401 without the login."""
    assert await asked(path, **({"Authorization": given.encode()} if given else {})) == 401
    assert await asked(path, Authorization=basic(LOGIN)) == 200


async def test_health_is_for_everybody_to_read_only() -> None:
    """W9: the health checks need no login, and nothing but reading them is free."""
    assert [await asked(path) for path in ("/api/health", "/api/ready")] == [200, 200]
    assert await asked("/api/health", "POST") == 401


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:80", "127.0.0.1:4200.evil.example", "", "*"])
async def test_a_foreign_name_is_refused(host: str) -> None:
    """W9: under a name that is not its own the server answers nothing, whoever asks: a name that was turned to this
    machine reaches nothing."""
    for path in ("/", "/api/health", "/api/flows/x"):
        assert await asked(path, Authorization=basic(LOGIN), Host=host) == 421


@pytest.mark.parametrize(("origin", "status"), [("https://evil.example", 403), ("null", 403), (OWN, 200), (PROXY, 200)])
async def test_a_page_of_another_site_is_refused(origin: str, status: int) -> None:
    """W9: a request of a foreign page is refused although the browser knows the login; one of a named proxy is not."""
    assert await asked("/api/x", "POST", Authorization=basic(LOGIN), Origin=origin) == status
    assert await asked("/api/x", Authorization=basic(LOGIN), Host="prefect.example") == 200


async def test_a_websocket_of_another_site_is_closed() -> None:
    """W9: a foreign page opens no websocket either."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    headers = [(b"host", b"127.0.0.1:4200"), (b"origin", b"https://evil.example")]
    scope: Scope = {"type": "websocket", "path": "/api/events/in", "headers": headers}
    await Door(INSIDE, (OWN,), LOGIN)(scope, receive, send)
    assert sent == [{"type": "websocket.close", "code": 1008}]


def test_the_login_is_made_once_and_is_the_owners(tmp_path: Path) -> None:
    """W9: the login is long, stays the same, differs between state folders, and only its owner can read it."""
    made = auth_string(tmp_path)
    assert made == auth_string(tmp_path) != auth_string(tmp_path / "other")
    assert len(made.removeprefix("remotesupport:")) >= 32
    assert auth_file(tmp_path).stat().st_mode & 0o077 == 0
    assert [p.name for p in auth_file(tmp_path).parent.iterdir()] == [auth_file(tmp_path).name]


@pytest.mark.parametrize(
    ("url", "environ", "has_it"),
    [
        (f"{OWN}/api", {}, True),
        ("http://localhost:4200/api", {}, True),
        ("https://prefect.example/api", {}, False),
        (f"{OWN}/api", {"PREFECT_API_AUTH_STRING": "mine:own"}, False),
        (f"{OWN}/api", {"PREFECT_API_KEY": "key"}, False),
    ],
)
def test_the_login_is_given_to_this_machine_only(
    tmp_path: Path, url: str, environ: dict[str, str], has_it: bool
) -> None:
    """W9: clients use the login of the state folder towards this machine, unless a person has set another one."""
    assert own_login(tmp_path, url, environ) == {}
    made = auth_string(tmp_path)
    assert (own_login(tmp_path, url, environ) == {"PREFECT_API_AUTH_STRING": made}) is has_it
    assert (client_env(tmp_path, url, environ).get("PREFECT_API_AUTH_STRING") == made) is has_it


def test_a_proxys_origin_is_added_to_the_servers_own(tmp_path: Path) -> None:
    """W9: the server goes by the names of its own address and of the origins that a person named."""
    named = server_env(tmp_path, 4200, {"PREFECT_SERVER_CORS_ALLOWED_ORIGINS": PROXY})
    assert named["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"].split(",") == [OWN, "http://localhost:4200", PROXY]
