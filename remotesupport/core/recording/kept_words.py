"""The closed lists of a recording: the only values that stay as the server sent them.

Everything else is replaced (``pseudonyms``). What must stay out: replacing anything, walking through answers.
"""

from __future__ import annotations

import re

# Answers that are on or off, wherever they stand.
SWITCHES = frozenset({"on", "off", "yes", "no", "true", "false"})
MESSAGE_TYPES = frozenset({"incoming", "outcoming", "note", "ticketnote", "inner", "system", "info"})
ERROR_TYPES = frozenset(
    {"access", "auth", "db", "exists", "internal", "limit", "missed", "system", "timeout", "unknown", "value", "xml"}
)
ERROR_OBJECTS = frozenset(
    {"badip", "badpassword", "blockgeoip", "blocklogon", "elem", "elid", "func", "function", "ticket", "totp", "type"}
)
ERROR_TEXTS = frozenset({"access deny", "auth failed"})
# DOCUMENTED (protocol section 3.5); the words are those of the same document and of public clients.
STATE_NUMBERS = frozenset({"0", "1", "2", "3", "10"})
STATE_WORDS = frozenset(
    {
        "new", "under review", "in progress", "awaiting response", "awaiting client", "waiting to reply", "new replies",
        "closed", "archived",
    }
)  # fmt: skip
COUNTS = frozenset({"p_num", "p_cnt", "p_elems"})
# Fields of forms that are named in an attribute instead of by their element.
FORM_FIELDS = frozenset({"client_department", "department", "responsible", "category", "project", "queue"})
SORTED_BY = frozenset({"id", "name", "ticket", "last_activity", "last_message", "date_start", "date_post"})
ORDERS = frozenset({"asc", "desc"})
FORMATS = frozenset({"json", "xml"})

# Never recorded, neither their values nor pseudonyms of them: in answers, and as parameters of a request.
SECRETS = frozenset(
    {
        "auth", "authinfo", "billmgrses5", "cookie", "csrf", "passwd", "password", "secret", "ses", "sesid", "session",
        "sok_key", "token", "tparams", "totp",
    }
)  # fmt: skip
NOT_ASKED = SECRETS | {"username", "key", "su", "lang"}

# Fields that show people; what they hold is counted as names.
PEOPLE = frozenset(
    {"account", "blocked_by", "client", "create_user", "email", "login", "message_user", "realname", "responsible"}
)
# Rights that version 4 lists by the functions' names.
RIGHTS = frozenset({"clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments"})
DEPARTMENT_FUNCTIONS = frozenset({"department", "clienttickets.syncdepartments"})

_VERSION = re.compile(r"(\d{1,3}\.\d{1,4}(?:\.\d{1,4})?)(?:-.*)?", re.DOTALL)
_FIELD = re.compile(r"\$?[A-Za-z_][A-Za-z0-9_.:-]{0,39}|\$")


def is_field(name: str) -> bool:
    """Tell whether that can be the name of a field or of an attribute."""
    return _FIELD.fullmatch(name) is not None


def version(value: str) -> str | None:
    """``6.94.1`` of ``6.94.1-2026.11``; None: no version of a product (an address has four numbers)."""
    found = _VERSION.fullmatch(value)
    return found[1] if found else None


def words(text: str) -> str:
    """A text as names are compared: blanks joined, case folded."""
    return " ".join(text.split()).casefold()
