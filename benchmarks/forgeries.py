"""Forged and damaged stores: a value, a row, a file, the schema or a bit is changed. For a figure and for tests."""

from __future__ import annotations

import contextlib
import io
import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hostile import ROWS
from twinbench.store.columns import KEYS, TABLES
from twinbench.store.records import EXAMPLE, TRAINED


def forge(path: Path, rng: random.Random) -> str:
    """Change some values of a store as an attacker may, past SQLite's checks, and say what was changed.

    The schema comes last: to read a table that became a view without an end would fill the memory of this process.
    """
    chosen = [rng.choice(FORGERIES) for _ in range(rng.choice((1, 1, 1, 2, 3)))]
    chosen.sort(key=lambda forgery: forgery is _forge_schema)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("PRAGMA foreign_keys = OFF")
        return "; ".join(forgery(db, rng) for forgery in chosen)


TEXTS = (
    *("", "../../../../tmp/evil", "/etc/passwd", "model/../../evil", "a/../b", "..", ".", "model//x", "\\\\host\\x"),
    *("\0", "a\0b", "\x1b[2J\x1b]0;x\x07", "line\nbreak", "\u202egnp.exe", "\ufeff", "🙂" * 300, "=1+1", "-rf", "%s%n"),
    *("A" * 10_000_000, "nan", "1e999", "[" * 100_000, '{"a":' * 5000, "{", "null", "[]", "{}", "true", "1" * 5000),
)

NUMBERS = (0, -1, 1, 2**31, 2**63 - 1, -(2**63), 1e308, -1e308, 5e-324, 1e-300, 0.5, float("inf"), float("-inf"))

VALUES: tuple[Any, ...] = (*TEXTS, *NUMBERS, None, b"", b"\xff\xfe", b"\x80abc", bytes(1_000_000))

JSONS: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**31, 10**400, 1e308, float("nan"), float("inf"), 0.5, "", "text", [], {}, [[]]),
    *([1, "a", None], {"a": {"b": []}}, {"": ""}, "../../evil", "\udcff", "\x1b[2J", "x" * 2_000_000, [{}] * 3),
)


def _forge_value(db: sqlite3.Connection, rng: random.Random) -> str:
    table = rng.choice(list(TABLES))
    column = rng.choice(list(TABLES[table]))
    return _set(db, table, column, rng.choice(VALUES), rng)


def _forge_json(db: sqlite3.Connection, rng: random.Random) -> str:
    """Change one place in a JSON text: another value, a key that is missing, a key of another name."""
    table, column = rng.choice(
        [("runs", "arguments"), ("runs", "environment"), ("plans", "plan"), ("plans", "dataset"), ("cells", "steps")]
        + [("facts", "value")] * 4
        + [("noise", "facts")]
    )
    key = ", ".join(KEYS[table])
    rows = db.execute(f"SELECT {column}, {key} FROM {table}").fetchall()
    if not rows:
        return "nothing"
    text, *values = rng.choice(rows)
    try:
        content = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return "nothing"
    paths = list(_paths(content))
    where = rng.choice(paths) if paths else ()
    changed = _replaced(content, where, rng)
    written = json.dumps(changed)
    condition = " AND ".join(f"{name} IS ?" for name in KEYS[table])
    db.execute(f"UPDATE {table} SET {column} = ? WHERE {condition}", (written, *values))
    return f"{table}.{column} {values} at {where}: {written[:200]}"


def _paths(value: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*before, key)
        yield from _paths(item, (*before, key))


def _replaced(value: Any, where: tuple[Any, ...], rng: random.Random) -> Any:
    if not where:
        return rng.choice(JSONS)
    inside = value
    for key in where[:-1]:
        inside = inside[key]
    last = where[-1]
    how = rng.choice(("value", "value", "value", "drop", "rename", "twice"))
    if how == "value" or (isinstance(inside, list) and how == "rename"):
        inside[last] = rng.choice(JSONS)
    elif how == "drop":
        del inside[last]
    elif how == "rename":
        inside[rng.choice(TEXTS[:20])] = inside.pop(last)
    elif isinstance(inside, list):
        inside.append(inside[last])
    else:
        inside[f"{last}2"] = inside[last]
    return value


def _set(db: sqlite3.Connection, table: str, column: str, value: Any, rng: random.Random) -> str:
    key = ", ".join(KEYS[table])
    count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    chosen = f"({key}) = (SELECT {key} FROM {table} LIMIT 1 OFFSET {rng.randrange(max(count, 1))})"
    try:
        db.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {chosen}", (value,))
    except sqlite3.IntegrityError:
        return "nothing"
    return f"{table}.{column} = {ascii(value)[:60]}"


