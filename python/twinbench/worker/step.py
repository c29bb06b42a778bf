"""A step inside its worker: the op, its parameters and framework, and where the inputs come from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays, Kind, Op
from twinbench.usercode import op as own_ops
from twinbench.usercode.function import Function
from twinbench.worker import measure, own
from twinbench.worker.job import StepJob


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
    own: own.Implementation | None = None
    """The user's function; None where the framework has the op."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        """Kinds of the inputs that aren't files."""
        return tuple(kind for kind in self.op.inputs if kind != "file")

    @property
    def implementation(self) -> Callable[..., Any]:
        """The framework's function for the op, or the user's."""
        return self.framework.ops[self.op.name] if self.own is None else self.own

    def call(self, *inputs: Any) -> partial[Any]:
        """Return the call with these inputs that is timed. A Python function of the user's is called directly."""
        if self.own is not None and self.framework.language == "python":
            return partial(self.own.function, *inputs, **self.params)
        return partial(self.implementation, self.params, *inputs)

    def extract(self, output: Any) -> Arrays:
        """Return an output of the step in neutral form. Raises UserCodeError for what a function shouldn't return."""
        if self.own is not None:
            return self.own.extract(self.framework, self.op, output)
        return self.framework.extract(output, self.op.output)

    @property
    def measure(self) -> ModuleType:
        """The measuring module: Julia code is timed inside Julia, by the same protocol."""
        return import_module("twinbench.worker.julia_measure") if self.framework.language == "julia" else measure

    def prepared_given(self, directory: str | None) -> list[Any]:
        """Return the givens that were saved in a directory, in the framework's form; empty without a directory."""
        return [] if directory is None else [self.framework.prepare(arrays.load(Path(directory)), "arrays")]

    def facts(self, output: Any) -> Any:
        """Describe how the framework holds an output; what a function of the user's returns may be anything."""
        try:
            if self.own is not None and self.op.output == "saved":
                path = self.own.saved(output)
                files = [path] if path.is_file() else path.rglob("*")
                return {"bytes": str(sum(file.stat().st_size for file in files if file.is_file()))}
            return self.framework.facts(output, self.op.output)
        except Exception:
            if self.own is None:
                raise
            return {}  # the check of agreement says what is wrong with it


def resolve(step: StepJob) -> Step:
    """Look up the op and the framework of a step, and build the parameters."""
    framework = registry.get(step.framework, step.plugin)
    if step.own is None:
        op = ops.get(step.op, step.op_plugin)
        params, implementation = op.build(step.params), None
    else:
        kinds: Any = (step.own.inputs, step.own.output, step.own.role)
        op = own_ops.in_worker(step.op, *kinds)
        directory = own.directory_of(step.id) if op.role == "export" else None
        params = own_ops.arguments(step.params, directory)
        function = Function(step.own.file, step.own.function, step.own.digest)
        implementation = own.Implementation(function, len(op.inputs), params)
    return Step(
        id=step.id,
        op=op,
        params=params,
        framework=framework,
        inputs=step.inputs,
        file=step.file,
        given=step.given,
        needed=step.needed,
        own=implementation,
    )


def exported(steps: Mapping[str, Step], outputs: Mapping[str, Any], step: str) -> Path | None:
    """Export a step's model, by the user's step that does so or else by the framework, and return where it is.

    ``steps`` and ``outputs`` are those of a worker. None if neither can export the model.
    """
    model = steps[step]
    if model.own is not None and model.op.role == "load":
        (export,) = model.inputs
        return exported(steps, outputs, *steps[export].inputs)
    for own_step in steps.values():
        if own_step.own is not None and own_step.op.role == "export" and own_step.inputs == (step,):
            return own_step.own.saved(own_step.implementation(own_step.params, outputs[step]))
    able = next((op for op in ops.of_role("export") if op.name in model.framework.ops), None)
    if able is None:
        return None
    saved = model.framework.ops[able.name](able.build({}), outputs[step])
    return Path(str(getattr(saved, "path", saved)))  # a path, or a Julia value that has one
