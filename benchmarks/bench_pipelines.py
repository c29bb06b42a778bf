"""What ``flights-delay`` comes to as a whole, by stack and size: quality, the first call, agreement.

Stacks mix frameworks that can't share a process with everything else, so the harness's own workers run them, once for
all three figures.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import steps

if TYPE_CHECKING:
    from twinbench.run.reference import Reference
    from twinbench.run.runner import Part
    from twinbench.run.team import Team

STACKS = (
    "pandas+torch",
    "NumPy+torch",
    "Polars+torch",
    "DuckDB+torch",
    "DataFrames.jl+Flux",
    "pandas+Flux",
)
TIMEOUT_S = 300.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One stack, run once in a fresh process."""

    roc_auc: float
    """On the held-out rows."""
    first_call_s: float
    """First executions of all steps, with what is compiled in them; imports are not in it."""
    error: float
    """The largest distance from the reference, in tolerances: 1 is the edge."""


Outcomes = dict[tuple[str, str], Outcome | Exception]
"""By stack and size; where there is none, what `setup` has to raise."""


class Pipeline:
    """Tracked, not timed."""

    param_names = ("stack", "size")
    params = (STACKS, steps.SIZES)

    def setup_cache(self) -> Outcomes:
        """Run every stack."""
        return {(stack, size): outcome(stack, size) for size in steps.SIZES for stack in STACKS}

    setup_cache.timeout = 1800  # type: ignore[attr-defined]

    def setup(self, outcomes: Outcomes, stack: str, size: str) -> None:
        """Skip what can't be had, fail what failed."""
        found = outcomes[stack, size]
        if isinstance(found, Exception):
            raise found
        self.outcome = found

    def track_roc_auc(self, outcomes: Outcomes, stack: str, size: str) -> float:
        """Quality."""
        return self.outcome.roc_auc

    def track_first_call(self, outcomes: Outcomes, stack: str, size: str) -> float:
        """What a user waits for in a fresh process."""
        return self.outcome.first_call_s

    def track_agreement_error(self, outcomes: Outcomes, stack: str, size: str) -> float:
        """Whether it computed the right thing at all."""
        return self.outcome.error

    track_roc_auc.unit = "ROC AUC"  # type: ignore[attr-defined]
    track_first_call.unit = "seconds"  # type: ignore[attr-defined]
    track_agreement_error.unit = "tolerances"  # type: ignore[attr-defined]


def outcome(stack: str, size: str) -> Outcome | Exception:
    """Run one stack in a worker. NotImplementedError, which asv takes for 'skip', is for one that can't be had."""
    from twinbench import julia
    from twinbench.run import contender, job, reference
    from twinbench.run.environment import worker_environment
    from twinbench.run.options import Options
    from twinbench.run.process import WorkerFailure
    from twinbench.run.team import Team

    (part,) = job.parts(job.Request(pipelines=(steps.PIPELINE,), sizes=(size,), stacks=(stack,)))
    (this,) = part.stacks
    if this.missing is not None:
        return NotImplementedError(this.missing.reason)
    known = reference.prepare(part.pipeline, size)
    told = contender.jobs(part.pipeline, this, known, Options(threads=steps.THREADS))
    extra = julia.environment(julia.find(), steps.THREADS) if this.uses_julia else {}
    worker = Team(told, worker_environment(steps.THREADS, extra))
    try:
        return _observed(worker, part, known)
    except WorkerFailure as failure:
        return RuntimeError(f"{failure.kind}: {failure.reason}")
    finally:
        worker.kill()


def _observed(worker: Team, part: Part, known: Reference) -> Outcome:
    from twinbench.ops import arrays
    from twinbench.run import agreement, quality
    from twinbench.run.process import scratch

    first_ns, errors, auc = 0.0, [0.0], 0.0
    worker.ask("load", TIMEOUT_S)
    with scratch() as directory:
        for step in part.pipeline.steps:
            first_ns += worker.ask("first", TIMEOUT_S, step=step.id)["timing"]["wall_ns"]
            if step.op.isolated:
                continue
            target = Path(directory) / step.id
            worker.ask("extract", TIMEOUT_S, step=step.id, directory=str(target))
            got = arrays.load(target)
            errors += [finding.error for finding in agreement.compare(step.op, got, known.output(step.id))]
            if quality.scores_all(step):
                auc = quality.metrics(known.output(step.inputs[1]), got)["roc_auc"]
    return Outcome(roc_auc=auc, first_call_s=first_ns / 1e9, error=max(errors))
