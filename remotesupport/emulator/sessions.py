"""Log-ins: sessions of one hour since the last request, ``authinfo``, keys, and the ban after wrong passwords."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass

from remotesupport.emulator.desk import Watch
from remotesupport.emulator.people import EMPLOYEE, People, User
from remotesupport.emulator.refusal import Refusal, denied

LIFETIME_S = 3600  # DOCUMENTED
BAN_S = 20  # SEEN IN CODE ("blocked for 20 s")
BAN_AFTER = 3  # OURS
KEY_LENGTH = 16  # DOCUMENTED


@dataclass(slots=True)
class _Session:
    user: int
    last_used: int


class Sessions:
    """Sessions in memory: a restarted billing has forgotten every one."""

    def __init__(self, people: People, clock: Watch) -> None:
        self._people, self._clock = people, clock
        self.ban_after, self.ban_s = BAN_AFTER, BAN_S
        self._sessions: dict[str, _Session] = {}
        self._keys: dict[str, str] = {}
        self._failures: dict[str, list[int]] = {}

    def check_password(self, login: str, password: str) -> User:
        """The user. Raises Refusal auth/blocklogon or auth/badpassword."""
        failures = self._failures.setdefault(login, [])
        if len(failures) >= self.ban_after and self._clock.now() < failures[-1] + self.ban_s:
            raise Refusal("auth", "blocklogon", f"Log-in is blocked for {self.ban_s} s", login)
        user = self._people.find(login)
        if user is None or not user.active or not hmac.compare_digest(user.password.encode(), password.encode()):
            self._failures[login] = [*failures[-self.ban_after :], self._clock.now()]
            raise Refusal("auth", "badpassword", "Invalid username or password ", "remote_addr: [127.0.0.1]")
        del self._failures[login]
        return user

    def new_key(self, login: str, key: str) -> None:
        """Remember a key that opens one session for this user."""
        user = self._people.find(login)
        if user is None or len(key) < KEY_LENGTH:
            raise Refusal("value", "key" if user else "username", "No such user, or the key is too short", login)
        self._keys[key] = login

    def check_key(self, login: str, key: str) -> User:
        """The user, once. Raises Refusal auth/badpassword."""
        user = self._people.find(login) if self._keys.pop(key, None) == login else None
        if user is None:
            raise Refusal("auth", "badpassword", "Invalid key", login)
        return user

    def begin(self, user: User) -> str:
        """A new session's id."""
        session = secrets.token_hex(16)
        self._sessions[session] = _Session(user.id, self._clock.now())
        return session

    def resume(self, session: str) -> User | None:
        """Find whose session that is, and give it another hour; None when it is dead or its user was suspended."""
        found = self._sessions.get(session)
        if found is None:
            return None
        user = self._people.get(found.user)
        if self._clock.now() >= found.last_used + LIFETIME_S or not user.active:
            del self._sessions[session]
            return None
        found.last_used = self._clock.now()
        return user

    def end(self, session: str) -> None:
        """Log out; an unknown session is fine."""
        self._sessions.pop(session, None)

    def set_ban(self, *, after: float | None = None, seconds: float | None = None) -> None:
        """After how many wrong passwords in a row a login is blocked, and for how long."""
        self.ban_after = self.ban_after if after is None else int(after)
        self.ban_s = self.ban_s if seconds is None else int(seconds)

    def end_all(self) -> None:
        """Every session dies at once, as after a restart."""
        self._sessions.clear()

    def impersonate(self, actor: User, wanted: str) -> User:
        """``su``: administrators only (DOCUMENTED); a name or an id (SEEN IN CODE); never somebody above."""
        if actor.level < EMPLOYEE:
            raise denied("su")
        target = self._people.named(wanted)
        if target.level > actor.level:
            raise denied("su")
        return target
