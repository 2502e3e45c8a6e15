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
        """Return the type that the driver is given."""
        array: TypeEngine[Any] = postgresql.ARRAY(Text())
        return dialect.type_descriptor(array if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: Iterable[str] | None, dialect: Dialect) -> list[str] | str:
        """The keys as that."""
        keys = [] if value is None else list(value)
        return keys if dialect.name == "postgresql" else json.dumps(keys)


class KeyPairs(TypeDecorator[Iterable[tuple[str, str]]]):
    """Pairs of texts as one JSON text; as many as there are."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Iterable[tuple[str, str]] | None, dialect: Dialect) -> str:  # noqa: ARG002 - the base's signature
        """The pairs as that."""
        return json.dumps([list(pair) for pair in value or ()])


class _AmongPairs(FunctionElement[Any]):
    inherit_cache = True


def among_pairs(first: ColumnElement[str], second: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Build the condition that both columns together are one of the pairs of the parameter ``name``."""
    return _AmongPairs(first, second, bindparam(name, type_=KeyPairs()))


@compiles(_AmongPairs, "sqlite")
def _pair_in_json(element: _AmongPairs, compiler: SQLCompiler, **named: Any) -> str:
    first, second, keys = (compiler.process(clause, **named) for clause in element.clauses)
    pairs = f"SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each({keys})"  # noqa: S608 - parts that SQLAlchemy has compiled
    return f"(({first}, {second}) IN ({pairs}))"


@compiles(_AmongPairs, "postgresql")
def _pair_in_array(element: _AmongPairs, compiler: SQLCompiler, **named: Any) -> str:
    first, second, keys = (compiler.process(clause, **named) for clause in element.clauses)
    pairs = f"SELECT pair ->> 0, pair ->> 1 FROM jsonb_array_elements(CAST({keys} AS jsonb)) AS pair"  # noqa: S608 - parts that SQLAlchemy has compiled
    return f"(({first}, {second}) IN ({pairs}))"


class _Among(FunctionElement[Any]):
    inherit_cache = True  # and no type: of a Boolean SQLite is asked whether it "= 1", and then uses no index


def among(column: ColumnElement[str], name: str) -> ColumnElement[bool]:
    """Build the condition that ``column`` is one of the keys of the parameter ``name``."""
    return _Among(column, bindparam(name, type_=Keys()))


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, keys = (compiler.process(clause, **named) for clause in element.clauses)
    return f"({column} IN (SELECT value FROM json_each({keys})))"  # noqa: S608 - two parts that SQLAlchemy has compiled


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **named: Any) -> str:
    column, keys = (compiler.process(clause, **named) for clause in element.clauses)
    return f"({column} = ANY({keys}))"
