"""Check that a SQLite file has the tables of a store and nothing else: no views, triggers or expressions of others.

SQLite executes what a file's schema says. A file that somebody else made is read only if its schema could have been
written by a version of this program.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from twinbench.errors import StoreError
from twinbench.store.columns import TABLES
from twinbench.store.migrations import MIGRATIONS

SCHEMA = Path(__file__).with_name("schema.sql")

WORD = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_][A-Za-z_0-9]*|[0-9]+|[^\sA-Za-z_0-9]")
"""A literal, a quoted or plain name, a number, or a sign of SQL."""

COMMENT = re.compile(r"--[^\n]*")

ADVICE = "a store has its own tables only; name another file"


def statements() -> list[str]:
    """Return the statements that make the tables of an empty store."""
    return [statement for statement in SCHEMA.read_text(encoding="utf-8").split(";\n") if statement.strip()]


def check_objects(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError for what isn't a table of a store, or has words that no version of the schema has.

    This check comes first: nothing of the schema is executed before it.
    """
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        shown = f"{path}: {_shown(kind)} {_shown(name)}"
        if kind == "index" and sql is None and str(name).startswith("sqlite_autoindex_"):
            continue
        if kind != "table" or name not in TABLES or not isinstance(sql, str):
            raise StoreError(f"{shown} is not a part of a store; {ADVICE}")
        strange = next((word for word in _words(sql) if word not in _vocabulary()), None)
        if strange is not None:
            raise StoreError(f"{shown} is defined with {_shown(strange)}; {ADVICE}")


def check_tables(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreError unless all tables are there, with the columns, keys and references of the present version."""
    for table, expected in _expected().items():
        found = _structure(connection, table)
        for what, wanted in expected.items():
            if found[what] != wanted:
                raise StoreError(f"{path}: table {table} has other {what} than a store's; {ADVICE}")


@cache
def _expected() -> dict[str, dict[str, Any]]:
    connection = sqlite3.connect(":memory:")
    try:
        for statement in statements():
            connection.execute(statement)
        return {table: _structure(connection, table) for table in TABLES}
    finally:
        connection.close()


def _structure(connection: sqlite3.Connection, table: str) -> dict[str, Any]:
    """Return the columns of a table, generated columns included, its unique keys and its references."""
    columns = list(connection.execute(f"PRAGMA table_xinfo({table})"))
    indexes = connection.execute(f"PRAGMA index_list({table})").fetchall()
    keys = [
        (unique, origin, partial, [name for _, _, name in connection.execute(f"PRAGMA index_info({_quoted(index)})")])
        for _, index, unique, origin, partial in indexes
    ]
    references = [row[2:5] for row in connection.execute(f"PRAGMA foreign_key_list({table})")]
    return {"columns": columns, "keys": sorted(keys, key=repr), "references": sorted(references, key=repr)}


def _quoted(name: Any) -> str:
    return '"' + str(name).replace('"', '""') + '"'


@cache
def _vocabulary() -> frozenset[str]:
    migrations = (statement for version in MIGRATIONS.values() for statement in version)
    written = [*statements(), *(s for s in migrations if "CREATE TABLE" in s or "ADD COLUMN" in s)]
    ours = frozenset(word for statement in written for word in _words(statement))
    return ours | {f'"{name}"' for name in TABLES} | set(TABLES)


def _words(sql: str) -> Iterator[str]:
    """Yield the words and signs of SQL, without comments; keywords and names in lower case."""
    words: Iterable[str] = WORD.findall(COMMENT.sub(" ", sql))
    yield from (word if word[0] in "'" else word.lower() for word in words)


def _shown(value: object) -> str:
    return ascii(str(value)[:60])
