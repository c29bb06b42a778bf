"""Reading a store makes, changes and removes no file, whatever state the store is in; what is made is private."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import tempfile
from contextlib import closing
from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store
from tests.store.conftest import CREATED, in_a_process
from twinbench.errors import StoreError
from twinbench.store import connecting, structure
from twinbench.store.columns import TABLES
from twinbench.store.store import Store

SHOW = """
    import contextlib, os, sys; from twinbench.cli.main import main
    def show(path):
        sys.argv = ["twinbench", "show", "--json", "--store", path]
        main()
    path, readable = sys.argv[1:]
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(open(os.devnull, "w")):
        show(readable)  # imports what another user may not read
    if os.geteuid() == 0:  # whom permissions don't stop
        os.setgroups([]); os.setgid(65534); os.setuid(65534)
    show(path)
"""


def state(directory: Path) -> dict[str, tuple[int, int, bytes]]:
    return {
        path.name: (path.stat().st_mtime_ns, path.stat().st_mode, path.read_bytes())
        for path in sorted(directory.iterdir())
        if not path.name.endswith("-shm")  # SQLite's table of locks, which readers of a live store share
    } | {path.name: (0, 0, b"") for path in directory.iterdir() if path.name.endswith("-shm")}


def as_left_by_a_killed_run(path: Path) -> None:
    """A store whose last run is in the journal only: its process was killed."""
    make_store(path, run_id="earlier", processes=1)
    code = """
        import os, signal, sys; from pathlib import Path
        from tests.results.make_store import make_store
        from twinbench.store.store import Store
        other = Store.open(Path(sys.argv[1]))  # so that the end of the writer doesn't empty the journal
        make_store(Path(sys.argv[1]), processes=1)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    assert in_a_process(code, path).wait() == -signal.SIGKILL
    assert connecting.has_journal(path)


def without_shared_memory(path: Path) -> None:
    as_left_by_a_killed_run(path)
    Path(f"{path}-shm").unlink()


def with_rollback_journal(path: Path) -> None:
    make_store(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = DELETE")


def of_an_earlier_version(path: Path) -> None:
    make_store(path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE files DROP COLUMN sha256")
        db.execute("PRAGMA user_version = 5")


STATES = (make_store, as_left_by_a_killed_run, without_shared_memory, with_rollback_journal, of_an_earlier_version)


@pytest.mark.parametrize("prepare", STATES)
def test_showing_a_store_leaves_its_directory_as_it_is(prepare, tmp_path: Path):
    path = tmp_path / "home" / "results.db"
    prepare(path)
    before = state(path.parent)
    with Store.open_to_read(path) as store:
        assert store.find_run().id == RUN
        assert store.samples(store.cells(RUN)[0].id)
        assert state(path.parent).keys() == before.keys(), "while it is open"
    assert state(path.parent) == before


@pytest.mark.parametrize("prepare", STATES)
def test_a_read_only_store_in_a_read_only_directory_is_shown(prepare, tmp_path: Path):
    make_store(tmp_path / "readable.db")
    with tempfile.TemporaryDirectory() as directory:  # pytest's own is closed to other users
        home = Path(directory) / "home"
        prepare(home / "results.db")
        for file in home.iterdir():
            file.chmod(0o444)
        home.chmod(0o555)
        Path(directory).chmod(0o755)
        before = state(home)
        shown = in_a_process(SHOW, home / "results.db", tmp_path / "readable.db")
        out, err = shown.communicate()
        home.chmod(0o755)
        assert (shown.returncode, err) == (0, ""), err
        assert f'"run_id": "{RUN}"' in out
        assert state(home) | dict.fromkeys(before, ()) == dict.fromkeys(before, ())


def test_a_reader_sees_a_run_that_is_being_written_and_is_told_of_a_change(path: Path):
    make_store(path)
    with Store.open_to_read(path) as reader:
        with Store.open(path) as writer:
            writer.new_run("second", created=CREATED, arguments={}, environment={})
            assert reader.find_run().id == RUN
            with Store.open_to_read(path) as another:
                assert another.find_run().id == "second"
        with pytest.raises(StoreError, match="changed while it was read; run the command again"):
            reader.runs()


def test_a_reader_writes_nothing(path: Path):
    make_store(path)
    with Store.open_to_read(path) as reader, pytest.raises(StoreError, match="readonly"):
        reader.finish_run(RUN, "interrupted")


def test_what_is_made_is_closed_to_other_users(tmp_path: Path):
    before = os.umask(0o022)
    try:
        make_store(tmp_path / "a" / "b" / "results.db")
        with Store.open(tmp_path / "a" / "b" / "results.db") as store:
            store.finish_run(RUN, "done")
            modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "a").rglob("*")}
        assert modes == {"b": 0o700, "results.db": 0o600, "results.db-wal": 0o600, "results.db-shm": 0o600}
        os.umask(0o277)
        Store.open_to_read(tmp_path / "a" / "b" / "results.db").close()
        connecting.to_write(tmp_path / "a" / "b" / "new.db", create=True).close()
        assert (tmp_path / "a" / "b" / "new.db").stat().st_mode & 0o777 == 0o400, "a stricter mode is kept"
    finally:
        os.umask(before)


@pytest.mark.parametrize("read", [True, False])
def test_a_named_pipe_is_not_waited_for(path: Path, read: bool):
    os.mkfifo(path)
    with pytest.raises(StoreError, match="not a regular file"):
        (Store.open_to_read if read else Store.open)(path)


def test_the_tables_of_columns_are_those_of_the_schema():
    with closing(sqlite3.connect(":memory:")) as db:
        for statement in structure.statements():
            db.execute(statement)
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        assert {table: [row[1] for row in db.execute(f"PRAGMA table_info({table})")] for table in tables} == {
            table: list(columns) for table, columns in TABLES.items()
        }


def test_the_limit_of_a_query_is_far_above_what_a_store_needs(path: Path, monkeypatch: pytest.MonkeyPatch):
    make_store(path)
    monkeypatch.setattr(connecting, "STEPS", 0)
    monkeypatch.setattr(connecting, "STEPS_PER_BYTE", 10)  # a tenth of what is allowed
    copied = shutil.copy(path, path.with_name("copied.db"))
    with Store.open_to_read(Path(copied)) as store:
        assert sum(len(store.samples(cell.id)) for cell in store.cells(RUN)) > 1000
