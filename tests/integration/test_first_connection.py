"""From nothing to a connection that can sync, as a new user meets it: a real terminal, real encodings, real servers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from remotesupport.cli.main import app, main
from remotesupport.cli.template import CONFIG
from tests.cli_here import Ended, cli_here
from tests.emulator_fixtures import RunningEmulator, password_of, running_emulator
from tests.terminal import in_a_terminal

SECRETS = {"ACME_PASSWORD": password_of("support-robot"), "ACME_MAIN_PASSWORD": password_of("acme")}
MAIN, ACME = "https://main.example:1500/billmgr", "https://billing.acme.example:1500/billmgr"


@dataclass(frozen=True)
class Newcomer:
    """A person with two billings, an empty folder and the example of ``init`` in it."""

    main: RunningEmulator
    acme: RunningEmulator
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def writes(self, **changes: str) -> None:
        """The example with the two addresses, and with other texts in the place of some of its own."""
        text = CONFIG.replace(MAIN, self.main.url).replace(ACME, self.acme.url)
        for old, new in changes.values():
            assert old in text
            text = text.replace(old, new)
        (self.folder / "remotesupport.toml").write_text(text, encoding="utf-8")

    def runs(self, *arguments: str, **encoding: str) -> Ended:
        """The command, not in a terminal; as a process of its own where its encoding is the point."""
        if not encoding:
            return cli_here(*arguments, cwd=self.folder, environ=self.environ)
        program = [sys.executable, "-m", "remotesupport", *arguments]
        how = {"cwd": self.folder, "env": self.environ | encoding, "capture_output": True, "timeout": 90}
        done = subprocess.run(program, check=False, text=True, errors="replace", **how)
        return Ended(done.returncode, done.stdout, done.stderr)

    def sees(self, *commands: str) -> list[tuple[int, list[str]]]:
        """Exit status and lines of each command, one after the other in a terminal of 80 columns."""
        return in_a_terminal(*commands, cwd=self.folder, environ=self.environ)


@pytest.fixture(scope="module")
def billings() -> Iterator[tuple[RunningEmulator, RunningEmulator]]:
    with running_emulator("main") as main, running_emulator("acme") as acme:
        acme.act(as_="ivan", do="open", department="Technical support", subject="Почта не приходит", text="Помогите…")
        yield main, acme


@pytest.fixture
def newcomer(billings: tuple[RunningEmulator, RunningEmulator], tmp_path: Path) -> Newcomer:
    environ = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES")}
    person = Newcomer(*billings, tmp_path, environ | SECRETS | {"REMOTESUPPORT_HOME": str(tmp_path / "state")})
    person.writes()
    return person


def test_everything_that_is_missing_is_named_at_once(newcomer: Newcomer) -> None:
    """Both variables of one connection and the file of another one are things of one verdict; that both read the same
    department of one billing is a warning."""
    whole = CONFIG[CONFIG.index("[[external]]") : CONFIG.index("# A plan beyond")]
    second = whole.replace('name = "acme"', 'name = "globex"').replace("env:ACME_PASSWORD", "file:/no/pw")
    second = second.replace('main_login = "acme"', 'main_login = "globex"').replace(ACME, newcomer.acme.url)
    newcomer.writes(more=("# A plan beyond", second + "# A plan beyond"))
    bare = replace(newcomer, environ={k: v for k, v in newcomer.environ.items() if k not in SECRETS})
    done = bare.runs("check")
    assert done.returncode == 3
    assert "3 things must be put right first:" in done.stderr
    for place in ("acme, password: env:ACME_PASSWORD", "acme, globex, password: env:ACME_MAIN_PASSWORD", "file:/no/pw"):
        assert place in done.stderr
    said = " ".join((done.stdout + done.stderr).split())
    assert f'"technical support" of {newcomer.acme.url} is also read by globex' in said
    assert "Each of its tickets would be in main twice" in said


def test_the_verdict_names_the_next_step(newcomer: Newcomer) -> None:
    """In order: the plan is next, for people and in the document; rows of another version are counted, not shown."""
    (status, lines), (_, every_line) = newcomer.sees("check", "check --all")
    assert status == 0
    assert "Everything is in order." in lines
    assert "Next: remotesupport plan" in lines
    assert any(line.startswith("4 rows that do not apply to version 6 are left out") for line in lines)
    assert not any(line.startswith("external support") for line in lines)
    assert any(line.startswith("external support") for line in every_line)
    document = json.loads(newcomer.runs("check", "--json").stdout)
    assert (document["verdict"], document["next"]) == ("Everything is in order.", "remotesupport plan")
    (connection,) = document["connections"]
    assert {frozenset(row) for row in connection["checks"]} == {frozenset(("check", "ok", "detail", "cure"))}


def test_a_misspelt_department_meets_those_that_exist(newcomer: Newcomer) -> None:
    """On each side the one that was meant is asked for, and all that the login sees are listed."""
    newcomer.writes(
        remote=('"Technical support"\nmain', '"Technical suport"\nmain'),
        main=('"Outsourced support"\n', '"Outsorced support"\n'),
    )
    done = newcomer.runs("check")
    assert done.returncode == 3
    assert "2 things must be put right first:" in done.stderr
    for right, side in (("Technical support", "external"), ("Outsourced support", "main")):
        assert f"is not in the {side} billing" in done.stderr
        assert f'Did you mean "{right}"? There are: "Billing", ' in done.stderr


def closed_port() -> int:
    """A port of this machine where nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@pytest.mark.parametrize(
    ("address", "says", "status"),
    [
        (lambda _: f"http://127.0.0.1:{closed_port()}/billmgr", "refuses it, nothing listens there", 1),
        (lambda _: "https://nowhere.invalid:1500/billmgr", "the host name nowhere.invalid is not found", 1),
        (lambda acme: acme.replace("http:", "https:"), "speaks no TLS", 1),
        (lambda acme: acme.replace("/billmgr", "/panel"), "there is no BILLmanager at this address (HTTP 404)", 3),
    ],
)
def test_no_connection_says_which_of_the_reasons(
    newcomer: Newcomer, address: Callable[[str], str], says: str, status: int
) -> None:
    """Refused, name not found, no TLS, another path: one thing to put right; the other side is checked all the same."""
    newcomer.writes(url=(newcomer.acme.url, address(newcomer.acme.url)))
    done = newcomer.runs("check")
    assert (done.returncode, "1 thing must be put right first:" in done.stderr) == (status, True)
    assert says in done.stderr
    assert "main rights\tyes" in done.stdout


