"""A store keeps what was written through crashes, full disks, and other writers."""

from __future__ import annotations

import signal
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import RUN, make_store
from tests.store.conftest import in_a_process, sound
from twinbench.errors import BadInput, StoreError
from twinbench.store.records import Run, Sample
from twinbench.store.store import Store

HARNESS = {"pid": 1, "started": 1.0}


def test_a_burst_is_written_once(store, cell):
    burst = [Sample(0, 0, "a", "steady", 1.0), Sample(0, 0, "a", "steady", 1.0)]
    store.add_samples(cell, burst)
    with pytest.raises(StoreError, match="already"):
        store.add_samples(cell, [Sample(0, 1, "a", "steady", 9.0), *burst])
    assert store.samples(cell) == burst, "a refused transaction left something behind"


def test_a_run_is_resumed_by_one_process_at_a_time(path):
    """The second one sees what the first one wrote, and is stopped by it, even if it had looked before."""
    run_id = make_store(path)

    def take(run: Run) -> dict[str, Any]:
        if run.status == "running":
            raise BadInput("taken")
        return run.arguments | {"harness": HARNESS}

    with Store.open(path) as one, Store.open(path) as other:
        looked = other.find_run(run_id)
        one.resume_run(run_id, take)
        assert looked.status == "done"
        with pytest.raises(BadInput, match="taken"):
            other.resume_run(run_id, lambda run: take(run) | {"harness": {"pid": 2, "started": 1.0}})
        assert other.find_run(run_id).arguments == looked.arguments | {"harness": HARNESS}
        other.finish_run(run_id, "interrupted")
        other.resume_run(run_id, take)
        assert one.find_run(run_id).status == "running"


def test_a_place_that_can_not_be_written_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError) as raised:
        Store.open(tmp_path / "file" / "results.db")
    assert "\n" not in str(raised.value)
    with pytest.raises(StoreError, match="TWINBENCH_DATA_DIR"):
        Store.open(Path("/proc/results.db"))


def test_a_read_only_store_is_refused_and_unharmed():
    with tempfile.TemporaryDirectory() as directory:  # pytest's own is closed to other users
        path = Path(directory) / "results.db"
        make_store(path)
        path.chmod(0o444)
        Path(directory).chmod(0o555)
        code = """
            import os, sys; from pathlib import Path
            from twinbench.errors import StoreError
            from twinbench.store.store import Store
            if os.geteuid() == 0:  # whom permissions don't stop
                os.setuid(65534)
            try:
                with Store.open(Path(sys.argv[1])) as store:
                    store.finish_run(store.find_run().id, "interrupted")
            except StoreError as error:
                print(error)
        """
        said, trouble = in_a_process(code, path).communicate()
        Path(directory).chmod(0o755)
        assert str(path) in said, trouble
        assert said.count("\n") == 1
        with Store.open(path) as store:
            assert store.find_run().status == "done"


def test_a_full_disk_loses_only_the_burst_in_flight(path):
    make_store(path)
    code = """
        import resource, signal, sys; from pathlib import Path
        from twinbench.errors import StoreError
        from twinbench.store.records import Sample
        from twinbench.store.store import Store
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        with Store.open(Path(sys.argv[1])) as store:
            cell = store.cells(store.find_run().id)[0].id
            for block in range(100, 10_000):
                try:
                    store.add_samples(cell, [Sample(9, block, "mlp", "steady", 1.0)] * 50)
                except StoreError as error:
                    print(block - 100, error)
                    break
    """
    said, trouble = in_a_process(code, path).communicate()
    assert said.count("\n") == 1, trouble
    written = int(said.split()[0])
    assert written > 0
    with Store.open(path) as store:
        assert sound(path)
        samples = [s for s in store.samples(store.cells(RUN)[0].id) if s.process == 9]
        assert len(samples) == written * 50


def test_a_full_database_is_told_from_other_troubles(store, cell, path):
    store._db._connection.execute(f"PRAGMA max_page_count = {path.stat().st_size // 4096 + 30}")
    write = (store.add_samples(cell, [Sample(0, block, "a", "steady", 1.0)] * 100) for block in range(1000))
    with pytest.raises(StoreError, match="free some space"):
        list(write)
    assert sound(path)
    assert len(store.samples(cell)) % 100 == 0


def test_a_killed_writer_leaves_whole_bursts(path):
    make_store(path)
    code = """
        import sys; from pathlib import Path
        from twinbench.store.records import Sample
        from twinbench.store.store import Store
        store = Store.open(Path(sys.argv[1]))
        cell = store.cells(store.find_run().id)[0].id
        for block in range(100_000):
            store.add_samples(cell, [Sample(9, block, "mlp", "steady", 1.0)] * 20)
            print(block, flush=True)
    """
    writer = in_a_process(code, path)
    assert writer.stdout is not None
    for line in writer.stdout:
        if line == "25\n":
            writer.send_signal(signal.SIGKILL)
            break
    last = max([25, *map(int, writer.stdout.read().split())])
    writer.communicate()
    with Store.open(path) as store:
        assert sound(path)
        samples = [s for s in store.samples(store.cells(RUN)[0].id) if s.process == 9]
        assert len(samples) % 20 == 0
        assert len(samples) >= 20 * (last + 1), "what was reported as written is gone"


def test_many_runs_may_begin_and_write_at_once(path):
    code = """
        import sys; from pathlib import Path
        from twinbench.store.records import PlannedPipeline, Sample
        from twinbench.store.store import Store
        run = sys.argv[2]
        with Store.open(Path(sys.argv[1])) as store:
            store.new_run(run, created="2026-01-01", arguments={}, environment={})
            store.add_pipeline(run, PlannedPipeline("p", "s", {"steps": []}, {}))
            cell = store.add_cell(run, "p", "pandas", "s", {}, "f")
            for block in range(40):
                store.add_samples(cell, [Sample(0, block, "a", "steady", 1.0)] * 5)
    """
    writers = [in_a_process(code, path, f"run{number}") for number in range(6)]
    for writer in writers:
        _, trouble = writer.communicate()
        assert writer.returncode == 0, trouble
    with Store.open(path) as store:
        assert len(store.runs()) == 6
        for run in store.runs():
            assert len(store.samples(store.cells(run.id)[0].id)) == 200


def test_opening_waits_for_another_one_that_makes_the_store(path):
    code = """
        import sqlite3, sys, time
        db = sqlite3.connect(sys.argv[1], isolation_level=None)
        db.execute("BEGIN")
        db.execute("SELECT * FROM sqlite_master").fetchall()
        print("reading", flush=True)
        time.sleep(0.5)
    """
    other = in_a_process(code, path)
    assert other.stdout is not None
    assert other.stdout.readline() == "reading\n"
    Store.open(path).close()
    other.communicate()


def test_a_transaction_is_synced(store):
    assert store._db._pragma("synchronous") == 2
    assert store._db.read("PRAGMA journal_mode") == [("wal",)]
