"""What the store holds, as plain data: one class per table, and the words that a cell's state is told in.

Knows no database and no numerics.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

SampleKind = Literal["import", "first_call", "steady", "boundary"]


MODEL = "model"
"""The fact of a cell that tells of its model, and the directory of its files."""

EXAMPLE = "example.npy"
"""The file of a cell that holds the first test rows as the model takes them."""

TRAINED = "trained.npz"
"""The file of a cell that holds what its model was trained on: ``sample``, ``low`` and ``high`` of the features, and
``y_test``, the classes of the test rows."""

SCORES = "scores.npy"
"""The file of a cell that holds the scores of the test rows: float32, (rows,) or (rows, classes)."""


class Status(StrEnum):
    """Where a cell is: ``planned -> running -> done``, or one of the ways to end without a ranked result."""

    PLANNED = "planned"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    TIMEOUT = "timeout"
    OOM = "oom"
    UNAVAILABLE = "unavailable"
    DISAGREES = "disagrees"

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be done for the cell."""
        return self not in (Status.PLANNED, Status.RUNNING)


ENDINGS = frozenset(status for status in Status if status.ended)

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PLANNED: ENDINGS | {Status.RUNNING},
    Status.RUNNING: ENDINGS | {Status.RUNNING},
    **dict.fromkeys(ENDINGS, frozenset()),
}
"""By status of a cell, the statuses that may follow. Each further process sets ``running`` again; an end is final.

A resumed run may end a cell that was planned only: what was missing is the verdict."""

KINDS = (
    "",
    "wrong answer",
    "time-out",
    "memory",
    "signal",
    "exit",
    "exception",
    "protocol",
    "threads",
    "unsupported",
    "unavailable",
)
"""Why a cell didn't end as ``done``. Empty where it did, or hasn't ended."""


COMMAND = "command"
"""In the arguments of a run: the words after ``twinbench run`` that make the run again. Older stores lack them."""

WARM_UP_S = 1.0
"""Seconds after which warm-up ends even if the times still fall; a step's ``settled`` says so then."""

ORIGIN = "merged_from"
"""In the arguments of a run that was copied from another store: the host or the file that it came from."""


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation."""

    id: str
    created: str
    """ISO 8601, UTC."""
    arguments: dict[str, Any]
    environment: dict[str, Any]
    """The record of the machine, the versions and the threads, as the runner found them."""
    status: str
    """``running``, ``done`` or ``interrupted``."""


@dataclass(frozen=True, slots=True)
class PlannedPipeline:
    """A pipeline as it was when the run started, and the data it ran on."""

    name: str
    size: str
    spec: dict[str, Any]
    """JSON data with ``modality``, ``question``, ``metric``, ``baseline``, ``target`` and ``steps``, each with ``id``,
    ``op`` and ``params``."""
    dataset: dict[str, Any]
    """``name``, ``sha256``, ``unit``, ``amount`` and more; empty where a pipeline needs no data."""

    @property
    def work(self) -> tuple[Any, ...]:
        """What makes two pipelines the same work: the steps, and which data and how much of it."""
        return self.spec["steps"], self.dataset.get("sha256"), self.dataset.get("amount")


@dataclass(frozen=True, slots=True)
class Cell:
    """One pipeline x stack x size x variant."""

    id: int
    run_id: str
    pipeline: str
    stack: str
    size: str
    steps: dict[str, str]
    """Framework by step id, in the order of the steps."""
    fingerprint: str
    """Hash of the implementations and the library versions: results of different fingerprints aren't comparable."""
    status: Status
    kind: str
    """One of `KINDS`."""
    reason: str
    """Why it isn't done, in words. Empty otherwise."""
    stderr: str
    """The tail of the worker's stderr. Empty unless the worker failed."""
    changed: str
    """When the status was last set: ISO 8601, UTC."""
    variant: str = ""
    """What a sweep varies beside the stack: threads, versions, an environment. Empty where there is no sweep."""

    @property
    def label(self) -> str:
        """The stack's name, with the variant where there is one: unique in its run, pipeline and size."""
        return f"{self.stack} ({self.variant})" if self.variant else self.stack


@dataclass(frozen=True, slots=True)
class Sample:
    """One timed value. All times are nanoseconds per evaluation."""

    process: int
    """Ordinal of the process among those of the cell: samples of one process aren't independent."""
    block: int
    """Ordinal of the burst in the process: bursts of all stacks in one block were taken side by side."""
    step: str
    """Step id; empty for an import."""
    kind: SampleKind
    wall_ns: float
    evals: int = 1
    """Evaluations that were timed together."""
    cpu_ns: float | None = None
    """CPU time of all threads of the process; None where it wasn't measured."""
    gc_ns: float | None = None
    """Time in the garbage collector; None where it wasn't measured."""
    detail: str = ""
    """The framework of an import; ``in`` or ``out`` of a boundary."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far one output of a step is from the reference's."""

    step: str
    output: str
    """Column or array name."""
    level: str
    """How it compares: ``exact``, ``rounding``, ``approximate`` or ``different``, which is outside the tolerance."""
    error: float
    """Largest error as a multiple of the tolerance: at most 1 is inside. Infinite where shapes or types differ."""
    max_abs: float
    """Largest absolute error, in the output's own unit. Infinite where there is none to give."""
    ok: bool
    detail: str = ""
    """What differs, in words. Empty when nothing does."""
    psnr_db: float | None = None
    """Peak signal-to-noise ratio of 8-bit images. None for anything else, and where nothing differs."""
    declared: str = ""
    """Why the library can't follow the contract, where its framework says so. Empty otherwise."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A metric of the predictions on the held-out split, for one seed."""

    metric: str
    value: float
    seed: int


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was read back from the live worker: ``peak_rss_bytes``, ``threads``, ``dtypes``, ..."""

    step: str
    """Step id; empty for the whole cell."""
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a model without our stacks reaches on the same split: a dummy, a logistic regression."""

    pipeline: str
    size: str
    name: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Noise:
    """What disturbed the machine at a time (ISO 8601, UTC)."""

    at: str
    facts: dict[str, Any]
