"""A run: cells are planned, measured side by side, and end one way or another.

All stacks of a pipeline are alive at once. In each round every step of every stack gets one burst, the stacks in
random order, and the workers of all other stacks are stopped. This file decides on the order; it measures nothing.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.errors import BadInput
from twinbench.launch.process import WorkerFailure, scratch
from twinbench.launch.variables import variables_of_worker
from twinbench.numbers import stats
from twinbench.numbers.moderation import Prior
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack, fingerprint, versions
from twinbench.run import environment
from twinbench.run.agree import reference
from twinbench.run.contender import Contender
from twinbench.run.measured import Measured
from twinbench.run.models import mistakes, quality
from twinbench.run.options import MAX_PROCESSES, MIN_ROUNDS, Options
from twinbench.store.samples import BlockPosition, paired, spread
from twinbench.store.store import PlannedPipeline, Status, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPLETE = "complete_process"
"""Start of the key of the fact that a process has all its rounds; a resumed run counts these facts."""


class Watch:
    """Callbacks for the progress of a run; a progress bar overrides the ones that it shows."""

    def planned(self, pipeline: str, size: str, stacks: list[str]) -> None:
        """Note that a pipeline's cells are about to be measured."""

    def doing(self, stack: str, what: str) -> None:
        """Note that a cell enters a stage: import, a step's first call, warming up."""

    def measured(self, stack: str, step: str, took: float, fraction: float) -> None:
        """Note a burst: the last evaluation took ``took`` seconds; ``fraction`` of the process's budget is spent."""

    def ended(self, stack: str, status: str, reason: str) -> None:
        """Note that a cell has ended."""


@dataclass(frozen=True, slots=True)
class Part:
    """One pipeline at one size, with its stacks."""

    pipeline: Pipeline
    size: str
    stacks: list[Stack]


def run(parts: list[Part], options: Options, store: Store, run_id: str, watch: Watch) -> None:
    """Measure every part. Cells that an earlier, interrupted attempt finished are left as they are.

    Raises BadInput, before anything is measured, where that attempt had other work.
    """
    _check_same_work(parts, store, run_id)
    environment.noise()  # rates are over the time since this call
    noises: list[dict[str, Any]] = []
    for part in parts:
        references = reference.prepare(part.pipeline, part.size)
        sliced = mistakes.slices(part.pipeline, references)
        _store_pipeline(part, store, run_id, references)
        contenders = list(_contenders(part, options, store, run_id, references, sliced, watch))
        watch.planned(part.pipeline.name, part.size, [c.name for c in contenders])
        with _killed_in_the_end(contenders):
            measuring = _Measuring(part, contenders, options, store, run_id, watch)
            measuring.all()
        _compare_predictions(part, store, run_id, references, sliced)
        noises += measuring.noises
    warnings = environment.warnings(store.find_run(run_id).environment, noises)
    store.add_noise(run_id, _now(), {"warnings": warnings})


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _planned(part: Part) -> PlannedPipeline:
    """Describe a part's pipeline as the store keeps it."""
    dataset = {}
    source = part.pipeline.dataset
    if source is not None:
        dataset = {
            "name": source.name,
            "sha256": source.checksum(),
            "source": source.source,
            "unit": source.unit,
            "amount": part.pipeline.amount(part.size) or source.most,
        }
    return PlannedPipeline(part.pipeline.name, part.size, json.loads(json.dumps(part.pipeline.as_json())), dataset)


def _check_same_work(parts: list[Part], store: Store, run_id: str) -> None:
    earlier = {(planned.name, planned.size): planned for planned in store.pipelines(run_id)}
    for part in parts:
        before = earlier.get((part.pipeline.name, part.size))
        if before is not None and (what := _changed(before, _planned(part))):
            where = f"{part.pipeline.path} ({part.size})"
            raise BadInput(f"{where}: {what} changed since run {run_id}; start a new run instead, or change it back")


def _changed(before: PlannedPipeline, now: PlannedPipeline) -> str:
    """Say what makes a pipeline other work than it was; empty if nothing does."""
    if now.work == before.work:
        return ""
    if before.spec["steps"] != now.spec["steps"]:
        old, new = ({step["id"]: step for step in planned.spec["steps"]} for planned in (before, now))
        steps = [step for step in dict.fromkeys([*old, *new]) if old.get(step) != new.get(step)]
        return f"step '{steps[0]}'" if steps else "the order of the steps"
    if before.dataset.get("sha256") != now.dataset.get("sha256"):
        return "the data"
    return f"the amount of data ({before.dataset.get('amount')} then, {now.dataset.get('amount')} now)"