@pytest.mark.thorough("two processes; how a certificate is checked is in `make test`")
def test_a_self_signed_certificate_is_pinned_by_pasting(newcomer: Newcomer) -> None:
    """The line that check shows, whole even in 80 columns, is what makes the connection good."""
    with running_emulator("main", tls=True) as main:
        person = replace(newcomer, main=main)
        person.writes()
        ((status, lines),) = person.sees("check")
        pin = f'tls_fingerprint = "{main.fingerprint}"'
        assert status == 3
        assert [line.strip() for line in lines].count(pin) == 1
        assert "Compare the fingerprint" in " ".join(lines)
        person.writes(pin=("# ca_file", pin + "\n# ca_file"))
        done = person.runs("check")
        assert (done.returncode, "364 days left" in done.stdout, main.fingerprint in done.stdout) == (0, True, True)


@pytest.mark.thorough("three processes; the tables of `status` on eighty columns are in `make test`")
def test_tables_survive_eighty_columns(newcomer: Newcomer) -> None:
    """In a terminal of 80 columns every word of every table is whole, and no line is wider."""
    ticket = str(newcomer.acme.state()["tickets"][0]["id"])
    commands = ("plan", "sync", "departments", f"why acme {ticket}")
    shown = dict(zip(commands, newcomer.sees(*commands), strict=True))
    for status, lines in shown.values():
        assert (status, max(map(len, lines)) <= 80) == (0, True)
    for command in ("departments", f"why acme {ticket}"):
        seen = {word for line in shown[command][1] for word in line.split()}
        rows = [line for line in newcomer.runs(*command.split()).stdout.splitlines() if "\t" in line][1:]
        assert rows
        assert {word for row in rows for word in row.split()} - seen <= {"-"}


OTHERS = pytest.mark.thorough("processes that import everything; the locale's own encoding is in `make test`")
SMALL = [
    pytest.param({"PYTHONIOENCODING": "ascii"}, marks=OTHERS),
    pytest.param({"PYTHONIOENCODING": "cp1251"}, marks=OTHERS),
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
]


@pytest.mark.parametrize("encoding", SMALL)
def test_no_encoding_is_too_small(newcomer: Newcomer, encoding: dict[str, str]) -> None:
    """What the output cannot write is a stand-in there, and the exit status is the usual one."""
    newcomer.writes(name=("Technical support", "Техподдержка — 李"))
    done = newcomer.runs("departments", **encoding)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False)
    assert "?" in done.stdout


