"""Ops that a pipeline's file declares: a contract like that of any op, whose functions are in the user's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from twinbench.ops.contract import Kind, Op, Role
from twinbench.usercode import values
from twinbench.usercode.function import Function, UserCodeError

PYTHON, JULIA = "Python", "Julia"
"""Frameworks that run the functions which no other framework is named for: they hold values in neutral form."""

DIRECTORY = "directory"
"""Argument of a function with the role export: the directory into which it writes, the same in every call."""

FILE_PARAM = "file"
"""Parameter that names the file which an own op reads; the function gets the file's path instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnOp(Op):
    """An op of the user's."""

    functions: Mapping[str, Function]
    """Implementations by the framework that runs them."""

    @property
    def reference_function(self) -> Function:
        """The function that says what is right."""
        reference: Reference = self.reference  # type: ignore[assignment]  # no other is ever given
        return reference.function

    def reference_into(self, directory: Path) -> Reference:
        """Return the reference; that of an op with the role export gets a directory to write into."""
        reference: Reference = self.reference  # type: ignore[assignment]  # no other is ever given
        return replace(reference, directory=directory) if self.role == "export" else reference

    @property
    def code(self) -> list[Function]:
        """Every function of the op, the reference first."""
        return list(dict.fromkeys([self.reference_function, *self.functions.values()]))


@dataclass(frozen=True, slots=True)
class Reference:
    """The reference of an own op, which imports the user's file when it is called for the first time."""

    function: Function
    output: Kind
    role: Role
    directory: Path | None = None
    """Directory into which a function with the role export writes; None for every other function."""

    def __call__(self, params: Any, *inputs: Any) -> Any:
        """Return the function's output; arrays of the inputs are read-only.

        Raises UserCodeError for whatever the function raises, for a changed input, and for an output of another kind.
        """
        named = arguments(asdict(params), self.directory)
        function = self.function.load(len(inputs), named)
        handed = [dict(value) if isinstance(value, Mapping) else value for value in inputs]
        try:
            output = function(*handed, **named)
        except MemoryError:
            raise
        except (Exception, SystemExit) as error:
            raise UserCodeError(f"{self.function.text}: {self.function.described(error)}") from error
        self._check_inputs(inputs, handed)
        try:
            if self.directory is not None:
                return values.saved(output, self.directory)
            arrays = values.neutral(output, self.output, self.role)
        except UserCodeError as error:
            raise UserCodeError(f"{self.function.text} {error}") from None
        return output if self.output == "model" else arrays

    def _check_inputs(self, inputs: Sequence[Any], handed: Sequence[Any]) -> None:
        for before, after in zip(inputs, handed, strict=True):
            if isinstance(before, Mapping):
                same = before.keys() & after.keys()
                changed = [n for n in {**before, **after} if n not in same or before[n] is not after[n]]
                if changed:
                    raise UserCodeError(f"{self.function.text} changes its input '{changed[0]}'; let it work on a copy")


def arguments(params: Mapping[str, Any], directory: Path | None = None) -> dict[str, Any]:
    """Return what a function gets by name: lists for tuples, no name of a file, and the directory that it writes into.

    The directory is made unless it is there or None.
    """
    named = {name: list(value) if isinstance(value, tuple) else value for name, value in params.items()}
    plain = {name: value for name, value in named.items() if name != FILE_PARAM}
    if directory is None:
        return plain
    directory.mkdir(parents=True, exist_ok=True)
    return plain | {DIRECTORY: str(directory)}


def in_worker(name: str, inputs: tuple[Kind, ...], output: Kind, role: Role) -> Op:
    """Return what a worker needs to know of an own op."""
    return Op(
        name=name,
        params=dict,
        inputs=inputs,
        output=output,
        role=role,
        summary="",
        semantics="",
        source="",
        reference=_not_here,
    )


def _not_here(*_: Any) -> None:
    raise NotImplementedError("the reference runs in a worker of its own")
