"""Whatever a store holds that somebody else made, each command ends in a line, and nothing else on the disk changes.

``TWINBENCH_HOSTILE`` is the number of stores that are tried.
"""

from __future__ import annotations

import contextlib
import os
import random
import re
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from benchmarks import forgeries, hostile
from benchmarks.figures import damaged_stores
from twinbench.errors import StoreError
from twinbench.store.store import Store

FEW = int(os.environ.get("TWINBENCH_HOSTILE", "10"))

ours = settings(
    max_examples=FEW,
    deadline=None,
    derandomize=FEW < 100,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.generate),  # a seed can't be shrunk
)


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("hostile") / "store.db"
    hostile.make(path)
    return path.read_bytes()


@given(seed=st.integers(0, 2**32))
@ours
def test_each_command_ends_in_a_line_whatever_a_store_holds(content: bytes, seed: int):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as home:
        watched, own = Path(home), Path(home, "a", "b")
        own.mkdir(parents=True)
        path = own / "store.db"
        path.write_bytes(content)
        what = forgeries.forge(path, rng)
        forged, before = path.read_bytes(), hostile.listing(watched, without=own)
        first, *others = hostile.commands(path, own)
        for arguments in (first, rng.choice(others)):
            assert hostile.ended(arguments).problem == "", (arguments[0], what)
        assert hostile.listing(watched, without=own) == before
        assert path.read_bytes() == forged
        assert [file.name for file in own.glob("store.db-*")] == []


@given(seed=st.integers(0, 2**32))
@settings(ours, max_examples=1 + FEW // 20)
def test_a_forged_model_is_handed_over_to_nobody_and_tracked_in_its_own_directory(content: bytes, seed: int):
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory() as home, pytest.MonkeyPatch.context() as patch:
        watched, own = Path(home), Path(home, "a", "b")
        own.mkdir(parents=True)
        for name, value in hostile.variables(own).items():
            patch.setenv(name, value)
        patch.chdir(own)
        path = own / "store.db"
        path.write_bytes(content)
        what = forgeries.forge(path, rng)
        before = hostile.listing(watched, without=own)
        for arguments in hostile.handovers(path, own):
            end = hostile.ended(arguments, seconds=120)
            assert end.problem == "", (arguments[0], what)
            assert arguments[0] == "track" or end.code, "the model's file is nonsense"
        assert hostile.listing(watched, without=own) == before


def test_a_forged_view_without_an_end_is_never_read_by_the_forger(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(forgeries, "SCHEMAS", ())
    monkeypatch.setattr(forgeries, "FORGERIES", (forgeries._forge_schema, forgeries._forge_json))
    monkeypatch.setattr(forgeries, "TABLES", {"facts": forgeries.TABLES["facts"]})
    path = tmp_path / "store.db"
    for seed in range(10):
        path.write_bytes(content)
        forgeries.forge(path, random.Random(seed))
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("SELECT * FROM facts LIMIT 1")


def test_a_changed_bit_is_no_surprise():
    assert damaged_stores.tried(FEW) == (0, 0)


@pytest.mark.parametrize("opening", [Store.open_to_read, Store.open])
def test_a_schema_that_is_not_text_is_a_damaged_store(opening: Any, content: bytes, tmp_path: Path):
    """SQLite quotes the schema in its error, which Python then can't decode."""
    path = tmp_path / "store.db"
    path.write_bytes(content.replace(b"NOT NULL", b"NOT NUL\xce"))
    with pytest.raises(StoreError, match="a text is not UTF-8; the file is damaged"):
        opening(path)


def test_a_store_that_nobody_changed_passes_every_command(content: bytes, tmp_path: Path):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    for arguments in hostile.commands(path, tmp_path):
        end = hostile.ended(arguments)
        assert (end.code, end.problem) == (0, ""), (arguments, end.err)


@pytest.mark.parametrize("statement", forgeries.SCHEMAS)
def test_what_is_not_a_part_of_a_store_is_refused_before_it_is_executed(statement: str, content: bytes, tmp_path: Path):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(statement)
    with pytest.raises(StoreError) as read:
        Store.open_to_read(path)
    with pytest.raises(StoreError) as written:
        Store.open(path)
    assert str(read.value) == str(written.value)
    assert str(path) in str(read.value)


CELLS: tuple[tuple[str, str, Any, str], ...] = (
    ("runs", "id", "../../evil", "is not a name of letters"),
    ("runs", "id", "x" * 300, "300 characters, where 200 are the most"),
    ("runs", "created", "yesterday", "is not a time in ISO 8601"),
    ("runs", "arguments", "{", "is not JSON"),
    ("runs", "arguments", "[" * 100_000, "levels"),
    ("runs", "environment", '{"threads": "many"}', "threads: 'many' instead of a whole number"),
    ("runs", "environment", '{"load": [NaN]}', "NaN instead of a number"),
    ("plans", "pipeline", "..", "is not a name of letters"),
    ("plans", "plan", '{"steps": [{"id": "a"}]}', r"steps\[0\]: no 'op'"),
    ("cells", "stack", "\x1b[2J", "has characters that can't be printed"),
    ("cells", "steps", b"\xff", "instead of text"),
    ("samples", "wall_ns", float("inf"), "wall_ns: inf instead of a number"),
    ("samples", "evals", 0, "evals: 0 instead of a number from 1"),
    ("samples", "process", 2**40, "process: 1099511627776 instead"),
    ("agreements", "level", "perfect", "level: 'perfect' is not one of 'exact'"),
    ("facts", "value", "{}", "facts: cell_id 1, step 'train', key 'curve': value: an object instead of a list"),
    ("files", "name", "/etc/passwd", "is not the name of a file inside of a directory"),
    ("files", "content", "text", "content: 'text' instead of bytes"),
    ("qualities", "value", 1e300, "value: 1e"),
    ("noise", "facts", '{"warnings": "none"}', "warnings: 'none' instead of a list"),
)


@pytest.mark.parametrize(("table", "column", "value", "said"), CELLS)
def test_an_error_names_the_table_the_row_and_the_column(
    table: str, column: str, value: Any, said: str, content: bytes, tmp_path: Path
):
    path = tmp_path / "store.db"
    path.write_bytes(content)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        limit = "" if table in ("runs", "facts") else f" WHERE {column} = (SELECT max({column}) FROM {table})"
        db.execute(f"UPDATE OR REPLACE {table} SET {column} = ?{limit}", (value,))
    with Store.open(tmp_path / "target.db") as target:
        end = hostile.ended(["merge", str(path), "--store", str(target.path)])
        assert target.runs() == [], "nothing is merged"
    assert (end.code, end.problem) == (1, "")
    assert f"{path}: {table}: " in end.err
    assert re.search(said, end.err), end.err
