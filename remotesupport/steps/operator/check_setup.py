"""The set-up as the document has it, one row each: rights, "External support", "Client of remote technical support",
department flags, correspondences. Where a version has no such setting, the row says what stands in for it.

Pure: what the billings have shown comes in, rows come out.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from connectors.contract import Setup
from remotesupport.core.model import PublicBecause
from remotesupport.core.text.foreign import natural
from remotesupport.settings import ExternalSettings
from remotesupport.settings_models import Endpoint
from remotesupport.steps.framing import Rows, enabled
from remotesupport.steps.operator.check_reach import not_looked_at
from remotesupport.steps.operator.check_row import CheckRow
from remotesupport.steps.read.department_mapping import Departments

THREE = ("clienttickets.sync", "clienttickets.syncadmticket", "clienttickets.syncdepartments")
RIGHTS_SINCE = (4, 0, 68)  # DOCUMENTED: from this release on an administrator with rights is enough
_SECTION = "external.departments"
_SEE = "`remotesupport departments` shows which there are"
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class SetupSeen:
    """The set-up of one side as far as it has shown it. ``old``: it is a version 4; ``setup`` None: its login cannot
    see it.

    ``public``: why the public functions are used, None where they are not; ``detail``: what the three said instead.

    """

    old: bool
    setup: Setup | None
    version: str = "6"
    public: PublicBecause | None = None
    detail: str = ""

    @property
    def lacks(self) -> str:
        """The version that has none of these settings; empty for version 4."""
        return "" if self.old else self.version


def setup_rows(
    settings: ExternalSettings, main: Endpoint, external: SetupSeen, inside: SetupSeen, departments: Departments
) -> list[CheckRow]:
    """The rows, in the order in which the document has the settings."""
    return [
        _functions(external),
        *_public_by_choice("main functions", inside),
        _external_support(settings, inside),
        _client(settings, main, external),
        _flags(departments, external),
        _correspondences(departments),
    ]


def departments_rows(settings: ExternalSettings, departments: Departments) -> list[CheckRow]:
    """Check that each enabled, configured department is there, once, on its side: a row for each that is not."""
    check, wanted = "departments", sum(d.enabled for d in settings.departments)
    if departments.lost:
        return [CheckRow(check, False, lost, f"Correct it in [[{_SECTION}]]") for lost in departments.lost]
    if not wanted:
        return [CheckRow(check, False, "no correspondence is enabled", f"Add [[{_SECTION}]]; {_SEE}")]
    return [CheckRow(check, True, f"{wanted} of {len(departments.external)} remote departments correspond")]


def _functions(seen: SetupSeen) -> CheckRow:
    check = "functions"
    if not seen.old:
        what = "no such rights in this version: being staff of the departments stands in"
        return CheckRow(check, True, what, not_in=seen.lacks)
    if by_choice := _public_by_choice(check, seen):
        return by_choice[0]
    if seen.setup is None:
        return CheckRow(
            check, False, "this login may not call the three functions; the public ones are used instead",
            f"Below 4.0.68 it must be a superuser; from 4.0.68 on give it the rights on {', '.join(THREE)}",
        )  # fmt: skip
    missing = [] if seen.setup.superuser else [f for f in THREE if f not in seen.setup.rights]
    if missing:
        cure = "Switch them on under Functions, for this administrator or a department of his"
        return CheckRow(check, False, f"no right on {', '.join(missing)}", cure)
    release = tuple(number for part in seen.setup.version.split(".") if (number := natural(part)) is not None)
    if seen.setup.superuser and release >= RIGHTS_SINCE:
        return CheckRow(
            check, True, "a superuser: it may do much more than it needs",
            f"An administrator with the rights on {', '.join(THREE)} alone would do",
        )  # fmt: skip
    return CheckRow(check, True, "a superuser" if seen.setup.superuser else f"rights on {', '.join(THREE)}")


def _public_by_choice(check: str, seen: SetupSeen) -> list[CheckRow]:
    """The row of a side whose public functions are used for another reason than a missing right, or none."""
    if seen.public is PublicBecause.CONFIGURED:
        return [CheckRow(check, True, 'the public functions are used, as the configuration says (dialect = "public")')]
    if seen.public is PublicBecause.NOT_UNDERSTOOD:
        words = f"the three functions answer otherwise than this program reads them ({seen.detail})"
        cure = 'dialect = "public" says so by hand; please report what they answer'
        return [CheckRow(check, True, f"{words}; the public ones are used instead", cure)]
    return []


def _external_support(settings: ExternalSettings, seen: SetupSeen) -> CheckRow:
    cure = (
        f'In the main billing: user {settings.main_login}, "External support" on, '
        f"URL {settings.url}, login {settings.login}"
    )
    return _other_end("external support", seen, settings.url, settings.login, cure)


def _client(settings: ExternalSettings, main: Endpoint, seen: SetupSeen) -> CheckRow:
    cure = (
        'In the external billing: Global settings, "Client of remote technical support" on, '
        f"URL {main.url}, login {settings.main_login}"
    )
    return _other_end("client of remote support", seen, main.url, settings.main_login, cure)


def _other_end(check: str, seen: SetupSeen, url: str, login: str, cure: str) -> CheckRow:
    if not seen.old:
        what = "no such setting in this version: remotesupport.toml stands in for it"
        return CheckRow(check, True, what, not_in=seen.lacks)
    if seen.public in (PublicBecause.CONFIGURED, PublicBecause.NOT_UNDERSTOOD):
        return CheckRow(check, True, "the public functions do not show it: remotesupport.toml stands in for it")
    if seen.setup is None:
        return CheckRow(check, False, "this login cannot see whether it is set; the public functions are used", cure)
    if not seen.setup.enabled:
        return CheckRow(check, False, "it is switched off", cure)
    wrong = [] if _same(seen.setup.url, url) else [f"the address is {seen.setup.url}"]
    wrong += [] if seen.setup.login == login else [f"the login is {seen.setup.login}"]
    return CheckRow(check, not wrong, "; ".join(wrong) or f"{url} as {login}", cure if wrong else "")


def _same(one: str, other: str) -> bool:
    return _address(one) == _address(other)


def _address(url: str) -> tuple[str, str, int | None, str]:
    """Scheme, host, port and path, as far as they make a difference."""
    parts = urlsplit(url.strip())
    try:
        port = parts.port
    except ValueError:
        port = None
    scheme = parts.scheme.lower()
    return scheme, (parts.hostname or "").rstrip("."), port or _PORTS.get(scheme), parts.path.rstrip("/")


def _flags(departments: Departments, seen: SetupSeen) -> CheckRow:
    check = "department flags"
    known = [row for row in departments.external if row["remote"] is not None]
    if not known:
        what = "no such flag in this version: the correspondences stand in for it"
        return CheckRow(check, True, what, not_in=seen.lacks)
    pairs = departments.correspondences
    wanted = enabled(pairs)
    bare = [row for row in known if row["department"] in wanted and row["remote"] == "no"]
    if bare:
        return CheckRow(
            check, False, f"not flagged as remote over there: {_names(bare)}",
            'In the external billing: the department\'s form, "Internal functions" (or "Remote department") on',
        )  # fmt: skip
    mapped = {pair["department"] for pair in pairs}
    unmapped = [row for row in known if row["remote"] == "yes" and row["department"] not in mapped]
    if unmapped:
        return CheckRow(
            check, True, f"flagged, but without a correspondence: {_names(unmapped)}",
            "Give it one, or ask over there whether it was meant",
        )  # fmt: skip
    return CheckRow(check, True, f"{len(wanted)} of {len(wanted)} corresponding departments are flagged")


def _names(rows: Rows) -> str:
    return ", ".join(f'"{row["name"]}"' for row in rows)


def _correspondences(departments: Departments) -> CheckRow:
    check = "correspondences"
    if departments.disputed:
        return CheckRow(check, False, "; ".join(departments.disputed), "See remotesupport departments")
    if departments.lost:
        return not_looked_at(check)
    pairs = departments.correspondences
    words = [f"{sum(pair['enabled'] for pair in pairs)} switched on", *departments.notes]
    return CheckRow(check, True, "; ".join(words))
