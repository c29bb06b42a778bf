"""The workers of one stack: one, or one for each Python environment that its libraries need.

A request for a step goes to the worker that has the step. An output that another worker needs crosses through saved
arrays; this is timed on both sides, and is part of the step's boundary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from twinbench.launch.process import Worker, scratch
from twinbench.worker import protocol
from twinbench.worker.job import Job
from twinbench.worker.protocol import FirstCall, Reply, Request


class Team:
    """A group of workers with the methods of a single `Worker`.

    Every method may raise `WorkerFailure`, after which all workers are dead.

    ``jobs`` holds one job for each environment; None is the common environment.
    """

    def __init__(
        self, jobs: Mapping[str | None, Job], variables: Mapping[str, str], memory_limit: int | None = None
    ) -> None:
        self._scratch = scratch()
        self._environments = {step.id: environment for environment, job in jobs.items() for step in job.steps}
        self._inputs = {step.id: step.inputs for job in jobs.values() for step in job.steps}
        self._workers: dict[str | None, Worker] = {}
        for environment, job in jobs.items():
            job_here = replace(job, handovers=self._scratch.name)
            try:
                self._workers[environment] = Worker(job_here, variables, memory_limit, environment)
            except BaseException:
                self.kill()
                raise

    def ask(self, request: Request[Reply], timeout_s: float, **arguments: Any) -> Reply:
        """Send one request. A request without a step goes to every worker, and the replies are combined."""
        if "step" not in arguments:
            return _combined([worker.ask(request, timeout_s, **arguments) for worker in self._workers.values()])
        step = arguments["step"]
        first = request.name == protocol.FIRST.name
        handed_over_ns = sum(self._hand_over(source, step, timeout_s) for source in self._foreign(step)) if first else 0
        answer = self._workers[self._environments[step]].ask(request, timeout_s, **arguments)
        if isinstance(answer, FirstCall):
            return replace(answer, boundary_ns=answer.boundary_ns + handed_over_ns)
        return answer

    def _foreign(self, step: str) -> list[str]:
        """Return the inputs that another worker has."""
        own = self._environments[step]
        return [source for source in self._inputs[step] if self._environments.get(source, own) != own]

    def _hand_over(self, source: str, step: str, timeout_s: float) -> int:
        """Save an output where the other worker looks for it, for the first step that needs it. Returns nanoseconds."""
        directory = Path(self._scratch.name) / source
        if directory.exists():
            return 0
        worker = self._workers[self._environments[source]]
        return worker.ask(protocol.HAND_OVER, timeout_s, step=source, directory=str(directory)).boundary_ns

    def pause(self) -> None:
        """Stop all workers."""
        for worker in self._workers.values():
            worker.pause()

    def resume(self) -> None:
        """Let all workers run again."""
        for worker in self._workers.values():
            worker.resume()

    def kill(self) -> None:
        """End all workers. Safe to call twice."""
        for worker in self._workers.values():
            worker.kill()
        self._scratch.cleanup()


def _combined(answers: Sequence[Reply]) -> Reply:
    """Add up numbers and merge mappings."""
    total, *others = answers
    for answer in others:
        total = replace(
            total, **{f.name: _added(getattr(total, f.name), getattr(answer, f.name)) for f in fields(total)}
        )
    return total


def _added(a: Any, b: Any) -> Any:
    return a | b if isinstance(a, dict) else a + b
