"""Column types that behave the same on SQLite and PostgreSQL. No tables here."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
DETAIL_LIMIT = 500
SUBJECT_LIMIT = 10_000

Id = BigInteger().with_variant(Integer(), "sqlite")


class UtcTime(TypeDecorator[datetime]):
    """An aware datetime in, an aware UTC datetime out; kept as microseconds since 1970 in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Integers on SQLite: short, exact and sortable."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        """Raises ValueError for a naive time: nobody could say later which moment it was."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone cannot be stored: {value!r}")
        return (value - EPOCH) // MICROSECOND if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """UTC on both."""
        if value is None:
            return None
        if dialect.name == "sqlite":
            return EPOCH + cast("int", value) * MICROSECOND
        return cast("datetime", value).astimezone(UTC)


class Words(TypeDecorator[str]):
    """Free text, cut at ``limit`` characters and freed of what no database takes (NUL, lone surrogates)."""

    impl = Text
    cache_ok = True

    def __init__(self, limit: int = DETAIL_LIMIT) -> None:
        super().__init__()
        self.limit = limit

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - the base's signature
        """No ticket text is kept by way of a cause."""
        if value is None:
            return None
        text = str(value)
        text = text if len(text) <= self.limit else text[: self.limit - 1] + "…"
        return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode("utf-8")
