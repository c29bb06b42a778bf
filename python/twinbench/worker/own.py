"""A function of the user's as the implementation of a step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.julia_bridge import OwnJuliaOp, type_name
from twinbench.ops.contract import Arrays, Op
from twinbench.usercode.function import Function, UserCodeError
from twinbench.usercode.op import JULIA


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

    def extract(self, framework: Framework, op: Op, output: Any) -> Arrays:
        """Return an output in neutral form. Raises UserCodeError if the framework can't take it for the op's kind."""
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


def _not_loaded(*_: Any, **__: Any) -> None:
    raise UserCodeError("the function was called before it was loaded")
