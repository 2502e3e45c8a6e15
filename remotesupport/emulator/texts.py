"""Texts that depend on the viewer: status names by language, dates by zone."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from remotesupport.emulator.desk import ARCHIVED, AWAITING, CLOSED, NEW, REVIEW

_STATUS = {
    "en": {NEW: "New", REVIEW: "In progress", AWAITING: "Waiting to reply ", CLOSED: "Closed", ARCHIVED: "Archived"},
    "ru": {NEW: "Новый", REVIEW: "В работе", AWAITING: "Ожидает ответа ", CLOSED: "Закрыт", ARCHIVED: "В архиве"},
}
_UNREAD = {"en": "New replies", "ru": "Есть новые ответы"}
_MONTHS = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "ru": ["янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек"],
}


def language(wanted: str) -> str:
    """A language that there are texts for."""
    return wanted if wanted in _STATUS else "en"


def status_name(status: int, lang: str, *, unread: bool = False) -> str:
    """Return what a person reads; the trailing blank of "Waiting to reply " is the real one's (SEEN IN CODE)."""
    return _UNREAD[lang] if unread else _STATUS[lang][status]


@lru_cache(maxsize=200_000)
def date_cells(stamp: int, zone: ZoneInfo, lang: str) -> tuple[str, str, str, str]:
    """A moment as a list shows it: plain, ``_l``, ``_s``, ``_locale_time`` (SEEN IN CODE), in the viewer's zone."""
    at = datetime.fromtimestamp(stamp, zone)
    month = _MONTHS[lang][at.month - 1]
    plain = f"{at:%Y-%m-%d %H:%M:%S}"
    return plain, f"{at.day} {month} {at.year}", f"{at:%d.%m.%y}", f"{at.day} {month} {at:%H:%M}"


def plain_date(stamp: int, zone: ZoneInfo) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in the zone."""
    return date_cells(stamp, zone, "en")[0]


def utc_date(stamp: int) -> str:
    """Return the same in UTC, for ``last_message_utc``."""
    return f"{datetime.fromtimestamp(stamp, UTC):%Y-%m-%d %H:%M:%S}"


def waiting(seconds: int) -> str:
    """``Nd+HH:MM`` (SEEN IN CODE)."""
    minutes = max(seconds, 0) // 60
    return f"{minutes // 1440}d+{minutes // 60 % 24:02}:{minutes % 60:02}"
