"""The times of own functions: a run like every other, of what agreed, without anything of handing over."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pair.ports_of import needs_julia
from tests.pair.requests import request
from tests.printed import check
from twinbench.pair import command, timing
from twinbench.pair.callee import wire
from twinbench.pair.callee.measure import Fresh, Measurer, bound
from twinbench.pair.callee.values import Named
from twinbench.results.summary.run import PipelineSummary, summarise
from twinbench.run.watch import Watch
from twinbench.store.records import Cell, Status
from twinbench.store.store import Store

OWN = """
import helper

calls = 0


def sums(x):
    return helper.total(x)


def slow_sums(x):
    total = 0.0
    for value in x.tolist() * 20:
        total += value
    return total / 20


def add(x, y=1.0):
    x += y


def wears_out(x):
    global calls
    calls += 1
    return float(x.sum()) if calls < 400 else 0.0


def breaks(x):
    global calls
    calls += 1
    if calls > 400:
        raise RuntimeError("worn out")
    return float(x.sum())


def same(x):
    return x


def root(x):
    if x < 0:
        raise ValueError("negative")
    return x ** 0.5
"""

JULIA = """
include("helper.jl")
sums(x) = total(x)
function add!(x, y = 1.0)
    x .+= y
    return nothing
end
square(x) = x * x
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    Path("helper.py").write_text("def total(x):\n    return float(x.sum())\n")
    Path("own.jl").write_text(JULIA)
    Path("helper.jl").write_text("total(x) = sum(x)\n")
    np.save("x.npy", np.arange(500.0))
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def timed(store: Store, *functions: str, processes: int = 1, **options: Any) -> tuple[PipelineSummary, list[Cell]]:
    """Compare functions, time them shortly, and return what every view shows, and the cells."""
    asked = replace(request(list(functions), generate=0, **options), times=True)
    verdict = command.run(asked)
    assert verdict.ok, verdict.findings
    how = timing.usual_options(10.0, budget_s=0.05, processes=processes)
    with command.judging(asked) as judge:
        run_id = timing.run(verdict, judge, how, store, Watch())
    assert run_id is not None
    (pipeline,) = summarise(store, run_id).pipelines
    return pipeline, store.cells(run_id)


def test_the_faster_of_two_functions_has_rank_1_and_all_figures(store: Store):
    pipeline, cells = timed(store, "own.py:slow_sums", "own.py:sums", inputs=["x.npy"], processes=4)
    first, second = pipeline.cells
    assert [(cell.stack, cell.rank, cell.processes) for cell in pipeline.cells] == [
        ("own.py:sums", 1, 4),
        ("own.py:slow_sums", 2, 4),
    ]
    assert second.total.estimate > 5 * first.total.estimate
    assert first.peak_rss_bytes > 1e7
    for cell in pipeline.cells:
        (step,) = cell.steps
        assert (step.step, step.op, step.agrees) == ("the given input", "call", True)
        assert 0 < step.boundary_in_s < 0.1
        assert 0 < step.boundary_out_s < 0.1
        assert cell.cold_start_s > cell.first_call_s > 0
    assert {cell.status for cell in cells} == {Status.DONE}


def test_bursts_of_all_functions_lie_in_the_same_blocks(store: Store):
    _, cells = timed(store, "own.py:slow_sums", "own.py:sums", inputs=["x.npy"], processes=2)
    blocks = [{(s.process, s.block) for s in store.samples(c.id) if s.kind == "steady"} for c in cells]
    assert blocks[0] == blocks[1]
    assert {process for process, _ in blocks[0]} == {0, 1}


def test_labelled_inputs_are_steps_of_their_own_and_one_that_raises_is_left_out(store: Store):
    Path("cases.py").write_text(
        "def cases():\n    return [('two', (4.0,)), ('two', (9.0,)), ('none', (-1.0,)), ('x\\ny', (2.0,))]\n"
    )
    pipeline, _ = timed(store, "own.py:root", "B=own.py:root", cases="cases.py:cases")
    assert [step for step, _ in pipeline.steps] == ["two", "two (2)", "x y"]
    assert pipeline.independent
    assert all(step.steady for cell in pipeline.cells for step in cell.steps)


def test_the_growth_over_inputs_that_are_labelled_by_their_sizes_is_fitted(store: Store):
    Path("cases.py").write_text(
        "import numpy as np\ndef cases():\n"
        "    return [(f'n={n}', (np.arange(n) * 1.0,)) for n in (10_000, 90_000, 810_000)]\n"
    )
    timed(store, "own.py:sums", "B=own.py:sums", cases="cases.py:cases")
    growth = summarise(store, store.runs()[0].id).growth
    assert [(each.stack, each.step) for each in growth] == [("own.py:sums", ""), ("B", "")]
    assert all(each.sizes == ("n=10000", "n=90000", "n=810000") for each in growth)
    assert all(0.5 < each.exponent < 1.5 for each in growth)


