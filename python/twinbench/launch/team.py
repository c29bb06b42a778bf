"""The workers of one stack: one, or one for each Python environment that its libraries need.

A step is asked of the worker that has it. What one worker made and another needs crosses through saved arrays; that is
timed on both sides, and is part of the step's boundary.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from twinbench.launch.process import Worker, WorkerFailure, scratch
from twinbench.worker.protocol import Message


class Team:
    """Answers as a single `Worker` would; every method may raise `WorkerFailure`, after which the team is dead.

    ``jobs`` holds one job for each environment, None being the common one.
    """

    def __init__(
        self, jobs: Mapping[str | None, Message], variables: Mapping[str, str], memory_limit: int | None = None
    ) -> None:
        self._scratch = scratch()
        self._places: dict[str, str | None] = {
            step["id"]: place for place, job in jobs.items() for step in job["steps"]
        }
        self._inputs: dict[str, Sequence[str]] = {
            step["id"]: step["inputs"] for job in jobs.values() for step in job["steps"]
        }
        self._workers: dict[str | None, Worker] = {}
        for place, job in jobs.items():
            told = job | {"handovers": self._scratch.name}
            try:
                self._workers[place] = Worker(told, variables, memory_limit, place)
            except WorkerFailure:
                self.kill()
                raise

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers."""
        return [worker.pid for worker in self._workers.values()]

    def ask(self, do: str, timeout_s: float, **arguments: Any) -> Message:
        """One request. What is asked of no step in particular is asked of every worker, and put together."""
        if "step" not in arguments:
            answers = [worker.ask(do, timeout_s, **arguments) for worker in self._workers.values()]
            return _together(answers)
        step = arguments["step"]
        handed = sum(self._hand_over(source, step, timeout_s) for source in self._foreign(step)) if do == "first" else 0
        answer = self._workers[self._places[step]].ask(do, timeout_s, **arguments)
        return answer | {"boundary_ns": answer["boundary_ns"] + handed} if handed else answer

    def _foreign(self, step: str) -> list[str]:
        """The inputs that another worker has."""
        own = self._places[step]
        return [source for source in self._inputs[step] if self._places.get(source, own) != own]

    def _hand_over(self, source: str, step: str, timeout_s: float) -> int:
        """Save an output where the other worker looks for it, for the first step that needs it. Returns nanoseconds."""
        directory = Path(self._scratch.name) / source
        if directory.exists():
            return 0
        answer = self._workers[self._places[source]].ask("hand_over", timeout_s, step=source, directory=str(directory))
        return int(answer["boundary_ns"])

    def pause(self) -> None:
        """Stop all of them."""
        for worker in self._workers.values():
            worker.pause()

    def resume(self) -> None:
        """Let all of them run again."""
        for worker in self._workers.values():
            worker.resume()

    def kill(self) -> None:
        """End all of them. Safe to call twice."""
        for worker in self._workers.values():
            worker.kill()
        self._scratch.cleanup()


def _together(answers: Sequence[Message]) -> Message:
    """Numbers are added up and mappings merged."""
    found: Message = {}
    for key, value in itertools.chain.from_iterable(answer.items() for answer in answers):
        if key not in found:
            found[key] = value
        else:
            found[key] = found[key] | value if isinstance(value, dict) else found[key] + value
    return found
