"""The people: users, employees, departments (departments are users of level 28: SEEN IN CODE), and who is whose."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from remotesupport.emulator.database import Database
from remotesupport.emulator.refusal import missed

CLIENT, DEPARTMENT, EMPLOYEE, SUPER = 16, 28, 29, 30  # levels: DOCUMENTED
INSTALLATION_ZONE = "Europe/Moscow"


@dataclass(frozen=True, slots=True)
class User:
    """One row of ``user``. ``timezone`` "" means the installation's own."""

    id: int
    level: int
    login: str
    password: str
    realname: str
    email: str
    account: int
    timezone: str
    lang: str
    active: bool

    @property
    def staff(self) -> bool:
        return self.level >= DEPARTMENT

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone or INSTALLATION_ZONE)

    @property
    def tag(self) -> str:
        """``d_12`` or ``e_12``: how a transfer names its target (SEEN IN CODE)."""
        return f"{'d' if self.level == DEPARTMENT else 'e'}_{self.id}"


class People:
    """Reading and changing users and memberships."""

    def __init__(self, database: Database) -> None:
        self._db = database

    def add(
        self, login: str, level: int, *, password: str = "", realname: str = "", timezone: str = "", lang: str = "en"
    ) -> User:
        """A new user; a client gets an account of its own."""
        user = self._db.run(
            "INSERT INTO user (level, login, password, realname, email, timezone, lang) VALUES (?,?,?,?,?,?,?)",
            level, login, password, realname or login, f"{login}@mail.invalid", timezone, lang,
        )  # fmt: skip
        if level == CLIENT:
            self._db.run("UPDATE user SET account = id WHERE id = ?", user)
        return self.get(user)

    def join(self, department: int, employee: int) -> None:
        """Make the employee a member; twice is the same as once."""
        self._db.run("INSERT OR IGNORE INTO member VALUES (?,?)", department, employee)

    def leave(self, department: int, employee: int) -> None:
        """End the membership."""
        self._db.run("DELETE FROM member WHERE department = ? AND employee = ?", department, employee)

    def get(self, user: int) -> User:
        """Find by id. Raises Refusal missed."""
        return _user(self._db.one("SELECT * FROM user WHERE id = ?", user), user)

    def find(self, login: str) -> User | None:
        """Find by login."""
        row = self._db.one("SELECT * FROM user WHERE login = ? AND level <> ?", login, DEPARTMENT)
        return _user(row, login) if row else None

    def named(self, name_or_id: object) -> User:
        """Find by id, login or real name: what people write into a request. Raises Refusal missed."""
        text = str(name_or_id)
        row = self._db.one(
            "SELECT * FROM user WHERE login = ?1 OR CAST(id AS TEXT) = ?1 OR realname = ?1"
            " ORDER BY login = ?1 DESC, CAST(id AS TEXT) = ?1 DESC, id LIMIT 1",
            text,
        )
        return _user(row, text)

    def department(self, name_or_id: object) -> User:
        """A department by id or name. Raises Refusal missed."""
        row = self._db.one(
            "SELECT * FROM user WHERE level = ?1 AND (CAST(id AS TEXT) = ?2 OR realname = ?2)"
            " ORDER BY realname = ?2 LIMIT 1",
            DEPARTMENT,
            str(name_or_id),
        )
        return _user(row, name_or_id, "department")

    def everyone(self, low: int = 0, high: int = 99) -> list[User]:
        """Users with a level from ``low`` to ``high``, by id."""
        rows = self._db.all("SELECT * FROM user WHERE level BETWEEN ? AND ? ORDER BY id", low, high)
        return [_user(row, "") for row in rows]

    def departments(self) -> list[User]:
        """All departments, suspended ones too."""
        return self.everyone(DEPARTMENT, DEPARTMENT)

    def departments_of(self, employee: User) -> list[int]:
        """Ids of the departments that this employee works in; all of them for a superuser."""
        if employee.level >= SUPER:
            return [department.id for department in self.departments()]
        rows = self._db.all("SELECT department FROM member WHERE employee = ? ORDER BY department", employee.id)
        return [row[0] for row in rows]

    def members(self, department: int) -> list[int]:
        """Ids of the department's employees."""
        return [row[0] for row in self._db.all("SELECT employee FROM member WHERE department = ?", department)]


def _user(row: sqlite3.Row | None, wanted: object, what: str = "user") -> User:
    if row is None:
        raise missed(what, wanted)
    values = dict(row)
    return User(**(values | {"active": bool(values["active"])}))
