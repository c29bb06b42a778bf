"""A function of the user's as the implementation of a step."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.julia_bridge import OwnJuliaOp, type_name
from twinbench.ops.contract import Arrays, Op
from twinbench.usercode import values
from twinbench.usercode.function import Function, UserCodeError
from twinbench.usercode.op import DIRECTORY, JULIA


class Implementation:
    """A function that is loaded after its framework, and called as the implementation of any op is."""

    def __init__(self, source: Function, inputs: int, params: Mapping[str, Any]) -> None:
        self.source = source
        self.function: Callable[..., Any] = _not_loaded
        """The function itself, which gets parameters by name; in Julia an op, which gets a mapping of them first."""
        self._inputs = inputs
        self._params = params

    def load(self) -> None:
        """Import or include the file. Raises UserCodeError."""
        if self.source.language == "julia":
            op = OwnJuliaOp(self.source)
            op.load()
            self.function = op
        else:
            self.function = self.source.load(self._inputs, self._params)

    def bind(self, params: Any, *inputs: Any) -> Any:
        """Return a Julia ``Call``, as an op of Julia does."""
        op: Any = self.function
        return op.bind(params, *inputs)

    def __call__(self, params: Any, *inputs: Any) -> Any:
        """Run once: native inputs, native result."""
        if self.source.language == "julia":
            return self.function(params, *inputs)
        return self.function(*inputs, **params)

    def saved(self, output: Any) -> Path:
        """Return the path that a function with the role export wrote. Raises UserCodeError if it didn't write one."""
        is_text = self.source.language == "julia" and not isinstance(output, str)
        value = str(output) if is_text and type_name(output).endswith("String") else output
        try:
            return values.saved(value, Path(self._params[DIRECTORY]))
        except UserCodeError as error:
            raise UserCodeError(f"{self.source.text} {error}") from None

    def extract(self, framework: Framework, op: Op, output: Any) -> Arrays:
        """Return an output in neutral form. Raises UserCodeError if the framework can't take it for the op's kind.

        A saved model has no arrays: what is loaded from it is checked.
        """
        if op.output == "saved":
            self.saved(output)
            return {}
        try:
            return framework.extract(output, op.output)
        except UserCodeError as error:
            raise UserCodeError(f"{self.source.text} {error}") from None
        except MemoryError:
            raise
        except Exception as error:
            what = type_name(output)[:200] if self.source.language == "julia" else type(output).__name__
            held = (
                "a NamedTuple of arrays" if framework.name == JULIA else f"what {framework.name} holds as {op.output}"
            )
            raise UserCodeError(
                f"{self.source.text} returns a value of type {what} instead of {held}: {self.source.described(error)}"
            ) from error


def directory_of(step: str) -> Path:
    """Return the directory into which a step with the role export writes, in the process's directory for such files."""
    return Path(tempfile.gettempdir()) / f"saved-{step}" / "model"


def _not_loaded(*_: Any, **__: Any) -> None:
    raise UserCodeError("the function was called before it was loaded")