@pytest.mark.thorough("four commands for each encoding, each a process; another law has one in `make test`")
@pytest.mark.parametrize("encoding", SMALL)
def test_no_encoding_ends_a_command(newcomer: Newcomer, encoding: dict[str, str]) -> None:
    """R24: `plan` and `why` end with the status that they have anywhere, whatever the output cannot write."""
    newcomer.writes()
    ticket = str(newcomer.acme.state()["tickets"][0]["id"])
    for command in (("plan",), ("why", "acme", ticket)):
        usual, done = newcomer.runs(*command), newcomer.runs(*command, **encoding)
        assert (done.returncode, "Traceback" in done.stderr) == (usual.returncode, False)
        assert len(done.stdout.splitlines()) == len(usual.stdout.splitlines())


@pytest.mark.thorough("a process of its own; what an encoding cannot write is in `make test`")
def test_a_document_is_whole_in_every_encoding(newcomer: Newcomer) -> None:
    """What the output cannot write is escaped, so that whoever reads the document gets every character."""
    newcomer.writes(name=("Technical support", "Техподдержка — 李"))
    done = newcomer.runs("departments", "--json", PYTHONIOENCODING="ascii")
    assert "Техподдержка — 李" in str(json.loads(done.stdout))


@pytest.mark.thorough("two seconds of CPU time each; the exit statuses are in `make test`")
@pytest.mark.parametrize(("command", "status"), [("check", 3), ("departments --json", 0), ("--help", 0)])
def test_a_closed_pipe_changes_no_exit_status(newcomer: Newcomer, command: str, status: int) -> None:
    """A reader that went away (``| head``) is no failure of the command, and nothing is said about it."""
    newcomer.writes(name=("Technical support", "Technical suport"))
    read, write = os.pipe()
    os.close(read)
    program = [sys.executable, "-m", "remotesupport", *command.split()]
    done = subprocess.run(
        program, check=False, cwd=newcomer.folder, env=newcomer.environ, stdout=write, stderr=subprocess.PIPE, text=True
    )
    os.close(write)
    assert done.returncode == status
    assert "Traceback" not in done.stderr
    assert "Broken" not in done.stderr


COMMANDS = (
    "check", "departments", "plan", "apply p-1", "sync", "audit", "backfill --since 2026-01-01", "why acme 1", "status",
    "pause acme", "resume acme", "up --port 0", "worker", "parked", "parked retry 1", "links rebuild",
    "bell acme 1", "habits", "board", "runs", "history", "crossed --billing acme --since 1d", "alerts test",
    "report", "replay r-1",
)  # fmt: skip


def test_no_command_works_without_its_state_folder(
    newcomer: Newcomer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A state folder that cannot be made is wrong configuration, with a sentence, for every command that needs one."""
    (newcomer.folder / "file").write_text("", encoding="utf-8")
    monkeypatch.chdir(newcomer.folder)
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:1/api")
    for place, reason in ((newcomer.folder / "file" / "state", "Not a directory"), ("x" * 300, "File name too long")):
        monkeypatch.setenv("REMOTESUPPORT_HOME", str(place))
        for command in COMMANDS:
            assert (command, main(command.split())) == (command, 2)
            assert f"the state folder cannot be made or written ({reason})" in capsys.readouterr().err


def test_every_command_has_been_asked() -> None:
    """The list above has every command but those that need no state folder."""
    named = {c.callback.__name__ for c in app.registered_commands if c.callback} | {
        g.name for g in app.registered_groups
    }
    assert named - {command.split()[0] for command in COMMANDS} == {"init", "emulator"}


def test_init_says_where_it_cannot_write(newcomer: Newcomer) -> None:
    """A place where no file can be made is wrong usage, with a sentence."""
    (newcomer.folder / "file").write_text("", encoding="utf-8")
    done = newcomer.runs("--config", str(newcomer.folder / "file" / "mine.toml"), "init")
    assert (done.returncode, "mine.toml cannot be written (File exists)" in done.stderr) == (2, True)


@pytest.mark.thorough("a process each; the commands themselves are in `make test`")
@pytest.mark.parametrize(
    ("words", "offered"),
    [("remotesupport dep", "departments"), ("remotesupport check --bil", "--billing"), ("remotesupport why a", "acme")],
)
def test_the_shell_completes(newcomer: Newcomer, words: str, offered: str) -> None:
    """Commands, options and the names of the configured billings."""
    asked = {"COMP_WORDS": words, "COMP_CWORD": str(len(words.split()) - 1)}
    program = [
        sys.executable,
        "-c",
        "import sys; from remotesupport.cli.main import main; sys.argv = ['remotesupport']; main()",
    ]
    environ = newcomer.environ | asked | {"_REMOTESUPPORT_COMPLETE": "complete_bash"}
    done = subprocess.run(program, check=False, cwd=newcomer.folder, env=environ, capture_output=True, text=True)
    assert (done.returncode, done.stdout.split()) == (0, [offered])
