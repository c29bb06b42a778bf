"""The process in which a function of the user's runs: it loads the function, and calls it as often as it is asked to.

Started as ``python -c`` with this package's directory, so that the user's environment needs nothing of twinbench.
Messages are neutral values, each after its length in 8 bytes, over two file descriptors of their own.
"""

from __future__ import annotations

import inspect
import os
import struct
import sys
from contextlib import nullcontext
from time import perf_counter_ns
from typing import Any, Callable

from twinbench.pair.callee import sources, wire
from twinbench.pair.callee.census import Census
from twinbench.pair.callee.measure import Measurer
from twinbench.pair.callee.native import native, neutral
from twinbench.usercode.loading import NotLoaded, described, forget, load, parameters, unpickled


class Misfit(Exception):
    """Arguments that a function doesn't take: too many, too few, or one that is given twice."""


class Callee:
    """The loaded function, and what it is asked."""

    def __init__(self) -> None:
        self.function: Callable[..., Any] = lambda: None
        self.parameters: list[inspect.Parameter] = []
        self.signature: inspect.Signature | None = None
        """What the function takes; None where that can't be read."""
        self.source = ""
        self.measurer: Measurer | None = None

    def load(self, source: str, function: str, code: bytes = b"", path: list[str] | None = None) -> dict[str, Any]:
        """Load the function, from pickled ``code`` if there is some.

        Returns its parameters by name and the nanoseconds it took, or why it can't be loaded.
        """
        start = perf_counter_ns()
        forget()
        try:
            self.function = unpickled(function, code, path or []) if code else load(source, function)
            self.source = source
        except NotLoaded as error:
            return {"error": str(error), "names": list(error.names)}
        took_ns = perf_counter_ns() - start
        self.parameters = parameters(self.function)
        try:
            self.signature = inspect.signature(self.function)
        except (TypeError, ValueError):
            self.signature = None
        names = [p.name for p in self.parameters]
        return {"parameters": names, "any": self._takes_any(), "unnamed": self._unnamed(), "took_ns": took_ns}

    def _unnamed(self) -> list[str]:
        """Return the names of the parameters that can be passed by position only."""
        return [p.name for p in self.parameters if p.kind is p.POSITIONAL_ONLY]

    def _takes_any(self) -> bool:
        return not self.parameters or any(p.kind is p.VAR_KEYWORD for p in self.parameters)

    def call(self, arguments: bytes, twice: bool) -> dict[str, Any]:
        """Call the function, each time with fresh arguments.

        Returns an outcome, and with ``twice`` under ``second`` that of another call whose outcome isn't the same, and
        under ``used`` the threads and processes of that call, for which libraries are loaded already.
        """
        try:
            outcome = self._outcome(arguments)
        except Misfit as error:
            return {"unfit": f"can't be called with the given input: {error}"}
        except ImportError as error:
            return {"unfit": f"needs {error.name or error}, which isn't installed in {sys.executable}"}
        if twice:
            census = Census()
            second = self._outcome(arguments, census)
            if wire.encode(second) != wire.encode(outcome):
                outcome["second"] = second
            outcome["used"] = census.counts()
        return outcome

    def _outcome(self, arguments: bytes, census: Census | None = None) -> dict[str, Any]:
        positional, named = self._bound(wire.decode(arguments))
        self._check_fit(positional, named)
        before = [wire.encode(neutral(value)) for value in (*positional, *named.values())]
        outcome: dict[str, Any]
        try:
            with census or nullcontext():
                result = self.function(*positional, **named)
            outcome = {"result": neutral(result)}
            wire.encode(outcome)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # SystemExit too: what a function raises is its outcome
            outcome = {"raised": type(error).__name__, "says": described(error)}
        after = [neutral(value) for value in (*positional, *named.values())]
        names = [*self._names(len(positional)), *named]
        changed = [name for name, old, new in zip(names, before, map(wire.encode, after)) if old != new]
        if changed:
            outcome["changed"] = {name: value for name, value in zip(names, after) if name in changed}
        sys.stdout.flush()
        return outcome

    def _check_fit(self, positional: list[Any], named: dict[str, Any]) -> None:
        """Raise Misfit for arguments that the function doesn't take, whatever they hold."""
        if self.signature is not None:
            try:
                self.signature.bind(*positional, **named)
            except TypeError as error:
                raise Misfit(error) from None

    def _bound(self, given: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Return the arguments in the forms that the parameters say: by position and by name."""
        by_name = {p.name: p for p in self.parameters}
        annotations = {name: _annotation(p, self.function) for name, p in by_name.items()}
        names = self._names(len(given["positional"]))
        positional = [native(v, annotations.get(name)) for name, v in zip(names, given["positional"])]
        named = {name: native(value, annotations.get(name)) for name, value in given["named"].values.items()}
        for p in self.parameters[len(positional) :]:
            if p.kind is p.POSITIONAL_ONLY and p.name in named:
                positional.append(named.pop(p.name))
        return positional, named

    def _names(self, count: int) -> list[str]:
        names = [p.name for p in self.parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        return [*names, *(f"argument {index + 1}" for index in range(len(names), count))][:count]

    def measure(self, request: str, **arguments: Any) -> dict[str, Any]:
        """Answer a request about the function's time."""
        if self.measurer is None:
            self.measurer = Measurer(self.function, self._positional, self._names)
        return self.measurer.answer(request, **arguments)

    def _positional(self, arguments: bytes) -> tuple[list[Any], dict[str, Any]]:
        """Return arguments in the user's forms, by position as far as that can be, since names cost a call time."""
        positional, named = self._bound(wire.decode(arguments))
        for p in self.parameters[len(positional) :]:
            if p.kind is not p.POSITIONAL_OR_KEYWORD or p.name not in named:
                break
            positional.append(named.pop(p.name))
        return positional, named

    def sources(self) -> dict[str, Any]:
        """Return the files and versions of what runs here."""
        return sources.of(self.source, self.function)

    def cases(self) -> dict[str, Any]:
        """Call the function without arguments, and return the labelled inputs that it gives, as neutral values."""
        try:
            return {"cases": [neutral(list(case(number, each))) for number, each in enumerate(self.function(), 1)]}
        except Exception as error:
            return {"error": described(error)}

    def judge(self, reference: bytes, candidate: bytes) -> dict[str, Any]:
        """Call the function with two results: what it says about them, or that they are the same."""
        return judged(self.function, native(wire.decode(reference)), native(wire.decode(candidate)))


def judged(rule: Callable[[Any, Any], Any], reference: Any, candidate: Any) -> dict[str, Any]:
    """Return what a rule of the user's says about two results: how they differ, or that it fails."""
    try:
        said = rule(reference, candidate)
        if isinstance(said, str):
            return {"differs": said} if said else {}
        return {} if said is None or bool(said) else {"differs": "the rule of --compare says that they differ"}
    except AssertionError as error:
        return {"differs": described(error)}
    except Exception as error:
        return {"error": described(error)}


def _annotation(parameter: inspect.Parameter, function: Callable[..., Any]) -> Any:
    annotation = parameter.annotation
    if annotation is inspect.Parameter.empty:
        return None
    if isinstance(annotation, str):
        try:
            return eval(annotation, getattr(function, "__globals__", {}))  # the user's own source, in its own process
        except Exception:
            return annotation
    return annotation


def case(number: int, given: Any) -> tuple[str, list[Any], dict[str, Any]]:
    """Return label, positional and named arguments of an input: ``(label, arguments)``, or arguments alone."""
    label, arguments = f"case {number}", given
    if isinstance(given, tuple) and len(given) == 2 and isinstance(given[0], str):
        label, arguments = given
    if isinstance(arguments, dict):
        return label, [], arguments
    return label, list(arguments) if isinstance(arguments, tuple) else [arguments], {}


def main() -> None:
    """Answer messages until the harness closes its end."""
    reading, writing = (int(number) for number in sys.argv[1:3])
    callee = Callee()
    sys.argv[:] = [""]
    with os.fdopen(reading, "rb") as incoming, os.fdopen(writing, "wb") as outgoing:
        while True:
            head = incoming.read(8)
            if len(head) < 8:
                return
            request = wire.decode(incoming.read(struct.unpack("<Q", head)[0]))
            answer = wire.encode(getattr(callee, request.pop("do"))(**request))
            outgoing.write(struct.pack("<Q", len(answer)) + answer)
            outgoing.flush()
