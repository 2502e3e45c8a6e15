"""The configuration file: what is understood, and what is refused in which words."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from remotesupport.cli.template import CONFIG
from remotesupport.settings import (
    HOME_VARIABLE,
    ReceiverSettings,
    Settings,
    SettingsError,
    config_path,
    load_settings,
    ready_state_folder,
    state_folder,
)

MAIN = '[main]\nurl = "https://main.example:1500/billmgr"\n'
ACME = """
[[external]]
name = "{name}"
url = "https://billing.{name}.example:1500/billmgr"
login = "robot"
password = "env:INVENTED"
main_login = "{user}"
main_password = "env:INVENTED_TOO"
timezone = "Europe/Moscow"
{more}
[[external.departments]]
remote = "Technical support"
main = "Outsourced support"
"""


def external(name: str = "acme", user: str = "acme", more: str = "") -> str:
    return ACME.format(name=name, user=user, more=more)


def load(folder: Path, text: str, **environ: str) -> Settings:
    file = folder / "remotesupport.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file, {"REMOTESUPPORT_HOME": str(folder / "state"), **environ})


def refused(folder: Path, text: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(folder, text, **environ)
    return str(caught.value)


def test_template_is_valid(tmp_path: Path) -> None:
    """What init writes loads as it stands."""
    settings = load(tmp_path, CONFIG)
    assert [e.name for e in settings.external] == ["acme"]
    assert settings.guard.closes_percent == 20


def test_template_names_every_key(tmp_path: Path) -> None:
    """Every key that can be set stands in the file that init writes."""
    settings = load(tmp_path, CONFIG)
    first = settings.external[0]
    sections = (settings.main, first, first.departments[0], first.reading, first.agreed, settings.guard)
    sections += (
        settings.alerts,
        settings.monitoring,
        settings.keep,
        ReceiverSettings(name="ops", kind="webhook", url="env:OPS"),
    )
    keys = {key for section in sections for key in type(section).model_fields}
    keys -= {"departments", "guard", "reading", "agreed", "receivers"}  # sections of their own
    assert [key for key in sorted(keys) if f"{key} = " not in CONFIG] == []


def test_defaults(tmp_path: Path) -> None:
    """State and store are in the home folder unless the environment says otherwise."""
    settings = load(tmp_path, MAIN + external())
    assert settings.home == tmp_path / "state"
    assert settings.database_url == f"sqlite:///{tmp_path}/state/remotesupport.sqlite3"
    assert settings.external[0].zone_of_main == "Europe/Moscow"
    assert settings.external[0].attachment_limit == 10 * 1024 * 1024


def test_database_from_environment(tmp_path: Path) -> None:
    """The store's address comes from the environment and never shows in a repr."""
    url = "postgresql+psycopg://robot:invented-password@127.0.0.1/x"
    settings = load(tmp_path, MAIN, REMOTESUPPORT_DATABASE_URL=url)
    assert settings.database_url == url
    assert "invented-password" not in repr(settings)


def test_database_of_another_driver_is_refused(tmp_path: Path) -> None:
    """An address that the store cannot open is refused without being repeated."""
    text = refused(tmp_path, MAIN, REMOTESUPPORT_DATABASE_URL="postgres://robot:invented-password@127.0.0.1/x")
    assert "postgresql+psycopg://" in text
    assert "invented-password" not in text


def test_unknown_key_names_the_nearest(tmp_path: Path) -> None:
    """A misspelt key is refused, with its section and the key that was meant."""
    text = refused(tmp_path, MAIN + external(more='paswsord = "env:X"'))
    assert '[[external]] "acme", paswsord: unknown key. Did you mean "password"?' in text


def test_unknown_section_lists_the_known(tmp_path: Path) -> None:
    """A key like nothing that is known is answered with everything that is."""
    known = "alerts, bell, external, guard, keep, main, monitoring, scale"
    assert f"colour: unknown key. Known: {known}" in refused(tmp_path, "colour = 1\n" + MAIN)


def test_inputs_are_kept_for_three_days_without_texts(tmp_path: Path) -> None:
    """Nothing has to be set; a key is a reference like a password, and days have a range."""
    kept = load(tmp_path, MAIN).keep
    assert (kept.inputs_days, kept.key) == (3, None)
    assert "[keep], key: a literal password is refused" in refused(tmp_path, MAIN + '[keep]\nkey = "Invented1"\n')
    assert "[keep], inputs_days" in refused(tmp_path, MAIN + "[keep]\ninputs_days = 31\n")


