"""A function of the user's while it is timed: a fresh process, its answers, and its samples for the store."""

from __future__ import annotations

import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any, ClassVar

from twinbench.launch import family
from twinbench.launch.process import WorkerFailure
from twinbench.pair import resident
from twinbench.pair.differences import Largest
from twinbench.pair.inputs import Input
from twinbench.pair.judge import Judge, layout
from twinbench.pair.process import START_S, Died, Process
from twinbench.pair.session import Function, Outcome
from twinbench.pair.target import Target
from twinbench.run.ending import add_fact
from twinbench.run.measurable import Measurable
from twinbench.run.surroundings import SURROUNDINGS, Surroundings
from twinbench.store.records import Agreement, Status
from twinbench.worker import protocol
from twinbench.worker.protocol import ProtocolError, Reply, Request, Timing

STOP_S = 10.0
"""Longest wait, in seconds, until a process that was stopped doesn't run any more."""

ROUND_NS = 40_000_000
"""Time of a round of short calls: 40 ms, so that a verdict on two functions takes seconds. Collecting garbage and
syncing the store then take a seventh of the round, which costs time and no precision."""


@dataclass(frozen=True, slots=True)
class Case:
    """A given input, which is timed by itself."""

    id: str
    """The input's label, unique among the cases."""
    example: Input
    answer: Outcome
    """What the reference answered when the functions agreed."""
    inputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cases:
    """All cases: the work that every function does."""

    steps: Sequence[Case]

    @property
    def independent(self) -> bool:
        """Whether there are several cases: each is a question of its own."""
        return len(self.steps) > 1