@pytest.mark.parametrize(
    ("labels", "found"),
    [
        (["n=10", "n=1_000", "n = 1e6"], {"unit": "n", "amounts": {"n=10": 10.0, "n=1_000": 1e3, "n = 1e6": 1e6}}),
        (["10", "1.5e3"], {"unit": "size", "amounts": {"10": 10.0, "1.5e3": 1500.0}}),
        (["10", "a step"], {}),
        (["n=10", "m=20"], {}),
        (["n=10", "n=10.0"], {}),
        (["n=0", "n=10"], {}),
        (["1", "2e999"], {}),
        (["1", "9" * 400], {}),
        (["-1", "2"], {}),
        (["the given input"], {}),
    ],
)
def test_labels_are_sizes_if_all_are(labels: list[str], found: dict[str, Any]):
    assert timing.amounts(labels) == found


@pytest.mark.parametrize(
    ("candidate", "status", "reason"),
    [
        ("own.py:wears_out", Status.DISAGREES, "the given input: result: 124750.0 and 0.0"),
        ("own.py:breaks", Status.FAILED, "RuntimeError: worn out (own.py"),
    ],
)
def test_a_function_that_goes_wrong_while_it_is_timed_has_no_rank(store: Store, candidate, status, reason):
    pipeline, cells = timed(store, "own.py:sums", candidate, inputs=["x.npy"], processes=4)
    assert (cells[1].status, cells[1].reason[: len(reason)]) == (status, reason)
    assert cells[0].status is Status.DONE
    assert next(cell for cell in pipeline.cells if cell.stack == candidate).rank is None


def test_each_call_gets_a_fresh_copy_that_no_clock_sees_made(store: Store):
    made = []

    class Slow(list):
        def __deepcopy__(self, memo):
            made.append(1)
            return Slow(self)

    def grow(x):
        x.append(len(x))
        return len(x)

    call = Fresh(grow, [Slow([1, 2])], {}, size=8)
    ready = call.prepare(3)
    assert len(made) == 3
    assert [ready() for _ in range(3)] == [3, 3, 3]
    assert len(made) == 3
    assert Fresh(grow, [[]], {}, size=1 << 30).most_evals == 1
    pipeline, cells = timed(store, "own.py:add", "B=own.py:add", inputs=["x.npy", "y=2.0"], mutates=True)
    assert {cell.status for cell in cells} == {Status.DONE}
    assert pipeline.cells[0].agreement_error == 0


def test_a_change_of_arguments_is_compared_too_when_it_is_timed(store: Store):
    Path("own.py").write_text(
        OWN + "\n\ndef tires(x, y=1.0):\n    global calls\n    calls += 1\n    x += y if calls < 300 else 0\n"
    )
    _, cells = timed(store, "own.py:add", "own.py:tires", inputs=["x.npy"], mutates=True)
    assert cells[1].status is Status.DISAGREES
    assert "changes none; the reference changes `x`" in cells[1].reason


@pytest.mark.parametrize("named", [{}, {"y": 2, "z": 3}])
def test_a_bound_call_passes_each_argument_on(named):
    assert bound(lambda *p, **n: (p, n), [1], named)() == ((1,), named)


def test_handing_over_is_not_in_the_timed_region():
    handed = []

    def bind(data):
        handed.append(1)
        return list(wire.decode(data)["positional"]), {}

    measurer = Measurer(lambda x: x, bind, lambda count: ["x"] * count)
    arguments = wire.encode({"positional": (1.5,), "named": Named({})})
    measurer.answer("hand_over", step="a", arguments=arguments, fresh=False)
    before = len(handed)
    for asked in ({"request": "first"}, {"request": "warm_up", "limit_ns": 1}):
        assert "raised" not in measurer.answer(asked.pop("request"), step="a", **asked)
    assert measurer.answer("burst", step="a", min_samples=3, limit_ns=1)["timings"][3][0] > 1000
    assert len(handed) == before


