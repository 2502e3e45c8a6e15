"""The emulated billing over real HTTP: addresses, encodings, TLS, restarts, and what goes wrong on purpose."""

from __future__ import annotations

import hashlib
import ssl
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.emulator_fixtures import RunningEmulator, running_emulator

ROBOT = {"authinfo": "support-robot:demo-robot-password", "out": "json"}
PATHS = ("/billmgr", "/manager/billmgr")
IVAN = {"authinfo": "ivan:demo-ivan-password", "out": "json"}


@pytest.fixture(scope="module")
def served() -> Iterator[RunningEmulator]:
    with running_emulator("served", seed=1) as running:
        yield running


@pytest.fixture
def acme(served: RunningEmulator) -> Iterator[RunningEmulator]:
    yield served
    served.fault(clear=True)


@pytest.fixture
def client() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=5) as one:
        yield one


def test_both_addresses_and_both_methods_answer(acme: RunningEmulator, client: httpx.Client) -> None:
    """/billmgr and /manager/billmgr answer GET and POST the same."""
    texts = {client.get(f"{acme.base}{path}", params=ROBOT | {"func": "department"}).text for path in PATHS}
    texts |= {client.post(f"{acme.base}{path}", data=ROBOT | {"func": "department"}).text for path in PATHS}
    assert len(texts) == 1


def test_uploads_come_as_multipart_in_their_order(acme: RunningEmulator, client: httpx.Client) -> None:
    """file_1, file_2 … are attached in the order of their numbers and ticket.file gives the bytes back."""
    ticket = acme.act(as_="ivan", do="open", department="Technical support", subject="S", text="t")["ticket"]
    files = {"file_2": ("б.txt", b"two"), "file_1": ("a.bin", bytes(range(256)))}
    reply = IVAN | {"func": "clientticket.edit", "sok": "ok", "elid": ticket, "message": "привет 🚀"}
    assert "ok" in client.post(acme.url, data=reply, files=files).json()["doc"]
    shown = client.post(acme.url, data=IVAN | {"func": "clientticket.edit", "elid": ticket}).json()["doc"]
    last = shown["mlist"][0]["message"][-1]
    assert (last["body"]["$"], [file["name"]["$"] for file in last["file"]]) == ("привет 🚀", ["a.bin", "б.txt"])
    wanted = IVAN | {"func": "ticket.file", "elid": last["file"][0]["param"]["$"]}
    assert client.post(acme.url, data=wanted).content == bytes(range(256))


def test_errors_have_status_200_and_the_session_cookie_is_set(acme: RunningEmulator, client: httpx.Client) -> None:
    """HTTP says 200 whatever the document says."""
    refused = client.post(acme.url, data={"out": "json", "func": "whoami"})
    assert (refused.status_code, refused.json()["doc"]["error"]["$type"]) == (200, "access")
    client.post(acme.url, data={"func": "auth", "username": "ivan", "password": "demo-ivan-password"})
    assert client.post(acme.url, data={"out": "json", "func": "whoami"}).json()["doc"]["user"]["$name"] == "ivan"


def test_requests_are_recorded_without_secrets(acme: RunningEmulator, client: httpx.Client) -> None:
    """The record names function, log-in and what stood in the address, and never a password or session."""
    client.get(acme.url, params=ROBOT | {"func": "whoami"})
    entry = acme.requests("whoami")[-1]
    assert (entry["login"], entry["outcome"], entry["in_url"]) == ("support-robot", "ok", ["authinfo", "func", "out"])
    assert "demo-robot-password" not in str(acme.requests())


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"reset_before": True}, (httpx.ReadError, httpx.RemoteProtocolError)),
        ({"reset_after": True}, (httpx.ReadError, httpx.RemoteProtocolError)),
        ({"delay_s": 1}, httpx.ReadTimeout),
    ],
)
def test_faults_below_http(acme: RunningEmulator, client: httpx.Client, fault: dict, error: type[Exception]) -> None:
    """A reset and a delay are seen as such, for so many calls as were ordered."""
    acme.fault(func="whoami", count=1, **fault)
    with pytest.raises(error):
        client.post(acme.url, data=ROBOT | {"func": "whoami"}, timeout=0.3)
    assert client.post(acme.url, data=ROBOT | {"func": "whoami"}).status_code == 200


@pytest.mark.parametrize(("fault", "written"), [("reset_before", 0), ("reset_after", 1)])
def test_a_reset_comes_before_or_after_the_effect(
    acme: RunningEmulator, client: httpx.Client, fault: str, written: int
) -> None:
    """reset_before writes nothing, reset_after has written."""
    ticket = acme.act(as_="ivan", do="open", department="Sales", subject="S", text="t")["ticket"]
    acme.fault(func="clientticket.edit", count=1, **{fault: True})
    with pytest.raises(httpx.TransportError):
        client.post(acme.url, data=IVAN | {"func": "clientticket.edit", "sok": "ok", "elid": ticket, "message": "m"})
    mine = [message for message in acme.state()["messages"] if message["ticket"] == ticket]
    assert len(mine) == 1 + written