class FunctionWorker:
    """The process of a function, by the requests of a worker."""

    def __init__(self, target: Target, variables: Mapping[str, str], *, mutates: bool) -> None:
        """Start the process, without waiting for it. Raises WorkerFailure."""
        self.mutates = mutates
        self.steps: dict[str, bytes] = {}
        """Arguments by step."""
        self._peak_bytes = 0
        self._members: set[family.Member] = set()
        self._process = Process(target, variables)
        self._send(target.loading())

    def load(self) -> tuple[int, int]:
        """Wait until the function is loaded. Returns the nanoseconds that took, and the resident bytes afterwards."""
        answer = self._answered(START_S)
        if "error" in answer:
            raise self._failure("exception", str(answer["error"]))
        return int(answer["took_ns"]), resident.bytes_now(self._process.pid)

    def ask(self, request: Request[Reply], timeout_s: float, **arguments: Any) -> Reply:
        """Send one request of a worker, and return the reply."""
        if request.name == protocol.FIRST.name:
            plain = self._first(arguments["step"], timeout_s)
        elif request.name == protocol.MEMORY.name:
            plain = {"rss_bytes": resident.bytes_now(self._process.pid), "peak_bytes": self._peak()}
        else:
            plain = self._measured(request.name, timeout_s, **arguments)
        try:
            return request.reply.of(_listed(plain))
        except (ProtocolError, TypeError, ValueError) as unfit:
            raise self._failure("protocol", f"{request.name}: {unfit}") from None

    def outcome(self, step: str, timeout_s: float) -> tuple[Outcome, int]:
        """Return what the first call of a step did, or later one call more; and the nanoseconds to hand it over.

        The memory that this takes isn't the function's.
        """
        self._peak()
        answer = self._measured("outcome", timeout_s, step=step)
        resident.reset_peak(self._process.pid)
        return Outcome(answer.get("result"), changed=answer.get("changed")), int(answer["took_ns"])

    def _first(self, step: str, timeout_s: float) -> dict[str, Any]:
        """Hand over the arguments, then call the function for the first time, and measure the memory around that."""
        pid = self._process.pid
        arguments = {"step": step, "arguments": self.steps[step], "fresh": self.mutates}
        taken = self._measured("hand_over", timeout_s, **arguments)
        self._peak()
        resident.reset_peak(pid)
        before = resident.bytes_now(pid)
        first = self._measured("first", timeout_s, step=step)
        increase = max(0, resident.peak_bytes(pid) - before)
        (timing,) = first["timings"]
        took_ns = int(taken["took_ns"])
        return {"timing": timing, "boundary_ns": took_ns, "rss_increase_bytes": increase, "facts": {}}

    def _measured(self, request: str, timeout_s: float, **arguments: Any) -> dict[str, Any]:
        self._send({"do": "measure", "request": request, **arguments})
        answer = self._answered(timeout_s)
        if "raised" in answer:
            raise self._failure("exception", str(answer["says"]))
        if "timings" in answer:
            try:
                answer["timings"] = _timings(*answer["timings"])
            except (TypeError, ValueError) as unfit:
                raise self._failure("protocol", f"{request}: {unfit}") from None
        return answer

    def _send(self, request: dict[str, Any]) -> None:
        try:
            self._process.send(request)
        except Died as death:
            raise WorkerFailure(death.kind, str(death)) from None

    def _answered(self, timeout_s: float) -> dict[str, Any]:
        try:
            return self._process.answer(timeout_s)
        except Died as death:
            raise WorkerFailure(death.kind, str(death)) from None

    def _peak(self) -> int:
        self._peak_bytes = max(self._peak_bytes, resident.peak_bytes(self._process.pid))
        return self._peak_bytes

    def pause(self) -> None:
        """Stop the process and all that it started."""
        pid = self._process.pid
        self._members = family.signal_all(pid, signal.SIGSTOP) | family.member(pid)
        until = time.monotonic() + STOP_S
        while family.awake(self._members):
            if time.monotonic() > until:
                raise self._failure("protocol", f"went on for {STOP_S:g} s after it was stopped")
            time.sleep(0.0002)

    def resume(self) -> None:
        """Let the process and all that it started run again."""
        family.signal_all(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill the process and all that it started. Safe to call twice."""
        self._process.close()

    def _failure(self, kind: str, reason: str) -> WorkerFailure:
        self.kill()
        return WorkerFailure(kind, reason)


def _timings(walls: Any, cpus: Any, collectors: Any, evals: Any) -> list[dict[str, Any]]:
    """Return the columns of an answer, in nanoseconds and numbers of evaluations, as timings."""
    rows = zip(walls, cpus, collectors, evals, strict=True)
    return [Timing(float(wall), float(cpu), float(gc), int(count)).as_json() for wall, cpu, gc, count in rows]


def _listed(plain: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer without NumPy's numbers."""
    return {key: value.item() if hasattr(value, "item") else value for key, value in plain.items()}


@dataclass(slots=True, kw_only=True)
class Timed(Measurable[Case]):
    """A function of a pair and, while it is alive, its process."""

    short_round_ns: ClassVar[int] = ROUND_NS

    function: Function
    cases: Cases
    judge: Judge
    judging: Lock
    """Lock of the thread that judges: a rule of the user's is one process."""
    own: FunctionWorker | None = None
    trained_again: bool = field(default=True)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.function.name

    @property
    def work(self) -> Cases:
        """The cases."""
        return self.cases

    def start(self, process: int, surroundings: Surroundings) -> None:
        """Start a fresh process, and load the function."""
        self.process = process
        self.store.set_status(self.cell, Status.RUNNING)
        self.store.add_fact(self.cell, "", f"{SURROUNDINGS}:{process}", surroundings.as_json())
        self.own = self.worker = FunctionWorker(
            self.function.target, surroundings.variables(), mutates=self.judge.mutates
        )
        self.own.steps = {case.id: case.example.encoded() for case in self.cases.steps}
        import_ns, rss_bytes = self.own.load()
        self._add([self._sample("", "import", import_ns, self.name)])
        add_fact(self.store, self.cell, "", "rss_after_import_bytes", rss_bytes)

    def agree(self, step: Case, scratch: Path) -> list[Agreement]:
        """Check that the first answer agrees with the one that the reference gave before, and store the finding."""
        assert self.own is not None
        outcome, took_ns = self.own.outcome(step.id, self.options.timeout_s)
        self._add([self._sample(step.id, "boundary", took_ns, "out")])
        finding = self._judged(step, outcome)
        self.store.add_agreements(self.cell, [finding])
        return [finding]

    def recheck(self) -> list[Agreement]:
        """Return what the last answers disagree in: what is timed is what agreed."""
        assert self.own is not None
        self.own.resume()
        findings = [self._judged(case, self.own.outcome(case.id, self.options.timeout_s)[0]) for case in self.steps]
        return [finding for finding in findings if not finding.ok]

    def _judged(self, case: Case, outcome: Outcome) -> Agreement:
        largest = Largest()
        with self.judging:
            said = self.judge.fault(outcome, case.example) or self.judge.difference(
                case.answer, outcome, case.example, julia=layout(self.function), largest=largest
            )
        if said is not None:
            return Agreement(case.id, "result", "different", float("inf"), float("inf"), False, said)
        level = "exact" if largest.error == 0 else "rounding"
        level = "approximate" if self.judge.compare is not None else level
        return Agreement(case.id, "result", level, min(largest.error, 1.0), largest.max_abs, True)
