"""The first message to a worker: which steps of a cell it runs, with which framework, and what they are given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from twinbench.worker.content import Content


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnStep(Content):
    """The op of a step that the pipeline's file declares, and the user's function, as in `usercode.function`."""

    file: str
    function: str
    digest: str
    inputs: tuple[str, ...]
    output: str
    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepJob(Content):
    """One step of a cell. It names code and paths, and never carries code."""

    id: str
    op: str
    """Name of the op."""
    op_plugin: str | None = None
    """Entry point of the plug-in that has the op, ``module:attribute``; None for an op of twinbench's or the user's."""
    params: dict[str, Any]
    inputs: tuple[str, ...]
    """Ids of steps, of this worker or another, or names of values."""
    framework: str
    """Name of the framework."""
    plugin: str | None = None
    """Entry point of the plug-in that has the framework, ``module:attribute``; None for one of twinbench's own."""
    file: str | None = None
    """Path of the file that the step reads; None for a step without a file."""
    given: str | None = None
    """Directory of the arrays that every implementation gets as its last argument; None where the op has no givens."""
    needed: bool
    """Whether a later step takes the output, in this worker or another."""
    own: OwnStep | None = None
    """The user's own op; None for an op that is installed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedValue(Content):
    """A value whose arrays are saved in a directory, and the value's kind."""

    directory: str
    kind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Content):
    """The cell of a worker, or its part of the cell."""

    threads: int
    device: str = "cpu"
    steps: tuple[StepJob, ...]
    values: dict[str, SavedValue]
    """Inputs that no step of the stack makes, such as the dataset's value."""
    handovers: str = ""
    """Directory of the outputs that other workers save for this one, in directories named after their steps."""
    served: bool = False
    """Whether the worker serves a model, and must outlive the thread that started it."""
