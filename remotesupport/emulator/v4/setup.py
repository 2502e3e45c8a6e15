"""The settings that the document speaks of, where the other billing is, who logs in there, which departments.

Field names and where they are kept are OURS; what there is to set is DOCUMENTED.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from remotesupport.emulator.refusal import Refusal, missed, wrong

if TYPE_CHECKING:
    from remotesupport.emulator.billing import Billing

GLOBAL = 0
_FLAG, _EXTERNAL, _CLIENT = "remote_department", "external_support", "remote_client"


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The address of the other billing and the login there."""

    url: str
    login: str
    password: str


def external_support(billing: Billing, user: int) -> Elsewhere | None:
    """ "External support" of a customer's user: the external billing and its administrator. None: switched off."""
    return _read(billing, user, _EXTERNAL)


def remote_client(billing: Billing) -> Elsewhere | None:
    """The global setting "Client of remote technical support": the main billing and its user. None: switched off."""
    return _read(billing, GLOBAL, _CLIENT)


def set_external_support(billing: Billing, user: int, value: Elsewhere | None) -> None:
    """Switch it on with these values, or off. Raises Refusal value for a bad address, login or password."""
    _write(billing, user, _EXTERNAL, value)


def set_remote_client(billing: Billing, value: Elsewhere | None) -> None:
    """Switch it on with these values, or off. Raises Refusal value for a bad address, login or password."""
    _write(billing, GLOBAL, _CLIENT, value)


def is_remote(billing: Billing, department: int) -> bool:
    """The flag of the department's form: "Internal functions" in the document, "Remote department" elsewhere."""
    return _value(billing, department, _FLAG) == "on"


def set_remote(billing: Billing, department: int, *, on: bool) -> None:
    """Set or take away that flag."""
    _keep(billing, department, _FLAG, "on" if on else "")


@dataclass(frozen=True, slots=True)
class Match:
    """A row of "Remote support departments" of a customer's user."""

    id: int
    remote: str
    department: int
    active: bool


def matches(billing: Billing, user: int) -> list[Match]:
    """Return the user's list of matches, in the order of its ids."""
    rows = billing.database.all("SELECT * FROM remote_department WHERE user = ? ORDER BY id", user)
    return [Match(r["id"], r["remote"], r["department"], bool(r["active"])) for r in rows]


def add_match(billing: Billing, user: int, remote: str, department: int) -> int:
    """A new row. Raises Refusal exists when the remote name has one, and value when it is empty."""
    _must_be_free(billing, user, remote)
    sql = "INSERT INTO remote_department (user, remote, department) VALUES (?,?,?)"
    return billing.database.run(sql, user, remote, department)


def change_match(billing: Billing, match: int, **columns: object) -> None:
    """Edit, enable or disable a row: ``remote``, ``department``, ``active``. Raises Refusal missed, exists, value."""
    row = _row(billing, match)
    if columns.get("remote", row["remote"]) != row["remote"]:
        _must_be_free(billing, row["user"], str(columns["remote"]))
    for name in ("remote", "department", "active"):
        if name in columns:
            billing.database.run(f"UPDATE remote_department SET {name} = ? WHERE id = ?", columns[name], match)  # noqa: S608


def delete_match(billing: Billing, match: int) -> None:
    """Take a row away. Raises Refusal missed."""
    _row(billing, match)
    billing.database.run("DELETE FROM remote_department WHERE id = ?", match)


def _row(billing: Billing, match: int) -> sqlite3.Row:
    row = billing.database.one("SELECT * FROM remote_department WHERE id = ?", match)
    if row is None:
        raise missed("remote department", match)
    return row


def _must_be_free(billing: Billing, user: int, remote: str) -> None:
    if not remote:
        raise wrong("remote", "The name that the department has in the other billing is missing")
    if any(match.remote == remote for match in matches(billing, user)):
        raise Refusal("exists", "remote", f"The remote department '{remote}' is there already", remote)


def _read(billing: Billing, user: int, name: str) -> Elsewhere | None:
    url = _value(billing, user, f"{name}.url")
    if not url:
        return None
    return Elsewhere(url, _value(billing, user, f"{name}.login"), _value(billing, user, f"{name}.password"))


def _write(billing: Billing, user: int, name: str, value: Elsewhere | None) -> None:
    if value:
        _must_be_complete(value)
    for part in ("url", "login", "password"):
        _keep(billing, user, f"{name}.{part}", getattr(value, part) if value else "")


def _must_be_complete(value: Elsewhere) -> None:
    """Refuse what cannot work; the other billing is not asked."""
    if not _is_address(value.url):
        raise wrong("url", "The URL must be a whole address like https://example.com/billmgr, without a login")
    if not value.login:
        raise wrong("login", "The login in the other billing is missing")
    if not value.password:
        raise wrong("password", "The password in the other billing is missing")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return whole and "@" not in parts.netloc and url.isprintable() and " " not in url


def _keep(billing: Billing, user: int, name: str, value: str) -> None:
    billing.database.run("INSERT OR REPLACE INTO preference VALUES (?,?,?)", user, name, value)


def _value(billing: Billing, user: int, name: str) -> str:
    found: str | None = billing.database.value("SELECT value FROM preference WHERE user = ? AND name = ?", user, name)
    return found or ""
