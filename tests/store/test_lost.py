"""A run whose store is lost while it goes on says so, and what it measured is in a new file."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import RUN, make_store
from tests.store.conftest import CREATED
from tests.store.test_merge import everything
from twinbench.errors import StoreError
from twinbench.store.records import PlannedPipeline, Sample
from twinbench.store.store import Store


def delete(path: Path) -> None:
    path.unlink()


def delete_with_directory(path: Path) -> None:
    shutil.rmtree(path.parent)


def move(path: Path) -> None:
    path.rename(path.with_name("moved.db"))


def replace(path: Path) -> None:
    make_store(path.with_name("other.db"), run_id="other", processes=1)
    os.replace(path.with_name("other.db"), path)


def truncate(path: Path) -> None:
    os.truncate(path, 0)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    Store.open(path.with_name("other.db")).close()
    path.write_bytes(path.with_name("other.db").read_bytes() + bytes(path.stat().st_size))


def fill_with_noise(path: Path) -> None:
    path.write_bytes(os.urandom(path.stat().st_size))


def delete_journal(path: Path) -> None:
    journal(path).unlink()


def truncate_journal(path: Path) -> None:
    os.truncate(journal(path), 0)


def cut_journal(path: Path) -> None:
    os.truncate(journal(path), journal(path).stat().st_size // 2)


def fill_journal_with_noise(path: Path) -> None:
    journal(path).write_bytes(os.urandom(journal(path).stat().st_size))


def journal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


LOSSES = (
    *(delete, delete_with_directory, move, replace, truncate, cut, overwrite, fill_with_noise),
    *(delete_journal, truncate_journal, cut_journal, fill_journal_with_noise),
)


def measuring(path: Path) -> tuple[Store, int]:
    """A store with an old run and a new run, which is remembered."""
    make_store(path, processes=1)
    store = Store.open(path)
    store._db.read("PRAGMA wal_checkpoint(TRUNCATE)")
    store.new_run("new", created=CREATED, arguments={}, environment={})
    store.remember("new")
    store.add_pipeline("new", PlannedPipeline("p", "small", {"steps": []}, {}))
    cell = store.add_cell("new", "p", "pandas", "small", {"a": "pandas"}, "f")
    store.add_samples(cell, [Sample(0, 0, "a", "steady", 1.0)] * 50)
    store.add_file(cell, "scores.npy", b"1234")
    return store, cell


@pytest.mark.parametrize("lose", LOSSES)
def test_what_a_run_measured_outlives_its_store(tmp_path: Path, lose: Callable[[Path], None]):
    path = tmp_path / "results" / "results.db"
    store, cell = measuring(path)
    lose(path)
    with pytest.raises(StoreError, match="during the run; what run new measured is in ") as raised:  # noqa: PT012
        for block in range(1, 50):
            store.add_samples(cell, [Sample(0, block, "a", "steady", 2.0)] * 50)
        store.finish_run("new", "done")
    with pytest.raises(StoreError) as again:
        store.finish_run("new", "interrupted")
    assert str(again.value) == str(raised.value), "the rows are saved once"
    store.close()
    saved = Path(str(raised.value).rpartition(" ")[2])
    assert (saved.parent, saved.name) == (path.parent, "results-saved-new.db")
    assert saved.stat().st_mode & 0o777 == 0o600
    with Store.open(saved) as kept:
        assert [(run.id, run.status) for run in kept.runs()] == [("new", "interrupted")]
        samples = kept.samples(cell)
        assert len(samples) >= 50
        assert len(samples) % 50 == 0, "a burst is whole"
        assert lose is not delete or len(samples) == 100, "the burst that noticed the loss is there, too"
        assert kept.file(cell, "scores.npy") == b"1234"


def test_a_resumed_run_is_remembered_from_its_beginning(tmp_path: Path):
    path = tmp_path / "results.db"
    make_store(path)
    with Store.open(path) as store:
        before = everything(store, RUN)
        store.remember(RUN)
        path.unlink()
        with pytest.raises(StoreError, match="was deleted or moved"):
            store.add_noise(RUN, CREATED, {})
    with Store.open_to_read(tmp_path / f"results-saved-{RUN}.db") as saved:
        after = everything(saved, RUN)
    assert repr(after[:3]) == repr(before[:3])
    assert repr(after[7:]) == repr(before[7:]), "all but status and noise"


def test_a_store_that_others_write_to_is_not_lost(tmp_path: Path):
    path = tmp_path / "results.db"
    store, cell = measuring(path)
    with Store.open(path) as other:
        other.new_run("third", created=CREATED, arguments={}, environment={})
        other._db.read("PRAGMA wal_checkpoint(TRUNCATE)")
    store.add_samples(cell, [Sample(0, 1, "a", "steady", 1.0)])
    store.finish_run("new", "done")
    store.close()
    with Store.open(path) as kept:
        assert [run.id for run in kept.runs()] == ["third", "new", RUN]


def test_the_command_names_the_new_file(places: dict[str, str], tmp_path: Path):
    path = tmp_path / "results.db"
    words = ("run", "noop", "--stack", "probe-a", "--budget", "60", "--processes", "1", "--no-track", "--store", path)
    run = subprocess.Popen(
        [sys.executable, "-m", "twinbench", *map(str, words)], env=places, stderr=subprocess.PIPE, text=True
    )
    until = time.monotonic() + 60
    while not (path.exists() and steady(path)) and time.monotonic() < until:
        time.sleep(0.1)
    path.unlink()
    try:
        _, err = run.communicate(timeout=60)
    finally:
        run.send_signal(signal.SIGKILL)
    assert run.returncode == 1
    (line,) = [line for line in err.splitlines() if "error:" in line]
    saved = Path(line.rpartition(" ")[2])
    assert "was deleted or moved during the run" in line
    with Store.open_to_read(saved) as store:
        assert steady(saved)
        assert store.find_run().status == "interrupted"


def steady(path: Path) -> bool:
    """Whether the store has a sample of the last step of the protocol."""
    try:
        with Store.open_to_read(path) as store:
            cells = [cell for run in store.runs() for cell in store.cells(run.id)]
            return any(sample.kind == "steady" for cell in cells for sample in store.samples(cell.id))
    except StoreError:  # it is being made
        return False


class InterruptedAfter:
    """A connection whose user presses Ctrl-C while one of its statements is executed, which Python sees afterwards."""

    def __init__(self, connection: sqlite3.Connection, statement: str) -> None:
        self._connection = connection
        self._statement = statement

    def execute(self, statement: str, *values: object) -> sqlite3.Cursor:
        done = self._connection.execute(statement, *values)
        if statement == self._statement:
            raise KeyboardInterrupt
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)


@pytest.mark.parametrize(("statement", "kept"), [("BEGIN IMMEDIATE", False), ("COMMIT", True)])
def test_an_interrupt_while_a_row_is_written_is_no_loss(tmp_path: Path, statement: str, kept: bool):
    make_store(tmp_path / "results.db", processes=1)
    with Store.open(tmp_path / "results.db") as store:
        store.remember(RUN)
        cell = store.cells(RUN)[0].id
        connection = store._db._connection
        store._db._connection = InterruptedAfter(connection, statement)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            store.add_quality(cell, "f1", 0.5)
        store._db._connection = connection
        store.finish_run(RUN, "interrupted")
        assert ("f1" in {quality.metric for quality in store.qualities(cell)}) == kept
