"""The timing of the user's function, by the loop that times every op: `twinbench.worker.measure`, in this process.

Arguments are handed over once for each step, before anything is timed. ``julia/pair/src/measure.jl`` mirrors this file.
"""

from __future__ import annotations

import copy
from dataclasses import asdict
from functools import partial
from time import perf_counter_ns
from typing import Any, Callable

from twinbench.pair.callee import wire
from twinbench.pair.callee.native import neutral
from twinbench.usercode.loading import described
from twinbench.worker import measure

MOST_COPIED = 64 << 20
"""Bytes of arguments that are copied for one sample, at most: more would have to fit into memory beside the user's."""

Bind = Callable[[bytes], "tuple[list[Any], dict[str, Any]]"]
"""Decodes arguments, and returns those by position and those by name in the user's forms."""


class Fresh:
    """A call that gets a fresh copy of its arguments each time; the copies are made before the clock starts."""

    def __init__(self, function: Callable[..., Any], positional: list[Any], named: dict[str, Any], size: int) -> None:
        """``size`` is that of the arguments in bytes."""
        self.function, self.arguments = function, (positional, named)
        self.most_evals = max(1, MOST_COPIED // max(1, size))
        self.last: tuple[list[Any], dict[str, Any]] = self.arguments
        """The copies that the newest call got."""

    def __call__(self) -> Any:
        """Call the function once."""
        return self.prepare(1)()

    def prepare(self, evals: int) -> Callable[[], Any]:
        """Return the call for one sample of this many evaluations: a chain of calls without a line of Python."""
        copies = [copy.deepcopy(self.arguments) for _ in range(evals)]
        self.last = copies[-1]
        calls = [bound(self.function, *arguments) for arguments in copies]
        return map(type(calls[0]).__call__, calls).__next__


def bound(function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> Callable[[], Any]:
    """Return a call without arguments that costs as little as can be: a partial with names would merge two mappings."""
    if not named:
        return partial(function, *positional)
    values = {f"argument_{index}": value for index, value in enumerate((*positional, *named.values()))}
    given = [*list(values)[: len(positional)], *map("{}={}".format, named, list(values)[len(positional) :])]
    call: Callable[[], Any] = eval(f"lambda: function({', '.join(given)})", {"function": function, **values})
    return call


class Step:
    """One input with the function's call."""

    def __init__(self, call: Any, arguments: bytes, positional: list[Any], named: dict[str, Any]) -> None:
        self.call, self.arguments = call, arguments
        self.positional, self.named = positional, named
        self.evals = 1
        self.results: list[Any] = []
        """The result of the first call, until it was told."""

    def given(self) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments as the newest call left them."""
        return self.call.last if isinstance(self.call, Fresh) else (self.positional, self.named)


class Measurer:
    """The answers to requests about the function's time, by the request's name."""

    def __init__(self, function: Callable[..., Any], bind: Bind, names: Callable[[int], list[str]]) -> None:
        self.function, self.bind, self.names = function, bind, names
        self.steps: dict[str, Step] = {}
        self.is_collected = False

    def answer(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Carry out a request. What the function raises is told, and ends its measurement."""
        try:
            answer: dict[str, Any] = getattr(self, request)(**arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            return {"raised": type(error).__name__, "says": described(error)}
        return answer

    def hand_over(self, step: str, arguments: bytes, fresh: bool) -> dict[str, Any]:
        """Bring the arguments into the user's forms: once to import what that needs, and once by the clock."""
        self.bind(arguments)
        start = perf_counter_ns()
        positional, named = self.bind(arguments)
        took_ns = perf_counter_ns() - start
        own = self.steps[step] = Step(bound(self.function, positional, named), arguments, positional, named)
        if fresh:
            own.call = Fresh(self.function, positional, named, len(arguments))
        return {"took_ns": took_ns}

    def first(self, step: str) -> dict[str, Any]:
        """Call the function for the first time with these arguments, and keep the result."""
        own = self.steps[step]
        call = own.call.prepare(1) if isinstance(own.call, Fresh) else own.call
        timing, result = measure.first_call(call)
        own.results = [result]
        return {"timings": _columns([timing])}

    def outcome(self, step: str) -> dict[str, Any]:
        """Return what the first call did; later of one call more, with the arguments of the samples."""
        own = self.steps[step]
        result = own.results.pop() if own.results else own.call()
        start = perf_counter_ns()
        encoded = wire.encode(neutral(result))
        outcome: dict[str, Any] = {"took_ns": perf_counter_ns() - start, "result": wire.decode(encoded)}
        (before, before_named), (after, after_named) = self.bind(own.arguments), own.given()
        names = [*self.names(len(after)), *after_named]
        pairs = zip(names, (*before, *before_named.values()), (*after, *after_named.values()))
        told = [(name, neutral(old), neutral(new)) for name, old, new in pairs]
        changed = {name: new for name, old, new in told if wire.encode(old) != wire.encode(new)}
        if changed:
            outcome["changed"] = changed
        return outcome

    def warm_up(self, step: str, limit_ns: int) -> dict[str, Any]:
        """Calibrate, then run until the times have settled."""
        own = self._to_warm(step)
        own.evals = measure.calibrate(own.call)
        return {"evals": own.evals, **asdict(measure.warm_up(own.call, own.evals, limit_ns))}

    def warm_again(self, step: str, evals: int, time_ns: float, collector_limit_ns: int) -> dict[str, Any]:
        """Warm up as an earlier process has shown to be enough, with samples of as many evaluations as there."""
        own = self._to_warm(step)
        own.evals = evals
        return {"evals": evals, **asdict(measure.warm_again(own.call, evals, time_ns, collector_limit_ns))}

    def burst(self, step: str, min_samples: int, limit_ns: int) -> dict[str, Any]:
        """Take one burst of samples."""
        own = self.steps[step]
        return {"timings": _columns(measure.burst(own.call, own.evals, min_samples, limit_ns))}

    def _to_warm(self, step: str) -> Step:
        if not self.is_collected:
            self.is_collected = True
            measure.collect()
        return self.steps[step]


def _columns(timings: list[measure.Timing]) -> list[list[float]]:
    return [[getattr(timing, field) for timing in timings] for field in ("wall_ns", "cpu_ns", "gc_ns", "evals")]
