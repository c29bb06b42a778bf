"""A store of an older version is brought up to date; files that are not stores of this version are left alone."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from tests.store.conftest import CREATED, sound
from twinbench.errors import StoreError
from twinbench.results.summary.run import summarise
from twinbench.store.records import Agreement, PlannedPipeline, Sample
from twinbench.store.store import Store

WITHOUT_VARIANTS = """
PRAGMA legacy_alter_table = ON;
ALTER TABLE cells RENAME TO later;
CREATE TABLE cells (id INTEGER PRIMARY KEY, run_id, pipeline, stack, size, steps, fingerprint, status, kind, reason,
    stderr, changed);
INSERT INTO cells SELECT id, run_id, pipeline, stack, size, steps, fingerprint, status, kind, reason, stderr, changed
    FROM later;
DROP TABLE later;
"""


def test_a_store_of_an_older_version_is_brought_up_to_date(tmp_path):
    path = tmp_path / "old.db"
    with Store.open(path) as store:
        store.new_run("r1", created=CREATED, arguments={}, environment={})
        store.add_pipeline("r1", PlannedPipeline("p", "small", {}, {}))
        cell = store.add_cell("r1", "p", "pandas", "small", {}, "f")
        store.add_agreement(cell, Agreement("a", "x", "rounding", 0.5, 1e-9, True))
        store.add_samples(cell, [Sample(0, 0, "a", "steady", 3.0, 4, 2.5, 0.5)])
    with sqlite3.connect(path) as old:
        old.executescript(WITHOUT_VARIANTS)
        old.execute("ALTER TABLE agreements DROP COLUMN psnr_db")
        old.execute("ALTER TABLE agreements DROP COLUMN declared")
        old.execute("ALTER TABLE samples DROP COLUMN collector_ns")
        old.execute("DROP TABLE files")
        old.execute("PRAGMA user_version = 1")
    old.close()
    with Store.open(path) as store:
        assert store.agreements(cell) == [Agreement("a", "x", "rounding", 0.5, 1e-9, True)]
        assert store.samples(cell) == [Sample(0, 0, "a", "steady", 3.0, 4, 2.5, 0.5)]
        store.add_agreement(cell, Agreement("a", "y", "different", 3.0, 3.0, False, "", 40.0, "it rounds twice"))
        assert store.agreements(cell)[1].declared == "it rounds twice"
        store.add_file(cell, "model", b"abc")
        assert store.file(cell, "model") == b"abc"


def test_a_store_without_variants_is_read_and_written_on(tmp_path):
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as old:
        old.executescript(Path(__file__).with_name("version3.sql").read_text())
    old.close()
    with Store.open(path) as store:
        first, second = store.cells("r1")
        assert [(cell.stack, cell.variant, cell.label, cell.status) for cell in (first, second)] == [
            ("probe-a", "", "probe-a", "done"),
            ("probe-b", "", "probe-b", "done"),
        ]
        assert [len(store.samples(cell.id)) for cell in (first, second)] == [10, 10]
        assert store.agreements(first.id)[0].output == "value"
        assert store.file(second.id, "scores.npy") == b"\x00\x01"
        assert [cell.rank for cell in summarise(store, "r1").pipelines[0].cells] == [None, None]
        assert store.add_cell("r1", "p", "probe-a", "small", {"a": "probe-a"}, "f") == first.id
        third = store.add_cell("r1", "p", "probe-a", "small", {"a": "probe-a"}, "f", "2 threads")
        assert third not in (first.id, second.id)
        store.add_samples(third, [Sample(0, 0, "a", "steady", 1.0)])
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            store.add_cell("r1", "other", "probe-a", "small", {}, "f")
        with pytest.raises(StoreError, match="FOREIGN KEY"):
            store.add_samples(third + 1, [Sample(0, 0, "a", "steady", 1.0)])
        assert store._db.read("PRAGMA foreign_key_check") == []
    assert schema_of(path) == schema_of(empty(tmp_path / "new.db")), "as if it had been made today"
    assert sound(path)


def empty(path: Path) -> Path:
    Store.open(path).close()
    return path


def schema_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """By table its columns, unique keys and references."""
    with sqlite3.connect(path) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {
            table: [
                row[:2] + row[2:]
                for pragma in ("table_info", "foreign_key_list", "index_list")
                for row in db.execute(f"PRAGMA {pragma}({table})")
            ]
            for table in tables
        }


def test_a_file_of_another_kind_is_left_alone(path):
    path.write_text("these are my notes, " * 100)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a database") as raised:
        Store.open(path)
    assert "\n" not in str(raised.value)
    assert path.read_bytes() == before


def test_a_database_of_somebody_else_is_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE notes (text)")
    before = path.read_bytes()
    with pytest.raises(StoreError, match="not a twinbench store"):
        Store.open(path)
    assert path.read_bytes() == before


def test_a_store_of_another_version_is_refused(store, path):
    store.close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="version 99"):
        Store.open(path)
