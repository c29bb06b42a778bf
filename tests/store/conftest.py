"""A store, and a cell in it."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from twinbench.store.records import PlannedPipeline
from twinbench.store.store import Store

CREATED = "2026-01-01T00:00:00+00:00"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with Store.open(path) as opened:
        yield opened


@pytest.fixture
def cell(store: Store) -> int:
    store.new_run("r1", created=CREATED, arguments={}, environment={})
    store.add_pipeline("r1", PlannedPipeline("p", "small", {"steps": []}, {}))
    return store.add_cell("r1", "p", "pandas", "small", {"a": "pandas"}, "f")


def in_a_process(code: str, *arguments: object) -> subprocess.Popen[str]:
    """Python code beside this process, with ``arguments`` in ``sys.argv``."""
    command = [sys.executable, "-c", textwrap.dedent(code), *map(str, arguments)]
    return subprocess.Popen(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def sound(path: Path) -> bool:
    with sqlite3.connect(path) as db:
        return bool(db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