def test_the_fingerprint_follows_the_file_and_what_it_imports_from_its_directory(store: Store):
    functions = ["own.py:sums", "own.py:same"]

    def fingerprints() -> list[str]:
        asked = request(functions, inputs=["x.npy"], generate=0)
        with command.Session(asked.targets(), 10.0) as session:
            return [code.fingerprint for code in command.codes(session.load()).values()]

    first = fingerprints()
    assert fingerprints() == first
    assert first[0] != first[1]
    Path("unused.py").write_text("x = 1\n")
    assert fingerprints() == first
    Path("helper.py").write_text("def total(x):\n    return float(x.sum() + 0)\n")
    assert not set(fingerprints()) & set(first)


@pytest.mark.parametrize(
    ("functions", "name"),
    [
        (("smooth.py:smooth", "smooth.jl:Own.smooth"), "smooth"),
        (("a.py:f", "b.jl:g!"), "f-g"),
        (("a.py:größe", "b.jl:f"), "gr-e-f"),
        (("a.py:ö", "b.jl:ä"), "pair"),
    ],
)
def test_a_run_is_named_for_its_functions(functions, name):
    targets = [command.target.split(text) for text in functions]
    assert timing.pipeline_name([type("F", (), {"target": each})() for each in targets]) == name


def test_the_command_times_what_agrees_and_judges_it_by_the_last_run(twinbench, store: Store, tmp_path: Path):
    pair = ["pair", "own.py:slow_sums", "own.py:sums", "--input", "x.npy", "--generate", "0", "--budget", "0.05"]
    pair += ["--store", "r.db"]
    none = twinbench(*pair, "--fail-on-regression", "50%", cwd=tmp_path)
    assert (none.returncode, "has no finished run of own.py:slow_sums and own.py:sums" in none.stderr) == (2, True)
    done = twinbench(*pair, "--json", cwd=tmp_path)
    check("pair", done.stdout)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run"]["pipelines"][0]["cells"][0]["rank"] == 1
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == ["results:"]
    Path("helper.py").write_text("def total(x):\n    return sum(x) + 1\n")
    wrong = twinbench(*pair, cwd=tmp_path)
    assert (wrong.returncode, wrong.stderr.count("results: run ")) == (1, 1)
    refused = twinbench(*pair, "--fail-on-regression", "much", cwd=tmp_path)
    assert (refused.returncode, "much" in refused.stderr) == (2, True)
    Path("helper.py").write_text("def total(x):\n    return sum(list(x) * 30) / 30\n")
    refused = twinbench(*pair, "--fail-on-regression", "50%", "--base", "nothing", cwd=tmp_path)
    assert (refused.returncode, refused.stderr.count("\n"), "nothing" in refused.stderr) == (2, 1, True)
    slower = twinbench(*pair, "--fail-on-regression", "50%", "--json", cwd=tmp_path)
    check("pair", slower.stdout)
    gate = json.loads(slower.stdout)["comparison"]["gate"]
    assert (slower.returncode, [change["b"] for change in gate["regressions"]]) == (4, ["own.py:sums"])
    shown = twinbench("show", "--store", "r.db", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["pipelines"][0]["modality"] == "pair"
    report = twinbench("report", "--store", "r.db", "--output", "report.html", cwd=tmp_path)
    assert report.returncode == 0, report.stderr
    assert "twinbench pair own.py:slow_sums own.py:sums --input x.npy" in Path("report.html").read_text()


@needs_julia
def test_functions_of_julia_are_timed_in_julia(store: Store):
    pipeline, cells = timed(store, "own.py:sums", "own.jl:sums", inputs=["x.npy"])
    assert {cell.status for cell in cells} == {Status.DONE}
    (step,) = next(cell for cell in pipeline.cells if cell.stack == "own.jl:sums").steps
    assert 1e-8 < step.steady.estimate < 1e-4
    assert step.allocated_bytes < 100
    files = next(fact.value for fact in store.facts(cells[1].id) if fact.key == "files")
    assert set(files) == {"own.jl", "helper.jl"}
    _, cells = timed(store, "own.py:add", "own.jl:add!", inputs=["x.npy", "y=2.0"], mutates=True)
    assert {cell.status for cell in cells} == {Status.DONE}


@needs_julia
def test_a_pure_function_of_a_number_is_computed_each_time(store: Store):
    Path("own.py").write_text("def sines(n):\n    import math\n    return sum(math.sin(i) for i in range(1, n + 1))\n")
    Path("own.jl").write_text("sines(n) = sum(sin(i) for i in 1:n)\n")
    pipeline, _ = timed(store, "own.py:sines", "own.jl:sines", inputs=["n=1000"])
    times = {cell.stack: cell.steps[0].steady.estimate for cell in pipeline.cells}
    assert times["own.jl:sines"] > times["own.py:sines"] / 100  # 1000 sines, and not one look at the result