def _store_pipeline(part: Part, store: Store, run_id: str, references: reference.Reference) -> None:
    store.add_pipeline(run_id, _planned(part))
    for name, values in references.baselines.items():
        for metric, value in values.items():
            store.add_baseline(run_id, part.pipeline.name, part.size, name, metric, value)


def _compare_predictions(
    part: Part, store: Store, run_id: str, references: reference.Reference, sliced: Mapping[str, NDArray[Any]]
) -> None:
    """Store the test rows that the stacks classify differently, once every cell has ended."""
    scoring = next((step for step in part.pipeline.steps if quality.scores_all(step)), None)
    if scoring is not None:
        cells = [c for c in store.cells(run_id) if (c.pipeline, c.size) == (part.pipeline.name, part.size)]
        mistakes.compare(store, cells, references.output(scoring.inputs[1])["y_test"], sliced)


def _contenders(
    part: Part,
    options: Options,
    store: Store,
    run_id: str,
    references: reference.Reference,
    sliced: Mapping[str, NDArray[Any]],
    watch: Watch,
) -> Iterator[Contender]:
    """Yield the cells that are still to be measured, and store the reason why other cells can't be measured."""
    stored_cells = {cell.id: cell for cell in store.cells(run_id)}
    ended = {id: cell for id, cell in stored_cells.items() if cell.status.ended}
    for stack in part.stacks:
        assigned = {step: framework.name for step, framework in stack.steps.items()}
        code = fingerprint(stack, options.device)
        cell = store.add_cell(run_id, part.pipeline.name, stack.name, part.size, assigned, code)
        if cell in stored_cells and stored_cells[cell].fingerprint != code:
            raise BadInput(f"{stack.name}: its code or a library changed since run {run_id}; start a new run instead")
        if cell in ended:
            store.add_fact(cell, "", "reused", True)
            watch.ended(stack.name, ended[cell].status, "measured before")
        elif stack.missing is not None:
            status = Status.UNAVAILABLE
            store.set_status(cell, status, kind=stack.missing.kind, reason=stack.missing.reason)
            watch.ended(stack.name, status, stack.missing.reason)
        else:
            store.add_fact(cell, "", "versions", {f.name: versions(f) for f in stack.frameworks})
            variables = variables_of_worker(options.threads, options.device, uses_julia=stack.uses_julia)
            measured = Measured(store.samples(cell))
            yield Contender(
                cell, stack, part.pipeline, references, store, options, variables, sliced, measured=measured
            )


@contextmanager
def _killed_in_the_end(contenders: list[Contender]) -> Iterator[None]:
    try:
        yield
    finally:
        for contender in contenders:
            if contender.worker is not None:
                contender.worker.kill()


