"""The measuring of one pipeline: in which process, round and order which step of which stack is measured, and how long.

All stacks are alive at once. In each round the steps get one burst of every stack, the stacks in random order, and the
workers of all other stacks are stopped. This file decides on the order; it measures nothing.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Generic

from twinbench.launch.process import WorkerFailure, scratch
from twinbench.numbers import stats
from twinbench.numbers.moderation import NOTHING, Prior
from twinbench.run import division, environment
from twinbench.run.division import TOTAL, Needs
from twinbench.run.measurable import Measurable, StepType, Work
from twinbench.run.options import FEW_ROUNDS, MAX_PROCESSES, MIN_ROUNDS, USUAL_PROCESSES, Options
from twinbench.run.side_by_side import lanes, side_by_side
from twinbench.run.surroundings import Surroundings, drawn
from twinbench.run.watch import Watch
from twinbench.store.samples import Blocks, paired, spread
from twinbench.store.store import Store

COMPLETE = "complete_process"
"""Start of the key of the fact that a process has all its rounds; a resumed run counts these facts."""


def now() -> str:
    """Return the time of day, UTC, as the store has it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


class Measuring(Generic[StepType]):
    """The measuring of one pipeline, or of other work.

    `all` is the outline; the methods follow in the order of their calls.
    """

    def __init__(
        self,
        pipeline: Work[StepType],
        contenders: Sequence[Measurable[StepType]],
        options: Options,
        store: Store,
        run_id: str,
        watch: Watch,
    ) -> None:
        self.pipeline = pipeline
        self.contenders = contenders
        self.options = options
        self.store = store
        self.run_id = run_id
        self.watch = watch
        self.random = random.Random(options.seed)
        self.spent_s = 0.0
        """Measured seconds per contender, over all processes so far."""
        self.noises: list[dict[str, Any]] = []
        self.process_sd = store.find_run(run_id).spreads.process_sd

    def all(self) -> None:
        """Measure in new processes until there are enough of them, then give each cell its status."""
        process, complete = self._resumed()
        while self.alive and not self._enough(complete):
            self._process(process, complete)
            process, complete = process + 1, complete + 1
        for contender in self.contenders:
            if not contender.failed:
                contender.finish()
                self.watch.ended(contender.name, "disagrees" if contender.disagreements else "done", "")

    @property
    def alive(self) -> list[Measurable[StepType]]:
        """Contenders that haven't failed."""
        return [c for c in self.contenders if not c.failed]

    def _resumed(self) -> tuple[int, int]:
        """Return the next process number and the number of complete processes, from what an earlier attempt stored."""
        if not self.contenders:
            return 0, 0
        last = max(c.measured.last_process for c in self.contenders)
        complete = min(sum(fact.key.startswith(COMPLETE) for fact in self.store.facts(c.cell)) for c in self.contenders)
        return last + 1, complete

    def _enough(self, complete: int) -> bool:
        if complete < 1 or complete < self._processes():
            return False
        if self.options.resolve is None or complete >= MAX_PROCESSES:
            return True
        return self.spent_s >= self.options.budget_s or self._half_width(self.process_sd) <= self.options.resolve

    def _processes(self) -> int:
        """Return the number of processes: the one asked for, or else the usual one if a step is fast enough."""
        if self.options.processes is not None:
            return self.options.processes
        return USUAL_PROCESSES if self.options.resolve is not None or self._fast() else 1

    def _fast(self) -> set[str]:
        """Return the steps that are measured in every process, once each step has been measured."""
        steps = self.pipeline.steps
        if self.options.processes is not None or self.options.resolve is not None:
            return {step.id for step in steps}
        seconds = {step.id: division.typical_s((c.measured for c in self.alive), step.id) for step in steps}
        return division.fast(steps, seconds, self.options.budget_s, independent=self.pipeline.independent)

    def _process(self, process: int, complete: int) -> None:
        """Measure in one fresh process per contender: import, check agreement, warm up, then take rounds of bursts."""
        steps = self._fast() if complete else {step.id for step in self.pipeline.steps}
        by_name = {contender.name: contender for contender in self.alive}
        order = drawn(self.options.seed, process, list(by_name))
        for name, surroundings in order.items():
            with self._guarded(by_name[name]):
                self._start(by_name[name], process, surroundings, steps)
        for contender in [by_name[name] for name in order if not by_name[name].failed]:
            with self._guarded(contender):
                self._warm_up(contender, process, steps)
        self._rounds(process, steps, first=not complete)
        for contender in self.alive:
            with self._guarded(contender):
                self._train_again(contender)
                contender.keep_peak()
        self._recheck()
        for contender in self.alive:
            with self._guarded(contender):
                contender.stop()
                self.store.add_fact(contender.cell, "", f"{COMPLETE}:{process}", True)
        self.noises.append(environment.noise())
        self.store.add_noise(self.run_id, now(), self.noises[-1])
        self.watch.refined(process + 1, self._processes())

    @contextmanager
    def _guarded(self, contender: Measurable[StepType]) -> Iterator[None]:
        """End only this cell when its worker fails."""
        try:
            yield
        except WorkerFailure as failure:
            contender.fail(failure)
            self.watch.ended(contender.name, failure.kind, failure.reason)

    def _start(
        self, contender: Measurable[StepType], process: int, surroundings: Surroundings, steps: set[str]
    ) -> None:
        """Start a contender: its import and first calls, while all other contenders are stopped.

        After the check of agreement, steps are executed only if the given steps need them.
        """
        self.watch.doing(contender.name, "import")
        contender.start(process, surroundings)
        every = {step.id for step in contender.steps}
        executed = division.needed(contender.steps, steps) if contender.agreement_checked else every
        with scratch() as directory:
            for step in contender.steps:
                if step.id in executed:
                    self.watch.doing(contender.name, f"first call of {step.id}")
                    contender.first_call(step)
                if not contender.agreement_checked:
                    contender.agree(step, Path(directory))
            if not contender.agreement_checked:
                contender.agreed(Path(directory))
        contender.agreement_checked = True
        contender.check_threads()
        assert contender.worker is not None
        contender.worker.pause()
        self.watch.refined(process + 1, self.options.processes or USUAL_PROCESSES)

    def _warm_up(self, contender: Measurable[StepType], process: int, steps: set[str]) -> None:
        """Warm up these steps of a contender, while all other contenders are stopped."""
        assert contender.worker is not None
        contender.worker.resume()
        for step in contender.steps:
            if step.id in steps:
                self.watch.doing(contender.name, f"warming up {step.id}")
                contender.warm_up(step)
        contender.warmed_up()
        contender.worker.pause()
        self.watch.refined(process + 1, self.options.processes or USUAL_PROCESSES)

    def _train_again(self, contender: Measurable[StepType]) -> None:
        """Repeat the trainings for their curves and seeds, once in a run; the table doesn't wait for them."""
        if contender.trained_again:
            return
        assert contender.worker is not None
        contender.worker.resume()
        self.watch.doing(contender.name, "training again")
        with scratch() as directory:
            contender.train_again(Path(directory))
        contender.trained_again = True

    def _recheck(self) -> None:
        """Check once in a run that what was timed is what agreed. Nothing is timed by the clock, so stacks share it."""
        waiting = [contender for contender in self.alive if not contender.rechecked]
        for contender in waiting:
            self.watch.doing(contender.name, "checking its last outputs")
            contender.prepare_recheck()
        work = {contender.name: contender.recheck for contender in waiting}
        by_name = {contender.name: contender for contender in waiting}
        with closing(side_by_side(work, lanes(self.options.threads), lambda: _kill(waiting))) as parts:
            for name, done in parts:
                with self._guarded(by_name[name]):
                    by_name[name].keep_recheck(done.result())

    def _rounds(self, process: int, steps: set[str], *, first: bool) -> None:
        """Measure rounds until nothing is left to be decided or the budget is spent, and a least number of them."""
        budget = self.options.process_budget_s
        spent, block = 0.0, 0
        while self.alive:
            few = block >= FEW_ROUNDS and self._processes() >= USUAL_PROCESSES and self._fast() >= steps
            least = block < (FEW_ROUNDS if few else MIN_ROUNDS)
            needs = None if first and block < FEW_ROUNDS else self._needs(process)
            todo = steps if least else self._todo(block, process, steps, needs)
            if not todo or not (least or spent < budget):
                return
            took = self._round(process, block, spent / budget, todo, needs)
            spent += took
            self.spent_s += took
            block += 1
            self.watch.refined(process + 1, self._processes())

    def _needs(self, process: int) -> Needs | None:
        """Return what is left to be decided; None with ``--resolve``, where it is the width of intervals."""
        if self.options.resolve is not None:
            return None
        figures: dict[str, dict[str, Blocks]] = {}
        for name in [s.id for s in self.pipeline.steps] if self.pipeline.independent else [TOTAL]:
            figures[name] = {
                c.name: c.measured.blocks(name) if name else c.measured.totals([s.id for s in c.steps])
                for c in self.alive
                if not name or name in {step.id for step in c.steps}
            }
        return Needs(figures, process, self.process_sd, self._spread())

    def _todo(self, block: int, process: int, steps: set[str], needs: Needs | None) -> set[str]:
        """Return the steps of the next round: those of which more blocks help, or none.

        With a number of processes that was asked for, the whole budget is spent.
        """
        if needs is None:
            return set() if self._precise(block, process) else steps
        open_figures = {figure for figure, stacks in needs.open.items() if stacks}
        todo = (steps if TOTAL in open_figures else steps & open_figures) if open_figures else set()
        return todo or (steps if self.options.processes is not None else set())

    def _round(self, process: int, block: int, spent: float, todo: set[str], needs: Needs | None) -> float:
        """Measure one block: a burst of these steps of every contender. Returns the seconds measured per contender.

        ``spent`` is the share of the budget that earlier rounds spent, for the progress, which also counts rounds.
        """
        efforts = {contender.name: self._efforts(contender, needs) for contender in self.alive}
        runs = {contender.name: {step.id for step in contender.steps} for contender in self.alive}
        measured, steps = 0.0, [step for step in self.pipeline.steps if step.id in todo]
        for position, step in enumerate(steps):
            fraction = min(1.0, spent, (block + position / len(steps)) / MIN_ROUNDS)
            able = [contender for contender in self.alive if step.id in runs[contender.name]]
            for contender in self.random.sample(able, len(able)):
                with self._guarded(contender):
                    measured += self._burst(contender, step, block, efforts[contender.name].get(step.id, 1.0))
                    self.watch.measured(contender.name, step.id, contender.typical_ns[step.id] / 1e9, fraction)
        return measured / max(1, len(self.alive))

    def _efforts(self, contender: Measurable[StepType], needs: Needs | None) -> dict[str, float]:
        """Return the sizes of a contender's bursts by step; a step that is missing has the usual size."""
        if needs is None:
            return {}
        if self.pipeline.independent:
            decided = [step.id for step in contender.steps if contender.name not in needs.undecided[step.id]]
            return division.efforts(contender.measured, decided, decided=True)
        steps = [step.id for step in contender.steps]
        return division.efforts(contender.measured, steps, decided=contender.name not in needs.undecided[TOTAL])

    @staticmethod
    def _burst(contender: Measurable[StepType], step: StepType, block: int, effort: float) -> float:
        assert contender.worker is not None
        contender.worker.resume()
        seconds = contender.burst(step, block, effort)
        contender.worker.pause()
        return seconds

    def _precise(self, block: int, process: int) -> bool:
        """Whether more samples in these processes wouldn't help, by the blocks alone; checked every fifth round."""
        if self.options.resolve is None or block % 5:
            return False
        return self._half_width(0.0, process) <= self.options.resolve / 2

    def _figures(self, contender: Measurable[StepType], process: int | None) -> list[Blocks]:
        """Return the blocks to compare, of one process or all: the total's, or each step's if steps are independent."""
        steps = [step.id for step in self.pipeline.steps]
        if self.pipeline.independent:
            return [contender.measured.blocks(step, process) for step in steps]
        return [contender.measured.totals(steps, process)]

    def _spread(self) -> Prior:
        """Estimate the spread between processes as the ranking will, from the steps and, if there is one, the total."""
        blocks = {c.name: {step.id: c.measured.blocks(step.id) for step in c.steps} for c in self.alive}
        if not self.pipeline.independent:
            for contender in self.alive:
                blocks[contender.name][TOTAL] = contender.measured.totals(step.id for step in contender.steps)
        return spread(blocks)

    def _half_width(self, process_sd: float, process: int | None = None) -> float:
        """Return the half-width of the widest interval, each contender compared with the first that has the figure."""
        widths = [0.0]
        prior = self._spread() if process is None else NOTHING
        for figures in zip(*(self._figures(contender, process) for contender in self.alive), strict=True):
            first, *others = [blocks for blocks in figures if blocks] or [{}]
            pairs = [paired(other, first) for other in others]
            ratios = [stats.ratio(*pair, process_sd=process_sd, prior=prior) for pair in pairs if pair[0]]
            widths += [math.expm1((math.log(r.high) - math.log(r.low)) / 2) for r in ratios]
        return max(widths)


def _kill(contenders: Sequence[Measurable[StepType]]) -> None:
    for contender in contenders:
        if contender.worker is not None:
            contender.worker.kill()
