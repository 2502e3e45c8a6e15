"""A list of keys as one parameter: a statement's text, and what was prepared for it, are the same for any number."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Dialect, Text, bindparam
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator, TypeEngine


class Keys(TypeDecorator[Iterable[str]]):
    """An array on PostgreSQL, JSON on SQLite; as many as there are."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the driver is given."""
        array: TypeEngine[Any] = postgresql.ARRAY(Text())
        return dialect.type_descriptor(array if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> list[str] | str:
        """The keys as that."""
        keys = [] if value is None else list(value)
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class _Among(FunctionElement[Any]):
    inherit_cache = True  # and no type: of a Boolean SQLite is asked whether it "= 1", and then uses no index


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """That ``column`` is one of the keys that are given, as ``name``, when the statement runs."""
    return _Among(column, bindparam(name, type_=Keys()))


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, keys = (compiler.process(clause, **named) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({keys})))"  # noqa: S608 - two parts that SQLAlchemy has compiled


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, keys = (compiler.process(clause, **named) for clause in element.clauses)
    return f"({column} = ANY({keys}))"