class _Measuring:
    """The measuring of one part. `all` is the outline; the methods follow in the order of their calls."""

    def __init__(
        self, part: Part, contenders: list[Contender], options: Options, store: Store, run_id: str, watch: Watch
    ) -> None:
        self.part = part
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
            self._process(process)
            process, complete = process + 1, complete + 1
        for contender in self.contenders:
            if not contender.failed:
                contender.finish()
                self.watch.ended(contender.name, "disagrees" if contender.disagreements else "done", "")

    @property
    def alive(self) -> list[Contender]:
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
        if complete < self.options.processes:
            return False
        if self.options.resolve is None or complete >= MAX_PROCESSES:
            return True
        return self.spent_s >= self.options.budget_s or self._half_width(self.process_sd) <= self.options.resolve

    def _process(self, process: int) -> None:
        """Measure in one fresh process per contender: import, check agreement, warm up, then take rounds of bursts."""
        for contender in self.alive:
            with self._guarded(contender):
                self._start(contender, process)
        self._rounds(process)
        for contender in self.alive:
            with self._guarded(contender):
                contender.stop()
                self.store.add_fact(contender.cell, "", f"{COMPLETE}:{process}", True)
        self.noises.append(environment.noise())
        self.store.add_noise(self.run_id, _now(), self.noises[-1])

    @contextmanager
    def _guarded(self, contender: Contender) -> Iterator[None]:
        """End only this cell when its worker fails."""
        try:
            yield
        except WorkerFailure as failure:
            contender.fail(failure)
            self.watch.ended(contender.name, failure.kind, failure.reason)

    def _start(self, contender: Contender, process: int) -> None:
        """Start and warm up a contender, from its import on, while all other contenders are stopped."""
        self.watch.doing(contender.name, "import")
        contender.start(process)
        with scratch() as directory:
            for step in contender.steps:
                self.watch.doing(contender.name, f"first call of {step.id}")
                contender.first_call(step)
                if not contender.agreement_checked:
                    contender.agree(step, Path(directory))
            if not contender.agreement_checked:
                contender.keep_model(Path(directory))
                self.watch.doing(contender.name, "training again")
                contender.train_again(Path(directory))
        contender.agreement_checked = True
        contender.check_threads()
        for step in contender.steps:
            self.watch.doing(contender.name, f"warming up {step.id}")
            contender.warm_up(step)
        assert contender.worker is not None
        contender.worker.pause()

    def _rounds(self, process: int) -> None:
        """Measure rounds until the budget is spent or the comparison is precise enough, and at least `MIN_ROUNDS`."""
        budget = self.options.process_budget_s
        spent, block = 0.0, 0
        while self.alive and (block < MIN_ROUNDS or (spent < budget and not self._precise(block, process))):
            spent += self._round(block, spent / budget)
            block += 1
        self.spent_s += spent

    def _round(self, block: int, spent: float) -> float:
        """Measure one block: a burst of every step of every contender. Returns the seconds measured per contender.

        ``spent`` is the share of the budget that earlier rounds spent, for the progress, which also counts rounds.
        """
        measured, steps = 0.0, self.part.pipeline.steps
        for position, step in enumerate(steps):
            fraction = min(1.0, spent, (block + position / len(steps)) / MIN_ROUNDS)
            able = [contender for contender in self.alive if step.id in contender.stack.steps]
            for contender in self.random.sample(able, len(able)):
                with self._guarded(contender):
                    measured += self._burst(contender, step, block)
                    self.watch.measured(contender.name, step.id, contender.typical_ns[step.id] / 1e9, fraction)
        return measured / max(1, len(self.alive))

    @staticmethod
    def _burst(contender: Contender, step: Step, block: int) -> float:
        assert contender.worker is not None
        contender.worker.resume()
        seconds = contender.burst(step, block)
        contender.worker.pause()
        return seconds

    def _precise(self, block: int, process: int) -> bool:
        """Whether more samples in these processes wouldn't help, by the blocks alone; checked every fifth round."""
        if self.options.resolve is None or block % 5:
            return False
        return self._half_width(0.0, process) <= self.options.resolve / 2

    def _figures(self, contender: Contender, process: int | None) -> list[dict[BlockPosition, list[float]]]:
        """Return the blocks to compare, of one process or all: the total's, or each step's if steps are independent."""
        steps = [step.id for step in self.part.pipeline.steps]
        if self.part.pipeline.independent:
            return [contender.measured.blocks(step, process) for step in steps]
        return [contender.measured.totals(steps, process)]

    def _spread(self) -> Prior:
        """Estimate the spread between processes as the ranking will, from the steps and, if there is one, the total."""
        blocks = {c.name: {step.id: c.measured.blocks(step.id) for step in c.steps} for c in self.alive}
        if not self.part.pipeline.independent:
            for contender in self.alive:
                blocks[contender.name][""] = contender.measured.totals(step.id for step in contender.steps)
        return spread(blocks)

    def _half_width(self, process_sd: float, process: int | None = None) -> float:
        """Return the half-width of the widest interval, each contender compared with the first that has the figure."""
        widths = [0.0]
        prior = self._spread() if process is None else None
        for figures in zip(*(self._figures(contender, process) for contender in self.alive), strict=True):
            first, *others = [blocks for blocks in figures if blocks] or [{}]
            pairs = [paired(other, first) for other in others]
            ratios = [stats.ratio(*pair, process_sd=process_sd, prior=prior) for pair in pairs if pair[0]]
            widths += [math.expm1((math.log(r.high) - math.log(r.low)) / 2) for r in ratios]
        return max(widths)
