"""The store keeps what it was given, through crashes, full disks and other writers."""

from __future__ import annotations

import math
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.results.make_store import PIPELINE, RUN, SIZE, make_store
from twinbench.errors import BadInput, StoreError
from twinbench.results.summary.run import summarise
from twinbench.store.records import KINDS, PlannedPipeline
from twinbench.store.store import Agreement, Run, Sample, Status, Store

WITHOUT_VARIANTS = """
PRAGMA legacy_alter_table = ON;
ALTER TABLE cells RENAME TO later;
CREATE TABLE cells (id INTEGER PRIMARY KEY, run_id, pipeline, stack, size, steps, fingerprint, status, kind, reason,
    stderr, changed);
INSERT INTO cells SELECT id, run_id, pipeline, stack, size, steps, fingerprint, status, kind, reason, stderr, changed
    FROM later;
DROP TABLE later;
"""

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


def test_paths_that_are_not_unicode_come_out_as_they_went_in(store):
    directory = os.fsdecode(b"/data/caf\xe9")
    store.new_run("r1", created=CREATED, arguments={"directories": [directory]}, environment={})
    store.add_pipeline("r1", PlannedPipeline("p", "small", {"steps": []}, {"source": directory}))
    assert store.find_run("r1").arguments == {"directories": [directory]}
    assert store.pipelines("r1")[0].dataset == {"source": directory}


def test_what_went_in_comes_out(store, cell):
    samples = [
        Sample(0, 0, "", "import", 5.0, detail="pandas"),
        Sample(0, 0, "a", "boundary", 1.5, detail="in"),
        Sample(0, 0, "a", "first_call", 7.25),
        Sample(0, 0, "a", "steady", 3.0, 4, 2.5, 0.5),
        Sample(0, 0, "a", "steady", 2.0, 4, None, 0.5, collector_ns=0.25),
        Sample(1, 3, "a", "steady", 1.0),
    ]
    store.add_samples(cell, samples)
    assert store.samples(cell) == samples
    agreement = Agreement("a", "x", "rounding", 0.5, 1e-9, True, "é")
    store.add_agreement(cell, agreement)
    assert store.agreements(cell) == [agreement]
    store.add_fact(cell, "a", "dtypes", {"x": ["float64", None]})
    assert [fact.value for fact in store.facts(cell)] == [{"x": ["float64", None]}]
    store.add_noise("r1", CREATED, {"load": 1.5})
    assert [noise.facts for noise in store.noise("r1")] == [{"load": 1.5}]


def test_infinite_and_missing_numbers_survive(store, cell):
    store.add_agreement(cell, Agreement("a", "x", "exact", math.inf, math.nan, False))
    (found,) = store.agreements(cell)
    assert found.error == math.inf
    assert math.isnan(found.max_abs)
    store.add_quality(cell, "roc_auc", math.nan)
    assert math.isnan(store.qualities(cell)[0].value)


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
        assert [cell.rank for cell in summarise(store, "r1").pipelines[0].cells] == [1, 2]
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


def test_a_later_word_replaces_an_earlier_one(store, cell):
    for value in (1, 2):
        store.add_fact(cell, "", "threads", value)
        store.add_quality(cell, "auc", value, seed=0)
        store.add_baseline("r1", "p", "small", "dummy", "auc", value)
        store.add_agreement(cell, Agreement("a", "x", "exact", value, 0.0, True))
    assert [fact.value for fact in store.facts(cell)] == [2]
    assert [quality.value for quality in store.qualities(cell)] == [2.0]
    assert [baseline.value for baseline in store.baselines("r1")] == [2.0]
    assert [agreement.error for agreement in store.agreements(cell)] == [2.0]


def test_files_of_a_cell_are_kept_to_the_byte(store, cell):
    assert (store.files(cell), store.file(cell, "b")) == ([], None)
    for name, content in (("b", b"\x00\xff"), ("a/c", b""), ("b", bytes(1000))):
        store.add_file(cell, name, content)
    assert store.files(cell) == ["a/c", "b"]
    assert (store.file(cell, "b"), store.file(cell, "a/c")) == (bytes(1000), b"")


def test_planning_a_cell_again_changes_nothing(store, cell):
    store.set_status(cell, Status.DONE)
    assert store.add_cell("r1", "p", "pandas", "small", {"a": "Polars"}, "other") == cell
    (found,) = store.cells("r1")
    assert (found.status, found.fingerprint, found.steps) == (Status.DONE, "f", {"a": "pandas"})


def test_a_cell_of_a_pipeline_that_was_not_planned_is_refused(store, cell):
    with pytest.raises(StoreError, match="FOREIGN KEY"):
        store.add_cell("r1", "p", "small", "pandas", {}, "f")