def test_literal_password_is_refused_and_not_repeated(tmp_path: Path) -> None:
    """A password in the file is refused, and the message does not spread it further."""
    text = refused(tmp_path, MAIN + external().replace("env:INVENTED_TOO", "Invented-Pass-1"))
    assert '[[external]] "acme", main_password: a literal password is refused here' in text
    assert "Invented-Pass-1" not in text


@pytest.mark.parametrize("reference", ["env:", "env:A B", "file:relative", "prefect:Not A Block", "vault:x"])
def test_unusable_references_are_refused(tmp_path: Path, reference: str) -> None:
    """A reference that could never be looked up is refused when the file is read."""
    assert "main_password" in refused(tmp_path, MAIN + external().replace("env:INVENTED_TOO", reference))


@pytest.mark.parametrize(
    "url",
    [
        "http://main.example/billmgr",
        "http://127.0.0.1.example/billmgr",
        "ftp://main.example/billmgr",
        "https://robot:invented@main.example/billmgr",
        "https://main.example/billmgr?func=auth",
        "https://main.example:1500",
        "https://169.254.169.254/billmgr",
        "main.example/billmgr",
        "",
    ],
)
def test_unsafe_addresses_are_refused(tmp_path: Path, url: str) -> None:
    """Only complete https addresses without login, query or link-local host are taken."""
    assert "[main], url" in refused(tmp_path, f'[main]\nurl = "{url}"\n')


@pytest.mark.parametrize("host", ["127.0.0.1:15000", "localhost", "[::1]:15000", "127.8.9.1"])
def test_plain_http_on_loopback(tmp_path: Path, host: str) -> None:
    """Plain http is accepted where nobody can listen in."""
    assert load(tmp_path, f'[main]\nurl = "http://{host}/billmgr/"\n').main.url == f"http://{host}/billmgr"


def test_version_is_one_of_four(tmp_path: Path) -> None:
    """A version is auto, 4, 5 or 6, with or without quotes."""
    assert load(tmp_path, MAIN + "version = 4\n").main.version == "4"
    assert "version" in refused(tmp_path, MAIN + 'version = "7"\n')


def test_dialects_are_named_exactly(tmp_path: Path) -> None:
    """An unknown dialect is refused with the nearest; one of version 4 together with another version is, too."""
    main = '[main]\nurl = "https://main.example:1500/billmgr"\n'
    assert load(tmp_path, f'{main}dialect = "public"\n').main.dialect == "public"
    assert 'Did you mean "public"?' in refused(tmp_path, f'{main}dialect = "publik"\n')
    assert "version 4 only" in refused(tmp_path, f'{main}version = "6"\ndialect = "sync"\n')


def test_unknown_time_zone_is_refused(tmp_path: Path) -> None:
    """A time zone that IANA does not know is refused."""
    text = refused(tmp_path, MAIN + external().replace("Europe/Moscow", "Europe/Moskow"))
    assert "timezone: IANA knows no such time zone" in text


@pytest.mark.parametrize("name", ["Acme", "a_b", "-a", "a-", "", "a\\n"])
def test_names_are_plain(tmp_path: Path, name: str) -> None:
    """A name stands in subjects and addresses, so it is made of a-z, 0-9 and inner hyphens only."""
    assert "name: not allowed here" in refused(tmp_path, MAIN + external(name=name))


def test_names_are_unique(tmp_path: Path) -> None:
    """Two connections never share a name."""
    assert "the name is used 2 times" in refused(tmp_path, MAIN + external() + external(user="other"))


def test_one_customer_user_one_pair(tmp_path: Path) -> None:
    """W13: two connections that share a customer user are refused by name, whatever their departments are."""
    other = external("bravo", " Shared").replace("Technical support", "Billing")
    text = refused(tmp_path, MAIN + external("acme", "shared") + other)
    assert '[[external]] "acme" and [[external]] "bravo"' in text
    assert load(tmp_path, MAIN + external("acme", "one") + external("bravo", "two")).enabled()


def test_one_correspondence_per_department(tmp_path: Path) -> None:
    """A remote department goes to one main department."""
    again = '[[external.departments]]\nremote = "technical support "\nmain = "Elsewhere"\n'
    assert "has two correspondences" in refused(tmp_path, MAIN + external() + again)


def test_ca_file_is_relative_to_the_configuration(tmp_path: Path) -> None:
    """A CA file is looked for beside the configuration, whatever the current folder is."""
    (tmp_path / "ca.pem").write_text("x", encoding="utf-8")
    assert load(tmp_path, MAIN + 'ca_file = "ca.pem"\n').main.ca_file == tmp_path / "ca.pem"
    assert "there is no file" in refused(tmp_path, MAIN + 'ca_file = "other.pem"\n')