def _forge_file(db: sqlite3.Connection, rng: random.Random) -> str:
    """Change a kept file and its SHA-256 with it: what the arrays say of themselves is forged."""
    name = rng.choice((EXAMPLE, TRAINED, "scores.npy"))
    content = rng.choice(ARRAYS)()
    db.execute("UPDATE files SET content = ?, sha256 = '' WHERE name = ?", (content, name))
    return f"{name}: {content[:60]!a}"


def _npy(shape: str, dtype: str = "<f4", data: bytes = b"") -> Callable[[], bytes]:
    def content() -> bytes:
        header = f"{{'descr': {dtype!r}, 'fortran_order': False, 'shape': {shape}, }}".encode().ljust(118) + b"\n"
        return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data

    return content


def _npz(**arrays: Any) -> Callable[[], bytes]:
    def content() -> bytes:
        file = io.BytesIO()
        np.savez_compressed(file, **arrays)
        return file.getvalue()

    return content


def _saved(array: Any) -> Callable[[], bytes]:
    def content() -> bytes:
        file = io.BytesIO()
        np.save(file, array, allow_pickle=True)
        return file.getvalue()

    return content


ARRAYS = (
    *(_npy("(1000000000000,)"), _npy("(-1, 2)"), _npy("(2,)", "|O", b"cos\nsystem\n."), _npy("((1,),)")),
    *(_npy("(" * 300), _npy("(3,)", "<U4", b"a" * 48), lambda: b"", lambda: b"PK\x03\x04", lambda: bytes(100)),
    *(_saved(np.array([object()])), _saved(np.zeros((0, 2), np.float32)), _saved(np.full(ROWS, np.nan))),
    *(_saved(np.full((ROWS, 3), 2.0, np.float32)), _saved(np.full((ROWS, 1), 0.5)), _saved(np.zeros(7))),
    _npz(sample=np.zeros((3, 5)), low=np.zeros(5), high=np.zeros(5), y_test=np.full(ROWS, 99.0)),
    _npz(sample=np.full((3, 2), np.inf), low=np.zeros(2), high=np.zeros(2), y_test=np.full(ROWS, np.nan)),
    _npz(sample=np.zeros((0, 2)), low=np.zeros(2), high=np.zeros(2), y_test=np.zeros(ROWS)),
)


def _forge_rows(db: sqlite3.Connection, rng: random.Random) -> str:
    """Remove rows that others refer to, or all rows of a table."""
    table = rng.choice(list(TABLES))
    where = rng.choice(("", " WHERE random() % 2"))
    db.execute(f"DELETE FROM {table}{where}")
    return f"rows of {table} removed"


SCHEMAS = (
    "CREATE VIEW more AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n",
    "CREATE TRIGGER t AFTER UPDATE ON runs BEGIN DELETE FROM samples; END",
    "CREATE TRIGGER t AFTER INSERT ON facts BEGIN UPDATE facts SET value = randomblob(100000000); END",
    "CREATE TABLE notes (text)",
    "CREATE INDEX more ON samples (wall_ns)",
    "CREATE INDEX more ON facts (json(value))",
    "CREATE INDEX more ON runs (id) WHERE length(zeroblob(100000000)) > 0",
    "ALTER TABLE runs ADD COLUMN more TEXT AS (hex(zeroblob(100000000)))",
    "ALTER TABLE facts ADD COLUMN more",
    "ALTER TABLE noise RENAME COLUMN facts TO fact",
    "DROP TABLE qualities",
    "PRAGMA user_version = 1",
    "PRAGMA user_version = 4",
    "PRAGMA user_version = 99",
    "PRAGMA application_id = 7",
)


def _forge_schema(db: sqlite3.Connection, rng: random.Random) -> str:
    statement = rng.choice((*SCHEMAS, _as_view))
    if callable(statement):
        return statement(db, rng)
    with contextlib.suppress(sqlite3.Error):
        db.execute(statement)
    return statement


def _as_view(db: sqlite3.Connection, rng: random.Random) -> str:
    """Put a view without an end in the place of a table."""
    table = rng.choice(list(TABLES))
    columns = ", ".join(f"i AS {column}" for column in TABLES[table])
    with contextlib.suppress(sqlite3.Error):
        db.execute(f"DROP TABLE {table}")
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
        db.execute(f"CREATE VIEW {table} AS {endless} SELECT {columns} FROM n")
    return f"{table} is a view"


FORGERIES: tuple[Callable[[sqlite3.Connection, random.Random], str], ...] = (
    _forge_value,
    _forge_value,
    _forge_json,
    _forge_json,
    _forge_json,
    _forge_file,
    _forge_rows,
    _forge_schema,
)


def flip(content: bytes, rng: random.Random) -> bytes:
    """Return a file with one bit changed."""
    changed = bytearray(content)
    changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)
