"""The number of processes follows from how fast a step is: real workers, small steps."""

from __future__ import annotations

from pathlib import Path

from twinbench.results.summary.run import summarise
from twinbench.run import request, runner
from twinbench.run.options import FEW_ROUNDS, MIN_ROUNDS, USUAL_PROCESSES, Options
from twinbench.run.watch import Watch
from twinbench.store.store import Store

QUESTIONS = """
[pipeline]
name = "questions"
modality = "probe"
stacks = ["probe-a"]
independent = true

[goal]
question = "Which of them is fast enough for four processes?"

[sizes]
default = {}

[[step]]
id = "fast"
op = "probe.spin"
microseconds = 20_000

[[step]]
id = "slow"
op = "probe.spin"
microseconds = 250_000
"""


class Refinements(Watch):
    """Numbers of processes, as a provisional table gets them."""

    def __init__(self) -> None:
        self.processes: list[tuple[int, int]] = []

    def refined(self, process: int, processes: int) -> None:
        self.processes.append((process, processes))


def test_fast_steps_have_four_processes_and_a_slow_one_has_an_assumed_interval(tmp_path: Path):
    (tmp_path / "questions.toml").write_text(QUESTIONS)
    wanted = request.Request(pipelines=("questions",), directories=(tmp_path,))
    options, watch = Options(budget_s=1.0), Refinements()
    with Store.open(tmp_path / "results.db") as store:
        run_id = request.new_run(store, wanted, options)
        runner.run(request.parts(wanted), options, store, run_id, watch)
        (cell,) = store.cells(run_id)
        assert cell.status == "done", cell.reason
        samples = store.samples(cell.id)
        (summary,) = summarise(store, run_id).pipelines[0].cells
    blocks = {
        step: {(s.process, s.block) for s in samples if (s.kind, s.step) == ("steady", step)}
        for step in ("fast", "slow")
    }
    assert blocks["fast"] >= {(p, b) for p in range(USUAL_PROCESSES) for b in range(FEW_ROUNDS)}
    assert blocks["slow"] == {(0, block) for block in range(MIN_ROUNDS)}
    firsts = [(s.process, s.step) for s in samples if s.kind == "first_call"]
    assert firsts == [(0, "fast"), (0, "slow"), (1, "fast"), (2, "fast"), (3, "fast")]
    fast, slow = summary.steps
    assert (fast.rank, fast.assumed, fast.steady.assumed) == (1, False, False)
    assert (slow.rank, slow.assumed, slow.steady.assumed) == (None, True, True)
    assert {processes for _, processes in watch.processes} == {USUAL_PROCESSES}
    assert [process for process, _ in watch.processes] == sorted(process for process, _ in watch.processes)
