"""What the workers are asked in the course of a run, process by process: cells that answer in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from twinbench.run import contender, request, runner
from twinbench.run.options import COLLECTOR_NS, LATER_WARM_UP_NS, WARM_UP_NS, Options, later_warm_up
from twinbench.run.watch import Watch
from twinbench.store.store import Store
from twinbench.worker import measure
from twinbench.worker.cell import ANSWERS, Cell
from twinbench.worker.job import Job
from twinbench.worker.protocol import WarmUp

PROCESSES, STACKS, STEPS = 2, 2, 2

PIPELINE = """
[pipeline]
name = "sequence"
modality = "probe"
stacks = ["probe-a", "probe-b"]

[goal]
question = "In which order?"

[sizes]
default = {}

[[step]]
id = "short"
op = "probe.work"
loops = 100

[[step]]
id = "long"
op = "probe.work"
loops = 10_000
"""

Asked = tuple[int, str, dict[str, Any]]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> list[Asked]:
    """The requests of a run in their order, each with the ordinal of its worker."""
    directory = tmp_path_factory.mktemp("sequence")
    requests: list[Asked] = []
    workers: list[Any] = []

    class InThisProcess:
        def __init__(self, jobs: Mapping[str | None, Job], *_: Any) -> None:
            self.cell = Cell(jobs[None])
            self.ordinal = len(workers)
            workers.append(self)

        def ask(self, wanted: Any, timeout_s: float, **arguments: Any) -> Any:
            requests.append((self.ordinal, wanted.name, arguments))
            answer = ANSWERS[wanted.name](self.cell, **arguments)
            return wanted.reply.of(json.loads(json.dumps(answer.as_json())))

        def pause(self) -> None: ...

        resume = kill = pause

    (directory / "sequence.toml").write_text(PIPELINE)
    wanted = request.Request(pipelines=("sequence",), directories=(directory,))
    options = Options(budget_s=0.1, processes=PROCESSES)
    with pytest.MonkeyPatch.context() as patch, Store.open(directory / "results.db") as store:
        patch.setenv("TWINBENCH_CACHE_DIR", str(directory / "cache"))
        patch.setattr(contender, "Team", InThisProcess)
        patch.setattr(measure, "FIRST_LOOK", 16)
        run_id = request.new_run(store, wanted, options)
        runner.run(request.parts(wanted), options, store, run_id, Watch())
        assert {cell.status for cell in store.cells(run_id)} == {"done"}
    return requests


def workers_of(asked: list[Asked], name: str) -> list[int]:
    return [worker for worker, what, _ in asked if what == name]


def test_all_stacks_have_started_before_one_is_warmed_up_and_all_are_warm_before_one_is_measured(asked):
    for process in range(PROCESSES):
        own = [what for worker, what, _ in asked if worker // STACKS == process]
        stages = [("load", "first"), ("warm_up", "warm_again"), ("burst",), ("memory",)]
        order = [next(n for n, stage in enumerate(stages) if what in stage) for what in own if what in sum(stages, ())]
        assert order == sorted(order)
        assert set(order) == {0, 1, 2, 3}


def test_later_processes_warm_up_with_the_samples_and_as_long_as_the_first_has_shown(asked):
    assert workers_of(asked, "warm_up") == [0, 0, 1, 1]
    assert workers_of(asked, "warm_again") == [2, 2, 3, 3]
    for _, what, arguments in asked:
        if what == "warm_again":
            assert LATER_WARM_UP_NS <= arguments["time_ns"] <= WARM_UP_NS
            assert arguments["evals"] >= 1
            assert arguments["evals"] & (arguments["evals"] - 1) == 0, "calibrated: a power of two"


def test_what_a_process_can_not_add_to_is_asked_of_the_first_only(asked):
    for what in ("extract", "repeat", "varied"):
        assert sorted(set(workers_of(asked, what))) == [0, 1], what
    assert len(workers_of(asked, "first")) == PROCESSES * STACKS * STEPS
    assert len(workers_of(asked, "memory")) == PROCESSES * STACKS


def warm(**changed: Any) -> WarmUp:
    level = {"evals": 4, "discarded": 64, "trend": "settled", "collector_ns": 0.0, "collections": 0}
    return WarmUp(**level | {"allocated_bytes": None, "level_ns": 0.0, "usual_ns": 1e6} | changed)


@pytest.mark.parametrize(
    ("first", "time_ns", "collector_ns"),
    [
        (warm(), LATER_WARM_UP_NS, 0),
        (warm(level_ns=1e8), 2e8, 0),
        (warm(level_ns=9e8), WARM_UP_NS, 0),
        (warm(trend="faster", level_ns=1e9), WARM_UP_NS, 0),
        (warm(collector_ns=9e3), LATER_WARM_UP_NS, 0),
        (warm(collector_ns=1e4), LATER_WARM_UP_NS, COLLECTOR_NS),
        (warm(collector_ns=None), LATER_WARM_UP_NS, 0),
    ],
)
def test_a_later_warm_up_follows_from_the_first(first: WarmUp, time_ns: float, collector_ns: int):
    assert later_warm_up(first, WARM_UP_NS) == (time_ns, collector_ns)
    assert later_warm_up(first, 0)[0] == LATER_WARM_UP_NS
