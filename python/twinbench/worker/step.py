"""A step inside its worker: the op, its parameters and framework, and where the inputs come from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops import arrays
from twinbench.ops.contract import Kind, Op
from twinbench.worker import measure
from twinbench.worker.protocol import StepJob


@dataclass(frozen=True, slots=True)
class Step:
    """One step, resolved: the op, its parameters and framework, and where the inputs come from."""

    id: str
    op: Op
    params: Any
    framework: Framework
    inputs: tuple[str, ...]
    file: str | None
    given: str | None
    needed: bool
    """Whether a later step takes the output, in this worker or another."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the inputs that aren't files."""
        return tuple(kind for kind in self.op.inputs if kind != "file")

    @property
    def implementation(self) -> Callable[..., Any]:
        """The framework's function for the op."""
        return self.framework.ops[self.op.name]

    @property
    def measure(self) -> ModuleType:
        """The measuring module: Julia code is timed inside Julia, by the same protocol."""
        return import_module("twinbench.worker.julia_measure") if self.framework.language == "julia" else measure

    def prepared_given(self, directory: str | None) -> list[Any]:
        """Return the givens that were saved in a directory, in the framework's form; empty without a directory."""
        return [] if directory is None else [self.framework.prepare(arrays.load(Path(directory)), "arrays")]


def resolve(step: StepJob) -> Step:
    """Look up the op and the framework of a step, and build the parameters."""
    op = ops.get(step.op)
    return Step(
        id=step.id,
        op=op,
        params=op.build(step.params),
        framework=registry.get(step.framework, step.plugin),
        inputs=step.inputs,
        file=step.file,
        given=step.given,
        needed=step.needed,
    )