MAY_FOLLOW = {(Status.PLANNED, Status.RUNNING), (Status.RUNNING, Status.RUNNING)} | {
    (before, after) for before in (Status.PLANNED, Status.RUNNING) for after in Status if after.ended
}


@pytest.mark.parametrize("after", Status)
@pytest.mark.parametrize("before", Status)
def test_a_cell_goes_on_until_it_has_ended(store, cell, before, after):
    if before is not Status.PLANNED:
        store.set_status(cell, before)
    if (before, after) in MAY_FOLLOW:
        store.set_status(cell, after, reason="because")
        assert (store.cells("r1")[0].status, store.cells("r1")[0].reason) == (after, "because")
    else:
        with pytest.raises(StoreError, match=rf"cell {cell} \(p small pandas\) can't go from {before} to {after}$"):
            store.set_status(cell, after)
        assert store.cells("r1")[0].status is before


def test_a_cell_that_is_not_there_has_no_status(store, cell):
    with pytest.raises(StoreError, match=f"no cell {cell + 1}"):
        store.set_status(cell + 1, Status.DONE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_kept(store, cell, kind):
    store.set_status(cell, Status.FAILED, kind=kind, stderr="\udcff bytes that were no text")
    assert store.cells("r1")[0].kind == kind


def test_a_burst_is_written_once(store, cell):
    burst = [Sample(0, 0, "a", "steady", 1.0), Sample(0, 0, "a", "steady", 1.0)]
    store.add_samples(cell, burst)
    with pytest.raises(StoreError, match="already"):
        store.add_samples(cell, [Sample(0, 1, "a", "steady", 9.0), *burst])
    assert store.samples(cell) == burst, "a refused transaction left something behind"


def test_runs_are_found_by_a_unique_prefix(store):
    for run_id, created in (("ab1", "2026-01-02"), ("ab2", "2026-01-01"), ("ab", "2025-01-01")):
        store.new_run(run_id, created=created, arguments={"a": 1}, environment={"b": [2]})
    assert [run.id for run in store.runs()] == ["ab1", "ab2", "ab"]
    assert store.find_run().id == "ab1"
    assert store.find_run("ab2").id == "ab2"
    assert store.find_run("ab").id == "ab", "a whole id is never ambiguous"
    with pytest.raises(BadInput, match="ab1, ab2"):
        store.find_run("a")
    with pytest.raises(BadInput, match="did you mean 'ab1'"):
        store.find_run("xb1")


def test_a_run_is_resumed_by_one_process_at_a_time(path):
    """The second one sees what the first one wrote, and is stopped by it, even if it had looked before."""
    run_id = make_store(path)

    def take(run: Run) -> dict[str, Any]:
        if run.status == "running":
            raise BadInput("taken")
        return run.arguments | {"harness": 1}

    with Store.open(path) as one, Store.open(path) as other:
        looked = other.find_run(run_id)
        one.resume_run(run_id, take)
        assert looked.status == "done"
        with pytest.raises(BadInput, match="taken"):
            other.resume_run(run_id, lambda run: take(run) | {"harness": 2})
        assert other.find_run(run_id).arguments == looked.arguments | {"harness": 1}
        other.finish_run(run_id, "interrupted")
        other.resume_run(run_id, take)
        assert one.find_run(run_id).status == "running"


def test_a_store_without_runs_says_so(store):
    with pytest.raises(BadInput, match="twinbench run"):
        store.find_run()


def test_reading_a_store_that_is_not_there_makes_none(path):
    with pytest.raises(StoreError, match="twinbench run"):
        Store.open(path, create=False)
    assert not path.exists()


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
        from twinbench.store.store import Sample, Store
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
        from twinbench.store.store import Sample, Store
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
        from twinbench.store.store import PlannedPipeline, Sample, Store
        run = sys.argv[2]
        with Store.open(Path(sys.argv[1])) as store:
            store.new_run(run, created="2026-01-01", arguments={}, environment={})
            store.add_pipeline(run, PlannedPipeline("p", "s", {}, {}))
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


def test_opening_a_store_imports_no_numerics():
    code = """
        import sys, twinbench.store.store
        print([name for name in ("numpy", "pyarrow", "rich") if name in sys.modules])
    """
    assert in_a_process(code).communicate()[0] == "[]\n"


def test_the_example_store_is_believable(path):
    make_store(path)
    with Store.open(path, create=False) as store:
        assert [planned.name for planned in store.pipelines(RUN)] == [PIPELINE]
        assert {cell.size for cell in store.cells(RUN)} == {SIZE}


def sound(path: Path) -> bool:
    with sqlite3.connect(path) as db:
        return bool(db.execute("PRAGMA integrity_check").fetchone() == ("ok",))
