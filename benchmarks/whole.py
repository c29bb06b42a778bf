"""What the asv classes of whole pipelines share: a stack, run by the harness's own worker in a fresh process.

Stacks mix frameworks that can't share a process with everything else. Each runs once for all figures: what came out
waits in the directory that asv makes for a commit's set-up.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import steps

if TYPE_CHECKING:
    from twinbench.launch.team import Team
    from twinbench.plan.pipeline import Pipeline
    from twinbench.plan.stack import Stack
    from twinbench.run.agree.reference import Reference
    from twinbench.worker.protocol import Reply, Request

TIMEOUT_S = 300.0
BURST_NS = 20_000_000
SAMPLES = 3
WARM_UP_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Outcome:
    """One stack, run in a fresh process."""

    total_s: float
    """One execution of all steps after their first: the sum of medians."""
    first_call_s: float
    """First executions of all steps, with what is compiled in them; imports are not in it."""
    boundary_s: float
    """Handovers between frameworks, and outputs brought back."""
    error: float
    """The largest distance from the reference, in tolerances: 1 is the edge."""
    quality: float | None
    """Quality in the pipeline's metric on the held-out rows; None if nothing is predicted."""


class _Whole:
    """Tracked, not timed: asv would time a worker's start, too."""

    param_names = ("stack", "size")
    plan: str
    metric: str | None
    timeout = 1800

    def setup_cache(self) -> str:
        """Return the directory for the outputs."""
        return str(Path.cwd())

    def setup(self, directory: str, stack: str, size: str) -> None:
        """Run the stack, unless that was done for another figure."""
        kept = Path(directory) / f"{self.plan} {stack} {size}.json"
        if not kept.exists():
            steps.prepared(self.plan, size)
            kept.write_text(json.dumps(asdict(outcome(steps.pipeline(self.plan), stack, size))), encoding="utf-8")
        self.outcome = Outcome(**json.loads(kept.read_text(encoding="utf-8")))

    def track_total(self, directory: str, stack: str, size: str) -> float:
        return self.outcome.total_s

    def track_first_call(self, directory: str, stack: str, size: str) -> float:
        return self.outcome.first_call_s

    def track_boundary(self, directory: str, stack: str, size: str) -> float:
        return self.outcome.boundary_s

    def track_agreement_error(self, directory: str, stack: str, size: str) -> float:
        return self.outcome.error

    track_total.unit = track_first_call.unit = track_boundary.unit = "seconds"
    track_agreement_error.unit = "tolerances"


class _Predicting(_Whole):
    """A pipeline that ends with a trained model."""

    def track_quality(self, directory: str, stack: str, size: str) -> float:
        return self.outcome.quality


def classes() -> Iterator[tuple[str, type[_Whole]]]:
    """A class for every pipeline whose steps are a chain; of the others the ops alone are measured."""
    from twinbench.plan.stack import stacks_of

    for plan in steps.pipelines():
        if plan.independent:
            continue
        base = _Predicting if plan.goal.metric else _Whole
        name = "".join(part.capitalize() for part in plan.name.split("-"))
        params = (tuple(stack.name for stack in stacks_of(plan, [])), steps.sizes(plan))
        attributes = {"plan": plan.name, "params": params, "__doc__": plan.question}
        made = type(name, (base,), attributes)
        if plan.goal.metric:
            made.track_quality = _with_unit(made.track_quality, plan.goal.metric)
        yield name, made


def _with_unit(function, unit: str):
    def track_quality(self, directory: str, stack: str, size: str) -> float:
        return function(self, directory, stack, size)

    track_quality.unit = unit
    return track_quality


def outcome(plan: Pipeline, name: str, size: str) -> Outcome:
    """Run one stack in a worker. NotImplementedError, which asv takes for 'skip', is for one that can't be had."""
    from twinbench.launch.team import Team
    from twinbench.launch.variables import variables_of_worker
    from twinbench.plan.stack import build
    from twinbench.run import contender
    from twinbench.run.agree import reference
    from twinbench.run.options import Options

    stack = build(name, plan)
    if stack.missing is not None:
        raise NotImplementedError(stack.missing.reason)
    known = reference.prepare(plan, size)
    told = contender.jobs(plan, stack, known, Options(threads=steps.THREADS))
    workers = Team(told, variables_of_worker(steps.THREADS, uses_julia=stack.uses_julia))
    try:
        return _observed(workers, plan, stack, known)
    finally:
        workers.kill()


def _observed(workers: Team, plan: Pipeline, stack: Stack, known: Reference) -> Outcome:
    from twinbench import metrics
    from twinbench.launch.process import scratch
    from twinbench.ops import arrays
    from twinbench.run import contender
    from twinbench.run.models import quality
    from twinbench.worker import protocol

    def ask(request: Request[Reply], **arguments: Any) -> Reply:
        return workers.ask(request, TIMEOUT_S, **arguments)

    first_ns, boundary_ns, total_ns, errors, reached = 0.0, 0.0, 0.0, [0.0], None
    ask(protocol.LOAD)
    with scratch() as directory:
        for step in plan.steps:
            answer = ask(protocol.FIRST, step=step.id)
            first_ns += answer.timing.wall_ns
            target = Path(directory) / step.id
            boundary_ns += answer.boundary_ns + ask(protocol.EXTRACT, step=step.id, directory=str(target)).boundary_ns
            errors += [finding.error for finding in contender.check_output(ask, step, stack, known, target)]
            if quality.scores_all(step):
                scores = arrays.load(target)
                reached = metrics.evaluate(known.output(step.inputs[1])["y_test"], scores["scores"]).get(
                    plan.goal.metric or ""
                )
        for step in plan.steps:
            ask(protocol.WARM_UP, step=step.id, limit_ns=WARM_UP_NS)
            burst = ask(protocol.BURST, step=step.id, min_samples=SAMPLES, limit_ns=BURST_NS)
            total_ns += statistics.median(timing.wall_ns for timing in burst.timings)
    return Outcome(total_ns / 1e9, first_ns / 1e9, boundary_ns / 1e9, max(errors), reached)
