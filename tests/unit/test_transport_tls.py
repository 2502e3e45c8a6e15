"""Who may be talked to: trusted certificates only, https except on this machine, no secrets in addresses."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from connectors.billmanager import connect_external, connect_main
from connectors.billmanager.tls import BadTrust, context
from connectors.errors import Fatal
from tests.certificates import certified
from tests.hostile_server import HostileServer


async def identify(server: HostileServer, **trust: str | None) -> None:
    """One call with that trust."""
    billing = connect_external("acme", server.url, "robot", "PASSWORD-CANARY", **trust)
    try:
        await billing.identify()
    finally:
        await billing.aclose()


async def test_a_pinned_or_listed_certificate_is_trusted(tmp_path: Path) -> None:
    """The fingerprint alone, the CA file alone, and both together let the call through."""
    mine = certified(tmp_path, "mine")
    for trust in (
        {"tls_fingerprint": mine.fingerprint},
        {"tls_fingerprint": "SHA256:" + mine.fingerprint.removeprefix("sha256:").upper()},
        {"ca_file": mine.ca_file},
        {"ca_file": mine.ca_file, "tls_fingerprint": mine.fingerprint},
    ):
        async with HostileServer(tls=mine.server) as server:
            await identify(server, **trust)
            assert server.funcs() == ["auth", "whoami"]


async def test_a_pin_stands_for_name_and_date_too(tmp_path: Path) -> None:
    """A pinned certificate that expired, and has another name, is still the one that was pinned."""
    mine = certified(tmp_path, "mine", host="192.0.2.1", days=-1)
    async with HostileServer(tls=mine.server) as server:
        await identify(server, tls_fingerprint=mine.fingerprint)


@pytest.mark.parametrize("trust", ["pin", "ca", "both", "system", "name", "expired"])
async def test_a_man_in_the_middle_sees_no_byte(tmp_path: Path, trust: str) -> None:
    """Another certificate, or one of another name or time: Fatal, with a cure, and no byte of a request is sent."""
    mine, other = certified(tmp_path, "mine"), certified(tmp_path, "other")
    named, old = certified(tmp_path, "named", host="192.0.2.1"), certified(tmp_path, "old", days=-1)
    shown, options = {
        "pin": (other, {"tls_fingerprint": mine.fingerprint}),
        "ca": (other, {"ca_file": mine.ca_file}),
        "both": (other, {"ca_file": other.ca_file, "tls_fingerprint": mine.fingerprint}),
        "system": (other, {}),
        "name": (named, {"ca_file": named.ca_file}),
        "expired": (old, {"ca_file": old.ca_file}),
    }[trust]
    async with HostileServer(tls=shown.server) as server:
        with pytest.raises(Fatal) as caught:
            await identify(server, **options)
        assert server.received == 0
    assert caught.value.kind == "certificate"
    assert caught.value.cure
    assert (other.fingerprint in str(caught.value)) == (trust in ("pin", "both"))


async def test_a_write_to_an_untrusted_server_is_not_unknown(tmp_path: Path) -> None:
    """Fatal, because nothing can have been written."""
    mine, other = certified(tmp_path, "mine"), certified(tmp_path, "other")
    async with HostileServer(tls=other.server) as server:
        billing = connect_main("acme", server.url, "a", "b", tls_fingerprint=mine.fingerprint)
        with pytest.raises(Fatal):
            await billing.reply("7", "text")
        await billing.aclose()
        assert server.received == 0


@pytest.mark.parametrize(
    "url",
    [
        "http://billing.invalid/billmgr",
        "http://192.0.2.1:1500/billmgr",
        "http://127.0.0.1.billing.invalid/billmgr",
        "ftp://127.0.0.1/billmgr",
        "https://robot:URL-CANARY@127.0.0.1/billmgr",
        "https://127.0.0.1/billmgr?authinfo=URL-CANARY",
        "billing.invalid/billmgr",
        "https:///billmgr",
        "https://[/billmgr",
    ],
)
def test_addresses_that_are_refused(url: str) -> None:
    """Plain http to another machine, and addresses with logins or parameters, are refused without repeating them."""
    with pytest.raises(Fatal) as caught:
        connect_external("acme", url, "robot", "PASSWORD-CANARY")
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("url", ["http://localhost/billmgr", "http://127.8.9.1/billmgr", "http://[::1]:1500/billmgr"])
async def test_plain_http_to_this_machine_is_fine(url: str) -> None:
    """Loopback addresses need no TLS."""
    await connect_external("acme", url, "robot", "PASSWORD-CANARY").aclose()


def test_trust_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    """A missing or empty CA file and a misspelt fingerprint are named."""
    (tmp_path / "empty.pem").write_bytes(b"")
    for options in (
        {"ca_file": str(tmp_path / "none.pem")},
        {"ca_file": str(tmp_path / "empty.pem")},
        {"fingerprint": "sha256:12"},
        {"fingerprint": "sha1:" + "0" * 40},
    ):
        with pytest.raises(BadTrust):
            context(**options)
    with pytest.raises(Fatal):
        connect_external("acme", "https://127.0.0.1/billmgr", "a", "b", ca_file=str(tmp_path / "none.pem"))


def test_the_context_is_built_once(tmp_path: Path) -> None:
    """The same trust gives the same context, and it cannot be used the way that would skip the pin."""
    mine = certified(tmp_path, "mine")
    made = context(None, mine.fingerprint)
    assert context(None, mine.fingerprint) is made
    with pytest.raises(ssl.SSLError):
        made.wrap_socket(None)


def test_an_unknown_version_is_refused() -> None:
    """A version that nobody speaks is refused before anything is sent."""
    with pytest.raises(Fatal, match="auto, 4, 5 or 6"):
        connect_external("acme", "https://127.0.0.1/billmgr", "a", "b", version="7")