def test_a_truncated_answer_looks_whole_to_http(acme: RunningEmulator, client: httpx.Client) -> None:
    """Half a body without Content-Length ends with a clean close, and only the document shows it."""
    acme.fault(func="ticket_all", count=1, truncate=True)
    answer = client.post(acme.url, data=ROBOT | {"func": "ticket_all", "out": "xml"})
    assert (answer.status_code, "content-length" in answer.headers) == (200, False)
    assert not answer.text.endswith("</doc>")


@pytest.mark.parametrize(
    ("fault", "status", "part"),
    [
        ({"status": 500}, 500, "HTTP 500"),
        ({"html": True}, 200, "<html>"),
        ({"redirect": "/login"}, 302, ""),
        ({"empty": True}, 200, ""),
        ({"empty_list": True}, 200, '"p_elems":{"$":"0"}'),
    ],
)
def test_faults_that_are_answers(
    acme: RunningEmulator, client: httpx.Client, fault: dict, status: int, part: str
) -> None:
    """A fault strikes its function after the calls it skips, and no other function."""
    acme.fault(func="ticket_all", skip=1, count=1, **fault)
    good, bad = (client.post(acme.url, data=ROBOT | {"func": "ticket_all"}) for _ in range(2))
    assert (good.status_code, "elem" in good.text) == (200, True)
    assert bad.status_code == status
    assert part in bad.text
    assert "elem" not in bad.text.replace("p_elems", "")


def test_one_poisoned_subject_spoils_both_formats(acme: RunningEmulator, client: httpx.Client) -> None:
    """A control character in one subject is raw in XML and in JSON."""
    ticket = client.post(acme.url, data=ROBOT | {"func": "ticket_all"}).json()["doc"]["elem"][0]["id"]["$"]
    acme.fault(control_char=ticket)
    for out in ("json", "xml"):
        assert b"\x01" in client.post(acme.url, data=ROBOT | {"func": "ticket_all", "out": out}).content


def test_a_repeated_page_and_bad_bytes(acme: RunningEmulator, client: httpx.Client) -> None:
    """repeat_page shows the page before, bad_encoding is not UTF-8."""
    acme.fault(func="ticket_all", repeat_page=True)
    pages = [client.post(acme.url, data=ROBOT | {"func": "ticket_all", "p_cnt": 5, "p_num": n}) for n in (1, 2)]
    assert pages[0].json()["doc"]["elem"] == pages[1].json()["doc"]["elem"]
    acme.fault(func="whoami", bad_encoding=True)
    with pytest.raises(UnicodeDecodeError):
        client.post(acme.url, data=ROBOT | {"func": "whoami"}).content.decode()


def test_a_dripping_answer_is_whole(acme: RunningEmulator, client: httpx.Client) -> None:
    """drip_s sends the same body in pieces."""
    acme.fault(func="whoami", count=1, drip_s=0.001)
    dripped, whole = (client.post(acme.url, data=ROBOT | {"func": "whoami"}).content for _ in range(2))
    assert dripped == whole


def test_tls_is_self_signed_and_verifiable() -> None:
    """With the CA file the connection verifies, without it not, and the fingerprint is the certificate's."""
    with running_emulator("tls", tls=True) as running:
        context = ssl.create_default_context(cafile=str(running.ca_file))
        with httpx.Client(verify=context) as trusting, httpx.Client() as wary:
            assert trusting.post(running.url, data=ROBOT | {"func": "whoami"}).status_code == 200
            with pytest.raises(httpx.ConnectError):
                wary.post(running.url, data=ROBOT | {"func": "whoami"})
        pem = ssl.get_server_certificate(("127.0.0.1", running.port))
    assert running.fingerprint == f"sha256:{hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()}"


def test_a_stopped_billing_refuses_and_comes_back(client: httpx.Client) -> None:
    """stop and start keep port and data; in between connections are refused."""
    with running_emulator("stops") as running:
        running.act(as_="ivan", do="open", department="Sales", subject="S", text="t")
        running.stop()
        with pytest.raises(httpx.ConnectError):
            client.post(running.url, data=ROBOT)
        running.start()
        assert len(client.get(f"{running.base}/_emulator/state").json()["tickets"]) == 1


def test_a_state_file_outlives_the_process(tmp_path: Path) -> None:
    """What was written is there at the next start, and the people are not planted twice."""
    for expected in (1, 2):
        with running_emulator("kept", state=tmp_path / "kept.db") as running:
            running.act(as_="ivan", do="open", department="Sales", subject="S", text="t")
            assert len(running.state()["tickets"]) == expected


def test_other_host_names_are_refused(acme: RunningEmulator, client: httpx.Client) -> None:
    """A name that is not loopback's (DNS rebinding) gets nothing."""
    assert client.get(f"{acme.base}/_emulator/state", headers={"host": "evil.invalid"}).status_code == 400