def test_fingerprint_forms(tmp_path: Path) -> None:
    """A fingerprint is taken with colons and capitals too, and never together with a CA file."""
    pairs = ":".join(["AB"] * 32)
    assert load(tmp_path, MAIN + f'tls_fingerprint = "sha256:{pairs}"\n').main.tls_fingerprint == "sha256:" + "ab" * 32
    (tmp_path / "ca.pem").write_text("x", encoding="utf-8")
    both = f'tls_fingerprint = "sha256:{pairs}"\nca_file = "ca.pem"\n'
    assert "[main]: ca_file and tls_fingerprint are both set" in refused(tmp_path, MAIN + both)


def test_limits_of_a_connection(tmp_path: Path) -> None:
    """A connection's own limits win; what it leaves out comes from [guard]."""
    settings = load(tmp_path, MAIN + external() + "[external.guard]\ncreates = 5\n[guard]\ncloses = 7\n")
    limits = settings.limits("acme")
    assert (limits.creates, limits.closes, limits.posts) == (5, 7, 300)


def test_every_problem_at_once(tmp_path: Path) -> None:
    """One message names every problem, so that a person corrects the file once."""
    text = refused(tmp_path, "[main]\nurl = 1\nverison = 4\n" + external(name="A") + external(name="A"))
    assert text.count("\n  - ") >= 5


def test_unknown_connection_names_the_nearest(tmp_path: Path) -> None:
    """Asking for a connection that is not there names the nearest one."""
    with pytest.raises(SettingsError, match='Did you mean "acme"'):
        load(tmp_path, MAIN + external()).connection("amce")


def test_missing_file_says_what_to_do(tmp_path: Path) -> None:
    """Without a configuration the message names the command that writes one."""
    with pytest.raises(SettingsError, match="remotesupport init"):
        load_settings(tmp_path / "none.toml", {})


def test_broken_toml_says_where(tmp_path: Path) -> None:
    """A file that is not TOML is refused with the line."""
    assert "line 2" in refused(tmp_path, '[main]\nurl = "x\n')


def test_where_things_are(tmp_path: Path) -> None:
    """The argument wins over the environment, and paths are absolute."""
    environ = {"REMOTESUPPORT_CONFIG": str(tmp_path / "a.toml"), "REMOTESUPPORT_HOME": str(tmp_path / "home")}
    assert config_path(None, environ) == tmp_path / "a.toml"
    assert config_path(tmp_path / "b.toml", environ) == tmp_path / "b.toml"
    assert state_folder(environ) == tmp_path / "home"
    assert state_folder({}).is_absolute()


def test_a_state_folder_is_made_for_its_owner(tmp_path: Path) -> None:
    """It is made with what is above it, for its owner alone, and nothing is left in it by the trial."""
    ready_state_folder(tmp_path / "deep" / "state")
    assert stat.S_IMODE((tmp_path / "deep" / "state").stat().st_mode) == 0o700
    assert list((tmp_path / "deep" / "state").iterdir()) == []


@pytest.mark.parametrize("place", ["file/state", "x" * 300])
def test_a_state_folder_that_cannot_be(tmp_path: Path, place: str) -> None:
    """The place, the reason and the variable to set are named, and the configuration is still looked for elsewhere."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(SettingsError, match=f"state folder cannot be made or written.*{HOME_VARIABLE}"):
        ready_state_folder(tmp_path / place)
    assert config_path(environ={HOME_VARIABLE: str(tmp_path / place)}).name == "remotesupport.toml"


def test_a_state_folder_of_nobody() -> None:
    """A user who is not there has no folder."""
    with pytest.raises(SettingsError, match="no such user"):
        state_folder({HOME_VARIABLE: "~nobody-of-this-name/state"})


@pytest.mark.parametrize("alone", ["login", "password"])
def test_the_login_for_lists_has_a_password_and_no_other_way(tmp_path: Path, alone: str) -> None:
    """One without the other is refused with both names, a literal password too; what is there is kept from logs."""
    keys = {"login": 'watch_login = "watcher"\n', "password": 'watch_password = "file:/run/secrets/watcher"\n'}
    other = "password" if alone == "login" else "login"
    assert f"watch_{alone} is set and watch_{other} is not" in refused(tmp_path, MAIN + keys[alone] + external())
    literal = keys["login"] + 'watch_password = "secret"\n'
    assert "a literal password is refused here" in refused(tmp_path, MAIN + literal + external())
    secret = tmp_path / "watcher"
    secret.write_text("WATCH-CANARY")
    there = keys["login"] + f'watch_password = "file:{secret}"\n'
    assert "WATCH-CANARY" in load(tmp_path, MAIN + there + external()).secrets()
    assert load(tmp_path, MAIN + external()).main.watch_login is None
