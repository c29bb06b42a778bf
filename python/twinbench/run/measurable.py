"""What is measured side by side: one cell while it is alive, its samples and facts on their way to the store, its end.

`twinbench.run.measuring` knows nothing else of a cell: neither what it calls, nor in what kind of process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from twinbench.launch.process import WorkerFailure
from twinbench.run.ending import add_fact, end
from twinbench.run.measured import Measured
from twinbench.run.options import SHORT_ROUND_NS, Options, burst_size, later_warm_up
from twinbench.run.surroundings import Surroundings
from twinbench.store.records import LOOK, PEAK, Agreement, Sample, SampleKind, Status
from twinbench.store.samples import NS
from twinbench.store.store import Store
from twinbench.worker import protocol
from twinbench.worker.protocol import FirstCall, Reply, Request, Timing, WarmUp


class Step(Protocol):
    """What is timed by itself."""

    @property
    def id(self) -> str:
        """The step's name, unique in its work."""

    @property
    def inputs(self) -> tuple[str, ...]:
        """The ids of the steps whose outputs the step takes."""


StepType = TypeVar("StepType", bound=Step)
StepOfWork = TypeVar("StepOfWork", bound=Step, covariant=True)


class Work(Protocol[StepOfWork]):
    """What every cell does: its steps, and whether each of them is a question of its own."""

    @property
    def steps(self) -> Sequence[StepOfWork]:
        """The steps, in order."""

    @property
    def independent(self) -> bool:
        """Whether each step is ranked on its own; otherwise their total is ranked."""


class Running(Protocol):
    """The process of a cell, or several. Every method may raise `WorkerFailure`."""

    def ask(self, request: Request[Reply], timeout_s: float, **arguments: Any) -> Reply:
        """Send one request and return the reply, within ``timeout_s`` seconds of wall time."""

    def pause(self) -> None:
        """Stop the process, so that it is silent while another is measured."""

    def resume(self) -> None:
        """Let the process run again."""

    def kill(self) -> None:
        """End the process and all that it started. Safe to call twice."""


@dataclass(slots=True, kw_only=True)
class Measurable(ABC, Generic[StepType]):
    """A cell and, while it is alive, its process."""

    short_round_ns: ClassVar[int] = SHORT_ROUND_NS
    """Time of a round of short steps."""

    cell: int
    store: Store
    options: Options
    process: int = 0
    worker: Running | None = None
    failed: bool = False
    agreement_checked: bool = False
    """Whether the outputs were checked against the reference, which is done once per run."""
    rechecked: bool = False
    """Whether the outputs after the measurement were checked, which is done once per run."""
    trained_again: bool = False
    """Whether trainings were repeated for curves and seeds, once per run; True where nothing is trained."""
    measured: Measured = field(default_factory=Measured)
    """All samples so far, those before a resumption included."""
    typical_ns: dict[str, float] = field(default_factory=dict)
    """Latest time of one evaluation in nanoseconds, by step."""
    warm_ups: dict[str, WarmUp] = field(default_factory=dict)
    """What the first process's warm-up showed, by step."""
    collector_ns: dict[str, float | None] = field(default_factory=dict)
    """Time of the garbage collector per evaluation in the long run, in the current process, by step."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The stack's name."""

    @property
    @abstractmethod
    def work(self) -> Work[StepType]:
        """What every cell of the run does."""

    @property
    def steps(self) -> Sequence[StepType]:
        """Steps that this cell runs, in order."""
        return self.work.steps

    @property
    def disagreements(self) -> list[str]:
        """Undeclared differences from the reference, those recorded before a resumption included."""
        agreements = self.store.agreements(self.cell)
        return [f"{a.step}: {a.output}: {a.detail}" for a in agreements if not a.ok and not a.declared]

    @abstractmethod
    def start(self, process: int, surroundings: Surroundings) -> None:
        """Start a fresh process, and load what is measured."""

    def first_call(self, step: StepType) -> FirstCall:
        """Execute a step for the first time."""
        answer = self._ask(protocol.FIRST, step=step.id)
        samples = [self._timed(step.id, "first_call", answer.timing)]
        if answer.boundary_ns:
            samples.append(self._sample(step.id, "boundary", answer.boundary_ns, "in"))
        self._add(samples)
        self.typical_ns[step.id] = answer.timing.wall_ns
        if not self.agreement_checked:
            add_fact(self.store, self.cell, step.id, "rss_increase_bytes", answer.rss_increase_bytes)
        return answer

    @abstractmethod
    def agree(self, step: StepType, scratch: Path) -> list[Agreement]:
        """Check that a step's output agrees with the reference's, and store the findings."""

    def agreed(self, directory: Path) -> None:
        """Store what is kept of the first outputs, once all were checked."""

    def check_threads(self) -> None:
        """Refuse a cell whose libraries use more threads than the run allows."""

    def warm_up(self, step: StepType) -> None:
        """Warm a step up: until its times have settled, or in later processes for as long as the first one needed."""
        first = self.warm_ups.get(step.id)
        limit_ns = self.options.warm_up_ns(len(self.work.steps))
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

    def burst(self, step: StepType, block: int, effort: float = 1.0) -> float:
        """Take one burst of a step, of ``effort`` times the usual size. Returns its seconds, with what it discards."""
        start = monotonic()
        usual, limit_ns = burst_size(self.typical_ns[step.id], len(self.work.steps), self.short_round_ns)
        samples, limit_ns = max(1, round(usual * effort)), round(limit_ns * effort)
        timings = self._ask(protocol.BURST, step=step.id, min_samples=samples, limit_ns=limit_ns).timings
        if len(timings) < samples:
            raise WorkerFailure("protocol", f"burst {step.id}: {len(timings)} samples instead of {samples} or more")
        collector_ns = self.collector_ns.get(step.id)
        self._add([replace(self._timed(step.id, "steady", t, block), collector_ns=collector_ns) for t in timings])
        self.typical_ns[step.id] = timings[-1].wall_ns
        return monotonic() - start

    def train_again(self, directory: Path) -> None:
        """Repeat the trainings for their curves and seeds, after the first calls have compiled."""

    def keep_peak(self) -> None:
        """Store the peak memory of the process, which stays."""
        assert self.worker is not None
        self.worker.resume()
        earlier = [fact.value for fact in self.store.facts(self.cell) if fact.key == PEAK]
        peak = self._ask(protocol.MEMORY).peak_bytes
        add_fact(self.store, self.cell, "", f"{PEAK}:{self.process}", peak)
        add_fact(self.store, self.cell, "", PEAK, max([peak, *earlier]))
        self.worker.pause()

    def prepare_recheck(self) -> None:
        """Compute what `recheck` needs of the reference."""

    @abstractmethod
    def recheck(self) -> list[Agreement]:
        """Return what the last outputs disagree in; the process can't be measured any more.

        Another thread may call this method: it leaves the store alone.
        """

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
        self.stop()
        end(self.store, self.cell, failure)

    def finish(self) -> None:
        """Give the cell its final status: done, or disagrees, which is shown and never ranked."""
        if self.failed:
            return
        if wrong := self.disagreements:
            self.store.set_status(self.cell, Status.DISAGREES, kind="wrong answer", reason=and_more(wrong))
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


def and_more(reasons: list[str]) -> str:
    """Return the first reason, and how many more there are."""
    more = len(reasons) - 1
    return reasons[0] + (f" (and {more} more)" if more else "")
