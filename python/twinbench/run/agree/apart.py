"""References that are computed in a worker of their own, under the run's time-out and memory limit.

The worker is started when the cache lacks something, once in a run. Its answers are the files in the cache.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from twinbench.errors import BadInput, TwinbenchError
from twinbench.launch.process import START_TIMEOUT_S, Worker, WorkerFailure
from twinbench.run.agree.task import Compute, Made, Task
from twinbench.run.agree.worker import BEGIN, NEXT, READY, ReferenceJob, Stage, plain
from twinbench.worker.protocol import Request

MODULE = "twinbench.run.agree.worker"

ERRORS = {"refused": BadInput, "stopped": TwinbenchError}
"""Errors for the user by the kind that the worker tells."""

FREE = 0.9
"""Share of the free memory that the worker may take without ``--memory-limit``: what is beyond would be swapped."""

Computing = Callable[[str, float], None]
"""Function that is told again and again which stage is computed, and for how many seconds."""


class _Apart:
    def __init__(self, timeout_s: float, memory_limit: int | None, computing: Computing) -> None:
        self._timeout_s = timeout_s
        self._memory_limit = memory_limit
        self._computing = computing
        self._worker: Worker | None = None
        self._failures: dict[str, WorkerFailure] = {}
        """What failed before, by task: it isn't tried again for every stack."""

    def compute(self, task: Task) -> Made:
        """Carry out a task. Raises BadInput where the reference refuses its input, and WorkerFailure."""
        message = plain(task)
        earlier = self._failures.get(str(message))
        if earlier is not None:
            raise earlier
        try:
            doing = "data"
            stage = self._ask(BEGIN, doing, **message)
            while stage.name:
                doing = stage.name
                stage = self._ask(NEXT, doing)
        except WorkerFailure as failure:
            self._worker = None
            if failure.kind in ERRORS:
                raise ERRORS[failure.kind](failure.reason) from None
            self._failures[str(message)] = failure
            raise
        finally:
            if threading.current_thread() is not threading.main_thread():
                self.close()  # on Linux a worker dies with the thread that started it
        return Made(Path(stage.directory), stage.files, task.device if task.made is None else task.made.device)

    def _ask(self, request: Request[Stage], doing: str, **arguments: object) -> Stage:
        if self._worker is None:
            self._worker = self._start()
        worker = self._worker
        worker.watch(doing, lambda seconds: self._computing(doing, seconds))
        try:
            stage = worker.ask(request, self._timeout_s, **arguments)
        except WorkerFailure as failure:
            advice = {"time-out": "; raise --timeout, or take a smaller --size", "memory": "; take a smaller --size"}
            reason = failure.reason + advice.get(failure.kind, "")
            raise WorkerFailure(failure.kind, reason, failure.output) from None
        if stage.said:
            print(stage.said, end="", file=sys.stderr, flush=True)
        return stage

    def _start(self) -> Worker:
        limit = self._memory_limit or int(psutil.virtual_memory().available * FREE)
        variables = os.environ | {"PYTHONSAFEPATH": "1"}  # nothing is measured, and data may come through a proxy
        worker = Worker(ReferenceJob(), variables, limit, module=MODULE)
        worker.ask(READY, START_TIMEOUT_S)
        return worker

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


@contextmanager
def computed_apart(
    timeout_s: float, memory_limit: int | None = None, computing: Computing = lambda what, seconds: None
) -> Iterator[Compute]:
    """Yield what computes references, until the end of the context. Each stage has the time-out."""
    apart = _Apart(timeout_s, memory_limit, computing)
    try:
        yield apart.compute
    finally:
        apart.close()
