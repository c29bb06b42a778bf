"""One cell while it is measured: its worker, what has gone into the store, and how it ends.

A failure ends this cell only. What was measured before it stays.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import metrics
from twinbench.errors import TwinbenchError
from twinbench.launch.process import START_TIMEOUT_S, STDERR_TAIL, WorkerFailure, scratch
from twinbench.launch.team import Team
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack
from twinbench.run.agree import agreement
from twinbench.run.agree.reference import Reference
from twinbench.run.models import keep, mistakes, quality, retrain
from twinbench.run.options import (
    BURST_NS,
    BURST_SAMPLES,
    LONG_STEP_NS,
    SHORT_ROUND_NS,
    SHORT_STEP_NS,
    WARM_UP_NS,
    Options,
)
from twinbench.store.records import MODEL
from twinbench.store.store import Agreement, Sample, Status, Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENDINGS = {"time-out": Status.TIMEOUT, "memory": Status.OOM}

PEAK = "peak_rss_bytes"
"""The fact that holds the largest resident set of any of a cell's processes, those before a resumption included."""


@dataclass(slots=True)
class Contender:
    """A cell and, while it is alive, its worker."""

    cell: int
    stack: Stack
    pipeline: Pipeline
    reference: Reference
    store: Store
    options: Options
    environment: Mapping[str, str]
    slices: Mapping[str, NDArray[Any]]
    """By column, the values of the test rows."""
    process: int = 0
    worker: Team | None = None
    failed: bool = False
    compared: bool = False
    """Whether its outputs were held against the reference; once per run is enough."""
    typical_ns: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def alive(self) -> bool:
        """Whether it can be measured."""
        return self.worker is not None and not self.failed

    @property
    def disagreements(self) -> list[str]:
        """What differs from the reference and isn't declared; found before a resumption or after."""
        agreements = self.store.agreements(self.cell)
        return [f"{a.step}: {a.output}: {a.detail}" for a in agreements if not a.ok and not a.declared]

    @property
    def declared(self) -> dict[str, str]:
        """By step, why the library can't follow the contract there."""
        found: dict[str, str] = {}
        for a in self.store.agreements(self.cell):
            if a.declared:
                found.setdefault(a.step, a.declared)
        return found

    def start(self, process: int) -> None:
        """A fresh process: import everything, then verify thread counts later, once the pools exist."""
        self.process = process
        self.store.set_status(self.cell, Status.RUNNING)
        self.worker = Team(
            jobs(self.pipeline, self.stack, self.reference, self.options), self.environment, self.options.memory_limit
        )
        answer = self.worker.ask("load", START_TIMEOUT_S)
        self._add([self._sample("", "import", ns, detail=name) for name, ns in answer["imports"].items()])
        self.store.add_fact(self.cell, "", "rss_after_import_bytes", answer["rss_bytes"])
        self.store.add_fact(self.cell, "", "devices", answer["devices"])

    def first_call(self, step: Step) -> float:
        """Execute a step for the first time. Returns seconds."""
        answer = self._ask("first", step=step.id)
        timing = answer["timing"]
        samples = [self._sample(step.id, "first_call", timing["wall_ns"], timing)]
        if answer["boundary_ns"]:
            samples.append(self._sample(step.id, "boundary", answer["boundary_ns"], detail="in"))
        self._add(samples)
        self.typical_ns[step.id] = timing["wall_ns"]
        self.store.add_fact(self.cell, step.id, "rss_increase_bytes", answer["rss_increase_bytes"])
        self.store.add_fact(self.cell, step.id, "held_as", answer["facts"])
        return float(timing["wall_ns"]) / 1e9

    @property
    def steps(self) -> list[Step]:
        """What this stack runs, in order."""
        return [step for step in self.pipeline.steps if step.id in self.stack.steps]

    def agree(self, step: Step, scratch: Path) -> list[agreement.Finding]:
        """Compare a step's output with the reference's, and record it."""
        directory = scratch / step.id
        answer = self._ask("extract", step=step.id, directory=str(directory))
        self._add([self._sample(step.id, "boundary", answer["boundary_ns"], detail="out")])
        findings = compared(self._ask, step, self.stack, self.reference, directory)
        for f in findings:
            self.store.add_agreement(self.cell, Agreement(step=step.id, **asdict(f)))
        examples = self.reference.examples(step)
        if examples:
            self.store.add_fact(self.cell, step.id, "examples", examples)
        if step.op.is_request(step.params):
            self.store.add_fact(self.cell, step.id, "request", True)
        if quality.scores_all(step) and not any(f.error == float("inf") for f in findings):
            with comparing(step):
                self._score(self.reference.output(step.inputs[1]), arrays.load(directory))
        shutil.rmtree(directory, ignore_errors=True)
        return findings

    def _score(self, labels: Arrays, scores: Arrays) -> None:
        """Keep how good predictions are, and where they are wrong."""
        for metric, value in metrics.evaluate(labels["y_test"], scores["scores"]).items():
            self.store.add_quality(self.cell, metric, value)
        mistakes.keep(self.store, self.cell, labels["y_test"], scores["scores"], self.slices)

    def keep_model(self, directory: Path) -> None:
        """Keep what was trained, for whoever is to use it."""
        found = keep.model(self._ask, self.pipeline, self.stack, self.reference, directory)
        if found is not None:
            for name, content in found.files.items():
                self.store.add_file(self.cell, name, content)
            self.store.add_fact(self.cell, "", MODEL, found.about)

    def train_again(self, directory: Path) -> None:
        """How loss and quality come with time, and what other seeds give; once the first calls have compiled."""
        for this in retrain.trained(self.pipeline):
            if this.step.id in self.stack.steps and not self.disagreements:
                with comparing(this.step):
                    self._train_again(this, directory)

    def _train_again(self, this: retrain.Trained, directory: Path) -> None:
        typical_s = self.typical_ns[this.step.id] / 1e9
        points = [asdict(p) for p in retrain.curve(self._ask, this, self.reference, typical_s, directory)]
        self.store.add_fact(self.cell, this.step.id, "curve", points)
        seeds = retrain.other_seeds(self._ask, this, self.reference, self.options.seeds, directory)
        for seed, values in seeds:
            for metric, value in values.items():
                self.store.add_quality(self.cell, metric, value, seed)

    def check_threads(self) -> None:
        """Refuse a stack whose libraries use more threads than the run allows."""
        counts = self._ask("thread_counts")["threads"]
        self.store.add_fact(self.cell, "", "threads", counts)
        asked = self.options.threads
        wrong = [
            f"{framework} {pool}: {count}"
            for framework, pools in counts.items()
            for pool, count in pools.items()
            if count > asked
        ]
        if wrong:
            raise WorkerFailure("threads", f"runs on more than {asked} thread(s): {', '.join(wrong)}")

    def warm_up(self, step: Step) -> None:
        """Calibrate, and run until the times have settled."""
        self.store.add_fact(self.cell, step.id, "warm_up", self._ask("warm_up", step=step.id, limit_ns=WARM_UP_NS))

    def burst(self, step: Step, block: int) -> float:
        """One burst of a step. Returns the seconds that it took, the collection of garbage before it included."""
        start = time.monotonic()
        samples, limit_ns = self._burst_size(self.typical_ns[step.id])
        timings = self._ask("burst", step=step.id, min_samples=samples, limit_ns=limit_ns)["timings"]
        self._add([self._sample(step.id, "steady", t["wall_ns"], t, block=block) for t in timings])
        self.typical_ns[step.id] = timings[-1]["wall_ns"]
        return time.monotonic() - start

    def _burst_size(self, typical_ns: float) -> tuple[int, int]:
        """The fewest samples of a burst, and the least time."""
        if typical_ns > LONG_STEP_NS:
            return 1, 0
        if typical_ns > SHORT_STEP_NS:
            return BURST_SAMPLES, BURST_NS
        return BURST_SAMPLES, max(BURST_NS, SHORT_ROUND_NS // len(self.pipeline.steps))

    def stop(self) -> None:
        """End the process, after a last look at its memory."""
        if self.worker is None:
            return
        if self.alive:
            self.worker.resume()
            known = [fact.value for fact in self.store.facts(self.cell) if fact.key == PEAK]
            self.store.add_fact(self.cell, "", PEAK, max([self._ask("memory")["peak_bytes"], *known]))
        self.worker.kill()
        self.worker = None

    def fail(self, failure: WorkerFailure) -> None:
        """This cell is over; its samples stay."""
        self.failed = True
        if self.worker is not None:
            self.worker.kill()
            self.worker = None
        status = ENDINGS.get(failure.kind, Status.FAILED)
        self.store.set_status(self.cell, status, kind=failure.kind, reason=failure.reason, stderr=failure.output)

    def finish(self) -> None:
        """Done, or in disagreement: measured and shown all the same, but never ranked.

        Where steps are independent, one that the library can't do as the contract says leaves the others as they are.
        """
        if self.failed:
            return
        if wrong := self.disagreements:
            self.store.set_status(self.cell, Status.DISAGREES, kind="wrong answer", reason=_and_more(wrong))
        elif (declared := self.declared) and not self.pipeline.independent:
            reasons = [f"{step}: {reason}" for step, reason in declared.items()]
            self.store.set_status(self.cell, Status.DISAGREES, kind="unsupported", reason=_and_more(reasons))
        else:
            self.store.set_status(self.cell, Status.DONE)

    def _ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        assert self.worker is not None
        return self.worker.ask(do, self.options.timeout_s, **arguments)

    def _add(self, samples: list[Sample]) -> None:
        self.store.add_samples(self.cell, samples)

    def _sample(
        self,
        step: str,
        kind: Any,
        wall_ns: float,
        timing: Mapping[str, Any] | None = None,
        *,
        block: int = 0,
        detail: str = "",
    ) -> Sample:
        timing = timing or {}
        return Sample(
            process=self.process,
            block=block,
            step=step,
            kind=kind,
            wall_ns=wall_ns,
            evals=timing.get("evals", 1),
            cpu_ns=timing.get("cpu_ns"),
            gc_ns=timing.get("gc_ns"),
            detail=detail,
        )


def _and_more(reasons: list[str]) -> str:
    more = len(reasons) - 1
    return reasons[0] + (f" (and {more} more)" if more else "")


def jobs(pipeline: Pipeline, stack: Stack, reference: Reference, options: Options) -> dict[str | None, dict[str, Any]]:
    """What the workers are told, by environment: plain data that names code, paths and parameters."""
    found: dict[str | None, dict[str, Any]] = {}
    kinds = pipeline.kinds
    taken = {source for step in pipeline.steps for source in step.inputs}
    for step in pipeline.steps:
        if step.id not in stack.steps:
            continue
        framework = stack.steps[step.id]
        empty = {"threads": options.threads, "device": options.device, "steps": [], "values": {}}
        job = found.setdefault(framework.environment, empty)
        job["steps"].append(
            step.as_json()
            | {
                "framework": framework.name,
                "file": reference.files.get(step.id),
                "given": reference.given(step.id),
                "kept": step.id in taken,
            }
        )
        for source in step.inputs:
            if source not in stack.steps:
                job["values"][source] = reference.place(source), kinds[source]
    return found


def compared(
    ask: Callable[..., Any], step: Step, stack: Stack, reference: Reference, directory: Path
) -> list[agreement.Finding]:
    """How a step's output, which is in ``directory``, compares with the reference's.

    A step that asks for it is executed once more, on the reference's own inputs, by asking the worker.
    """
    deviation = stack.steps[step.id].deviations.get(step.op.name)
    want, scale = reference.output(step.id), reference.scale(step.id)
    if not step.isolated:
        with comparing(step):
            got = arrays.load(directory)
            return agreement.compare(step.op, got, want, deviation, step.params, scale)
    with scratch() as place, comparing(step):
        inputs = [reference.place(source) for source in step.inputs]
        ask("isolated", step=step.id, inputs=inputs, directory=place)
        return agreement.compare(step.op, arrays.load(Path(place)), want, deviation, step.params, scale)


@contextmanager
def comparing(step: Step) -> Iterator[None]:
    """What is so wrong that it can't even be compared costs its cell, and not the run."""
    try:
        yield
    except (WorkerFailure, TwinbenchError, OSError, MemoryError):
        raise
    except Exception as error:
        reason = f"{step.id}: can't be compared: {type(error).__name__}: {error}".splitlines()[0][:500]
        raise WorkerFailure("wrong answer", reason, traceback.format_exc()[-STDERR_TAIL:]) from error
