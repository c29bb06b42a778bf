"""The live functions of a pair: started side by side, described, and called with the same inputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from twinbench.errors import BadInput, TwinbenchError, nearest
from twinbench.pair.inputs import Input
from twinbench.pair.layout import reversed_dimensions
from twinbench.pair.process import START_S, Died, Process, start
from twinbench.pair.target import Target

if TYPE_CHECKING:
    from twinbench.store.records import Kind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call of a function did."""

    result: Any = None
    raised: str | None = None
    """Name of the exception's type; None where the function returned."""
    says: str = ""
    """The exception in one line: type, message and the user's frames."""
    changed: dict[str, Any] | None = None
    """By name, the arguments that the call changed, with their new values."""
    second: Outcome | None = None
    """What another call with the same arguments did; None where it did the same to the last bit."""
    printed: str = ""
    """Beginning of what the function printed."""
    used: dict[str, Any] | None = None
    """The numbers of threads, processes and busy processors of another call; None where there was only one."""


def _name(description: dict[str, Any]) -> str:
    """Return what source text calls a function of Julia code, which may be anonymous."""
    name: str = description.get("name", "")
    return name if name and not name.startswith("#") else "f"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended instead of an outcome."""

    text: str
    kind: Kind


class Function:
    """A function of the user's in its process."""

    def __init__(self, process: Process, description: dict[str, Any]) -> None:
        self.process = process
        target = process.target
        self.target = target if target.function else replace(target, function=_name(description))
        self._printed = process.said_bytes()  # what the file printed when it was loaded doesn't count
        self.parameters: list[str] = list(description.get("parameters", ()))
        self.keywords: list[str] = list(description.get("keywords", ()))
        self.unnamed: list[str] = list(description.get("unnamed", ()))
        """Parameters that Python passes by position only."""
        self.takes_any: bool = description.get("any", False)

    @property
    def names(self) -> list[str]:
        """The names of all arguments."""
        return [*self.parameters, *self.keywords]

    def arguments(self, example: Input) -> tuple[list[Any], dict[str, Any]]:
        """Return an input's arguments as source text of the function's language passes them: by position, by name.

        In Julia only a keyword can be passed by name.
        """
        julia = self.target.language == "julia"
        unnamed = set(self.parameters) - set(self.keywords) if julia else set(self.unnamed)
        by_position = [name for name in example.named if name in unnamed]
        order = sorted(by_position, key=self.parameters.index)
        positional = [*example.positional, *(example.named[name] for name in order)]
        named = {name: value for name, value in example.named.items() if name not in by_position}
        if julia and self.target.layout == "reversed":
            return reversed_dimensions(positional), reversed_dimensions(named)
        return positional, named

    @property
    def name(self) -> str:
        """What messages call the function."""
        return self.target.name

    def check_names(self, example: Input) -> None:
        """Check that the function has the arguments that are given by name. Raises BadInput."""
        for name in example.named:
            if name not in self.names and not self.takes_any:
                raise BadInput(f"{self.name} has no argument '{name}'{nearest(name, self.names)}")

    def printed_so_far(self) -> None:
        """Leave what was printed up to now out of later outcomes."""
        self._printed = self.process.said_bytes()

    def send(self, arguments: bytes, *, twice: bool) -> None:
        """Have the function called, without waiting for it. Raises Died."""
        self.process.send({"do": "call", "arguments": arguments, "twice": twice})

    def outcome(self, timeout_s: float) -> Outcome:
        """Wait for the outcome of the call. Raises Died, and BadInput where the process can't have the arguments."""
        answer = self.process.answer(timeout_s)
        if "unfit" in answer:
            raise BadInput(f"{self.name}: {answer['unfit']}")
        before, self._printed = self._printed, self.process.said_bytes()
        printed = self.process.said(since=before) if self._printed > before else ""
        return _outcome(answer, printed)


def _outcome(answer: dict[str, Any], printed: str = "") -> Outcome:
    return Outcome(
        result=answer.get("result"),
        raised=answer.get("raised"),
        says=answer.get("says", ""),
        changed=answer.get("changed"),
        second=_outcome(answer["second"]) if "second" in answer else None,
        printed=printed,
        used=answer.get("used"),
    )


class Session:
    """The processes of several functions, which end together."""

    def __init__(self, targets: Sequence[Target], timeout_s: float) -> None:
        """Start the processes, without waiting for them. Raises BadInput, JuliaUnavailable and TwinbenchError."""
        self.timeout_s = timeout_s
        self._processes = start(list(targets))
        self.functions: list[Function] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for process in self._processes:
            process.close()

    def load(self) -> list[Function]:
        """Wait until all functions are loaded. Raises BadInput for one that can't be."""
        for process in self._processes:
            try:
                description = process.answer(START_S)
            except Died as error:
                raise TwinbenchError(f"{process.target.name}: {error}") from None
            if "error" in description:
                names = list(description["names"])
                hint = nearest(process.target.function, names) if names else ""
                where = f"; {process.target.where} runs it" if process.target.where else ""
                raise BadInput(f"{description['error']}{hint}{where}")
            self.functions.append(Function(process, description))
        return self.functions

    def outcomes(
        self, functions: Sequence[Function], example: Input, *, twice: bool = False, timeout_s: float | None = None
    ) -> list[Outcome | Ending]:
        """Call functions with one input, side by side; an ending instead of an outcome says how a process ended."""
        longest = self.timeout_s if timeout_s is None else min(timeout_s, self.timeout_s)
        arguments = example.encoded()
        answers: list[Outcome | Ending | None] = []
        for function in functions:
            try:
                function.send(arguments, twice=twice)
                answers.append(None)
            except Died as error:
                answers.append(Ending(str(error), error.kind))
        return [
            self._received(function, longest) if answer is None else answer
            for function, answer in zip(functions, answers, strict=True)
        ]

    def _received(self, function: Function, timeout_s: float) -> Outcome | Ending:
        try:
            return function.outcome(timeout_s)
        except Died as error:
            return Ending(str(error), error.kind)

    def restart(self, function: Function) -> None:
        """Start the process of a function anew, after it ended. Raises Died."""
        (process,) = start([function.target])
        self._processes.append(process)
        process.answer(START_S)
        function.process = process
        function.printed_so_far()

    def reload(self, function: Function) -> None:
        """Load a function anew, so that what it kept of earlier calls is gone. Raises Died."""
        function.process.ask(function.target.loading(), START_S)
        function.printed_so_far()
