"""One call of an op by a framework on a drawn case, beside the answer of the reference."""

from __future__ import annotations

import copy
import hashlib
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import reject

from twinbench import ops
from twinbench.conformance.case import Case, Files
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import NEUTRAL, Arrays, Kind, Op, OutsideContract
from twinbench.plan.stack import deviation
from twinbench.run.agree.agreement import check_agreement
from twinbench.run.agree.variation import copy as copy_path
from twinbench.run.agree.variation import vary_arrays
from twinbench.store.records import Agreement


@dataclass(frozen=True, slots=True)
class Question:
    """A drawn case as the harness hands it to a framework, with the reference's answer."""

    op: Op
    case: Case
    params: Any
    inputs: tuple[Any, ...]
    """Neutral values, and paths for files; the givens last, where the op has them."""
    kinds: tuple[Kind, ...]
    """The kinds of ``inputs``."""
    want: Arrays
    scale: Arrays

    def check_agreement(self, got: Arrays, framework: Framework | None = None) -> list[Agreement]:
        """Check an output as the harness does, with the deviation that the framework declares."""
        declared = None if framework is None else deviation(framework, self.op.name)
        return check_agreement(self.op, got, self.want, declared, self.params, self.scale, self.inputs)

    def complete(self, output: Arrays) -> Arrays:
        """Add to an output what the op derives from it for the check."""
        return output if self.op.derived is None else output | self.op.derived(self.params, output, *self.inputs)

    def check_complete(self, got: Arrays) -> list[Agreement]:
        """Check an output that has what the op derives from it."""
        inputs = self.inputs if self.op.derived is None else ()
        return check_agreement(self.op, got, self.complete(self.want), None, self.params, self.scale, inputs)


def ask(op: Op, case: Case, directory: Path) -> Question:
    """Write the files of a case into a directory, and have the reference answer it.

    A case that the contract excludes is rejected: hypothesis draws another one.
    """
    params = op.build(case.values)
    values = [value.write(directory) if isinstance(value, Files) else value for value in case.inputs]
    try:
        op.requires(params, *values)
    except OutsideContract:
        reject()
    inputs = list(values)
    kinds: tuple[Kind, ...] = op.inputs
    if op.givens is not None:
        inputs.append(op.givens(params, *values))
        kinds = (*kinds, "arrays")
    want, scale = (_trained if op.role == "train" else _answer)(op, params, inputs)
    return Question(op, case, params, tuple(inputs), kinds, want, scale)


def _answer(op: Op, params: Any, inputs: list[Any]) -> tuple[Arrays, Arrays]:
    """Compute the reference's output, and the unit of its tolerance."""
    want: Arrays = op.reference(params, *inputs)
    scale = {} if op.scale is None else op.scale(params, want, *inputs)
    return want, {name: np.asarray(unit) for name, unit in scale.items()}


_TRAININGS: dict[bytes, tuple[Arrays, Arrays]] = {}
"""Answers of the references that train, which are drawn from few cases and take long."""


def _trained(op: Op, params: Any, inputs: list[Any]) -> tuple[Arrays, Arrays]:
    """Compute the reference's answer of an op that trains, once for each case."""
    digest = hashlib.sha256(f"{op.name} {op.reference!r} {params!r}".encode())
    for arrays in inputs:
        for name, values in arrays.items():
            digest.update(f"{name} {values.dtype} {values.shape}".encode() + np.ascontiguousarray(values).tobytes())
    key = digest.digest()
    if key not in _TRAININGS:
        _TRAININGS[key] = _answer(op, params, inputs)
    return _TRAININGS[key]


class Trial:
    """A framework's call: prepared inputs and outputs, each computed when a check first asks for it."""

    def __init__(self, framework: Framework, question: Question) -> None:
        self.framework = framework
        self.question = question
        self.before = copy.deepcopy(question.inputs)
        """The inputs as they were before anything was prepared."""

    @cached_property
    def native(self) -> list[Any]:
        """The inputs in the framework's form."""
        return [self._prepare(v, kind) for v, kind in zip(self.question.inputs, self.question.kinds, strict=True)]

    @cached_property
    def arrived(self) -> list[tuple[int, Arrays]]:
        """The prepared inputs in neutral form again, as they are when a check first asks."""
        return self.neutral()

    @cached_property
    def got(self) -> Arrays:
        """The neutral output of the first call."""
        return self.call()

    def call(self) -> Arrays:
        """Call the op, and return a copy of its neutral output."""
        op = self.question.op
        output = self.framework.ops[op.name](self.question.params, *self.native)
        return copied(self.framework.extract(output, op.output))

    def call_anew(self) -> Any:
        """Call the op on copies of the inputs that no call has seen, and return the native output.

        A file is copied, and deleted after the call.
        """
        question = self.question
        with tempfile.TemporaryDirectory() as directory:
            inputs = [
                _copied_file(value, Path(directory) / str(number))
                if kind == "file"
                else self._prepare(copied(value) if isinstance(value, dict) else value, kind)
                for number, (value, kind) in enumerate(zip(question.inputs, question.kinds, strict=True))
            ]
            return self.framework.ops[question.op.name](question.params, *inputs)

    def neutral(self) -> list[tuple[int, Arrays]]:
        """The prepared inputs in neutral form again, by position; those that have a neutral form."""
        return [
            (position, copied(self.framework.extract(value, kind)))
            for position, (value, kind) in enumerate(zip(self.native, self.question.kinds, strict=True))
            if kind in NEUTRAL
        ]

    def _prepare(self, value: Any, kind: Kind) -> Any:
        if kind == "file":
            return value
        if kind == "saved":
            export = next(op for op in ops.of_modality(self.question.op.modality) if op.role == "export")
            return self.framework.ops[export.name](export.build({}), self.framework.prepare(value, "model"))
        return self.framework.prepare(value, kind)


def other(question: Question) -> Question | None:
    """Return a question of the same shapes about other rows; None where the contract or the inputs don't allow it."""
    op, params, kinds = question.op, question.params, question.op.inputs
    values = [
        vary_arrays(value, "rotated", 0) if kind in ("table", "arrays", "images") and value else value
        for value, kind in zip(question.inputs, kinds, strict=False)
    ]
    try:
        op.requires(params, *values)
        inputs = [*values, op.givens(params, *values)] if op.givens is not None else values
        want: Arrays = op.reference(params, *inputs)
        scale = {} if op.scale is None else op.scale(params, want, *inputs)
    except OutsideContract:
        return None
    units = {name: np.asarray(unit) for name, unit in scale.items()}
    return Question(op, question.case, params, tuple(inputs), question.kinds, want, units)


def _copied_file(source: str, target: Path) -> str:
    target.mkdir()
    path = target / Path(source).name
    copy_path(Path(source), path)
    return str(path)


def copied(arrays: Arrays) -> Arrays:
    """The same arrays in memory of their own: a library may lend its memory."""
    return {name: np.array(values) for name, values in arrays.items()}
