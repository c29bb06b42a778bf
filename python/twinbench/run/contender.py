"""One cell while it is measured: its worker, its samples and facts on their way to the store, and its end.

A failure ends this cell only. The samples before it stay in the store.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import metrics
from twinbench.launch import saved
from twinbench.launch.process import START_TIMEOUT_S, WorkerFailure
from twinbench.launch.team import Team
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack, left_out
from twinbench.run import recheck
from twinbench.run.agree.reference import Reference
from twinbench.run.ending import add_fact, check_frameworks, end
from twinbench.run.jobs import jobs
from twinbench.run.measured import Measured
from twinbench.run.models import keep, mistakes, quality, retrain
from twinbench.run.options import Options, burst_size, later_warm_up
from twinbench.run.outputs import check_output, costs_its_cell_only, held_as_input
from twinbench.run.surroundings import SURROUNDINGS, Surroundings
from twinbench.store.records import LOOK, MODEL, NO_QUALITY, PEAK, Agreement, Sample, SampleKind, Status
from twinbench.store.samples import NS
from twinbench.store.store import Store
from twinbench.worker import protocol
from twinbench.worker.protocol import Reply, Request, Timing, WarmUp

if TYPE_CHECKING:
    from numpy.typing import NDArray


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
    """Values of the test rows, by slicing column."""
    process: int = 0
    worker: Team | None = None
    failed: bool = False
    agreement_checked: bool = False
    """Whether the outputs were checked against the reference, which is done once per run."""
    rechecked: bool = False
    """Whether the outputs after the measurement were checked, which is done once per run."""
    rechecks: dict[str, Arrays | None] = field(default_factory=dict)
    """The steps whose first outputs agree; with the first output where it is what later ones must equal."""
    trained_again: bool = False  # for curves and seeds, once per run
    measured: Measured = field(default_factory=Measured)
    """All samples so far, those before a resumption included."""
    typical_ns: dict[str, float] = field(default_factory=dict)
    """Latest time of one evaluation in nanoseconds, by step."""
    held: dict[str, Mapping[str, str]] = field(default_factory=dict)
    """How the framework holds the output of each step, by column."""
    warm_ups: dict[str, WarmUp] = field(default_factory=dict)
    """What the first process's warm-up showed, by step."""
    collector_ns: dict[str, float | None] = field(default_factory=dict)
    """Time of the garbage collector per evaluation in the long run, in the current process, by step."""

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def disagreements(self) -> list[str]:
        """Undeclared differences from the reference, those recorded before a resumption included."""
        agreements = self.store.agreements(self.cell)
        return [f"{a.step}: {a.output}: {a.detail}" for a in agreements if not a.ok and not a.declared]

    @property
    def declared(self) -> dict[str, str]:
        """Reasons why the library can't follow the contract, by step."""
        reasons: dict[str, str] = {}
        for a in self.store.agreements(self.cell):
            if a.declared:
                reasons.setdefault(a.step, a.declared)
        return reasons

    def start(self, process: int, surroundings: Surroundings) -> None:
        """Start a fresh process and import the frameworks. Thread counts are verified later, once the pools exist."""
        self.process = process
        self.store.set_status(self.cell, Status.RUNNING)
        self.store.add_fact(self.cell, "", f"{SURROUNDINGS}:{process}", surroundings.as_json())
        variables = {**self.environment, **surroundings.variables()}
        self.worker = Team(
            jobs(self.pipeline, self.stack, self.reference, self.options), variables, self.options.memory_limit
        )
        answer = self.worker.ask(protocol.LOAD, START_TIMEOUT_S)
        check_frameworks(self.stack, "load", answer.imports)
        self._add([self._sample("", "import", ns, name) for name, ns in answer.imports.items()])
        add_fact(self.store, self.cell, "", "rss_after_import_bytes", answer.rss_bytes)
        add_fact(self.store, self.cell, "", "devices", answer.devices)
        add_fact(self.store, self.cell, "", "engines", answer.engines)
        for left, reason in left_out(self.stack, self.pipeline).items():
            self.store.add_fact(self.cell, left, "unsupported", reason)

    def first_call(self, step: Step) -> None:
        """Execute a step for the first time."""
        answer = self._ask(protocol.FIRST, step=step.id)
        samples = [self._timed(step.id, "first_call", answer.timing)]
        if answer.boundary_ns:
            samples.append(self._sample(step.id, "boundary", answer.boundary_ns, "in"))
        self._add(samples)
        self.typical_ns[step.id] = answer.timing.wall_ns
        self.held[step.id] = answer.facts
        if not self.agreement_checked:
            add_fact(self.store, self.cell, step.id, "rss_increase_bytes", answer.rss_increase_bytes)
            add_fact(self.store, self.cell, step.id, "held_as", answer.facts)

    @property
    def steps(self) -> list[Step]:
        """Steps that this stack runs, in order."""
        return [step for step in self.pipeline.steps if step.id in self.stack.steps]

    def agree(self, step: Step, scratch: Path) -> list[Agreement]:
        """Check that a step's output agrees with the reference's, and store the findings."""
        directory = scratch / step.id
        answer = self._ask(protocol.EXTRACT, step=step.id, directory=str(directory))
        self._add([self._sample(step.id, "boundary", answer.boundary_ns, "out")])
        findings = check_output(self._ask, step, self.stack, self.reference, directory)
        findings += held_as_input(step, self.held)
        self.store.add_agreements(self.cell, findings)
        if (parts_at := self.reference.parts_at(step)) is not None:
            self.store.add_fact(self.cell, step.id, "parts_at", parts_at)
        examples = self.reference.examples(step)
        if examples:
            self.store.add_fact(self.cell, step.id, "examples", examples)
        if step.op.is_request(step.params):
            self.store.add_fact(self.cell, step.id, "request", True)
        if quality.scores_all(step) and not any(f.error == float("inf") for f in findings):
            with costs_its_cell_only(step):
                self._score(self.reference.output(step.inputs[1]), saved.output(step.id, directory))
        self.rechecks |= recheck.planned(step, findings, directory)
        shutil.rmtree(directory, ignore_errors=True)
        return findings

    def _score(self, labels: Arrays, scores: Arrays) -> None:
        """Store the metrics of predictions, or why they can't be computed, and the errors."""
        obstacle = metrics.obstacle(labels["y_test"], scores["scores"])
        if obstacle:
            self.store.add_fact(self.cell, "", NO_QUALITY, obstacle)
        for metric, value in metrics.evaluate(labels["y_test"], scores["scores"]).items():
            self.store.add_quality(self.cell, metric, value)
        mistakes.keep(self.store, self.cell, labels["y_test"], scores["scores"], self.slices)

    def keep_model(self, directory: Path) -> None:
        """Store the trained model."""
        exported = keep.model(self._ask, self.pipeline, self.stack, self.reference, directory)
        if exported is not None:
            for name, content in exported.files.items():
                self.store.add_file(self.cell, name, content)
            self.store.add_fact(self.cell, "", MODEL, exported.about)

    def train_again(self, directory: Path) -> None:
        """Store loss and quality over time, and quality from other seeds, after the first calls have compiled."""
        for training in retrain.trained(self.pipeline):
            if training.step.id in self.stack.steps and not self.disagreements:
                with costs_its_cell_only(training.step):
                    self._train_again(training, directory)

    def _train_again(self, training: retrain.Trained, directory: Path) -> None:
        typical_s = self.typical_ns[training.step.id] / 1e9
        points = [asdict(p) for p in retrain.curve(self._ask, training, self.reference, typical_s, directory)]
        add_fact(self.store, self.cell, training.step.id, "curve", points)
        seeds = retrain.other_seeds(self._ask, training, self.reference, self.options.seeds, directory)
        for seed, values in seeds:
            for metric, value in values.items():
                self.store.add_quality(self.cell, metric, value, seed)

    def check_threads(self) -> None:
        """Refuse a stack whose libraries use more threads than the run allows."""
        counts = self._ask(protocol.THREAD_COUNTS).threads
        check_frameworks(self.stack, "thread_counts", counts)
        add_fact(self.store, self.cell, "", "threads", counts)
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
        """Warm a step up: until its times have settled, or in later processes for as long as the first one needed."""
        first = self.warm_ups.get(step.id)
        limit_ns = self.options.warm_up_ns(len(self.pipeline.steps))
        if first is None:
            warm = self._ask(protocol.WARM_UP, step=step.id, limit_ns=limit_ns)
            self.warm_ups[step.id] = warm
            fact = warm.as_json() | {"settled": warm.trend == "settled"}
            add_fact(self.store, self.cell, step.id, "warm_up", fact)
        else:
            time_ns, collector_limit_ns = later_warm_up(first, limit_ns)
            warm = self._ask(
                protocol.WARM_AGAIN,
                step=step.id,
                evals=first.evals,
                time_ns=time_ns,
                collector_limit_ns=collector_limit_ns,
            )
        self.typical_ns[step.id], self.collector_ns[step.id] = warm.usual_ns, warm.collector_ns

    def warmed_up(self) -> None:
        """Store one warm execution of each step, for the provisional table."""
        warm = {step: self.typical_ns[step] * NS for step in self.warm_ups}
        add_fact(self.store, self.cell, "", LOOK, warm)

    def burst(self, step: Step, block: int, effort: float = 1.0) -> float:
        """Take one burst of a step, of ``effort`` times the usual size. Returns its seconds, with what it discards."""
        start = time.monotonic()
        usual, limit_ns = burst_size(self.typical_ns[step.id], len(self.pipeline.steps))
        samples, limit_ns = max(1, round(usual * effort)), round(limit_ns * effort)
        timings = self._ask(protocol.BURST, step=step.id, min_samples=samples, limit_ns=limit_ns).timings
        if len(timings) < samples:
            raise WorkerFailure("protocol", f"burst {step.id}: {len(timings)} samples instead of {samples} or more")
        collector_ns = self.collector_ns.get(step.id)
        self._add([replace(self._timed(step.id, "steady", t, block), collector_ns=collector_ns) for t in timings])
        self.typical_ns[step.id] = timings[-1].wall_ns
        return time.monotonic() - start

    def keep_peak(self) -> None:
        """Store the peak memory of the process, which stays."""
        assert self.worker is not None
        self.worker.resume()
        earlier = [fact.value for fact in self.store.facts(self.cell) if fact.key == PEAK]
        peak = self._ask(protocol.MEMORY).peak_bytes
        add_fact(self.store, self.cell, "", f"{PEAK}:{self.process}", peak)
        add_fact(self.store, self.cell, "", PEAK, max([peak, *earlier]))
        self.worker.pause()

    def recheck(self) -> list[Agreement]:
        """Return what the last outputs and a run on other data disagree in; the process can't be measured any more.

        Another thread may call this method: it leaves the store alone.
        """
        assert self.worker is not None
        self.worker.resume()
        return list(recheck.recheck(self._ask, self.pipeline, self.stack, self.reference, self.rechecks))

    def keep_recheck(self, findings: list[Agreement]) -> None:
        """Store the findings of `recheck`, and end the process."""
        self.store.add_agreements(self.cell, findings)
        self.rechecked = True
        self.stop()

    def stop(self) -> None:
        """End the process."""
        if self.worker is not None:
            self.worker.kill()
            self.worker = None

    def fail(self, failure: WorkerFailure) -> None:
        """End this cell with a failure. Its samples stay in the store."""
        self.failed = True
        if self.worker is not None:
            self.worker.kill()
            self.worker = None
        end(self.store, self.cell, failure)

    def finish(self) -> None:
        """Give the cell its final status: done, or disagrees, which is shown and never ranked.

        Where steps are independent, a declared deviation in one step doesn't affect the status.
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

    def _ask(self, request: Request[Reply], **arguments: Any) -> Reply:
        assert self.worker is not None
        return self.worker.ask(request, self.options.timeout_s, **arguments)

    def _add(self, samples: list[Sample]) -> None:
        self.store.add_samples(self.cell, samples)
        self.measured.add(samples)

    def _sample(self, step: str, kind: SampleKind, wall_ns: float, detail: str) -> Sample:
        return Sample(self.process, 0, step, kind, wall_ns, detail=detail)

    def _timed(self, step: str, kind: SampleKind, timing: Timing, block: int = 0) -> Sample:
        return Sample(self.process, block, step, kind, timing.wall_ns, timing.evals, timing.cpu_ns, timing.gc_ns)


def _and_more(reasons: list[str]) -> str:
    more = len(reasons) - 1
    return reasons[0] + (f" (and {more} more)" if more else "")
