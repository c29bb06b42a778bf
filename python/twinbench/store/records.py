"""What the store holds, as plain data: one class per table, and the words for a cell's state.

Knows no database and no numerics.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, get_args

from twinbench.numbers.spreads import Spreads

SampleKind = Literal["import", "first_call", "steady", "boundary"]


LOOK = "first_look_s"
"""Key of the fact with the seconds of one execution of each step at the end of its warm-up, before the first block."""

MODEL = "model"
"""Key of the fact of a cell that describes its model, and name of the directory of the model's files."""

EXAMPLE = "example.npy"
"""Name of the file of a cell that holds the first test rows, as the model takes them."""

TRAINED = "trained.npz"
"""Name of the file of a cell that holds ``sample``, ``low`` and ``high`` of the features that its model was trained on,
and ``y_test``, the classes of the test rows."""

PEAK = "peak_rss_bytes"
"""Key of the fact with the largest resident set of any of a cell's processes, those before a resumption included; with
``:`` and the ordinal of a process it is that of one process."""

SCORES = "scores.npy"
"""Name of the file of a cell that holds the scores of the test rows: float32, (rows,) or (rows, classes)."""

NO_QUALITY = "no_quality"
"""Key of the fact of a cell that says why the metrics of its predictions can't be computed."""


class Status(StrEnum):
    """The state of a cell: ``planned -> running -> done``, or one of the ways to end without a ranked result."""

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
        """Whether the cell needs no more work."""
        return self not in (Status.PLANNED, Status.RUNNING)


ENDINGS = frozenset(status for status in Status if status.ended)

TRANSITIONS: dict[Status, frozenset[Status]] = {
    Status.PLANNED: ENDINGS | {Status.RUNNING},
    Status.RUNNING: ENDINGS | {Status.RUNNING},
    **dict.fromkeys(ENDINGS, frozenset()),
}
"""Statuses that may follow, by status of a cell. Each further process sets ``running`` again; an end is final.

A resumed run may end a cell that was only planned, where only the check of its predictions was missing."""

FAILURE = "failure"
"""Key of a run's arguments under which the reason stands why the run failed."""

Kind = Literal[
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
]
"""Reason why a cell didn't end as ``done``. Empty if the cell is done or hasn't ended."""

KINDS = get_args(Kind)
"""All such reasons."""


COMMAND = "command"
"""Key in a run's arguments: the words after ``twinbench run``, or after another command, that make the run again. Older
stores lack this key."""

SUBCOMMAND = "subcommand"
"""Key in a run's arguments: the command of twinbench that made the run, where it isn't ``run``."""

ORIGIN = "merged_from"
"""Key in the arguments of a run that was copied from another store: the host or the file of that store."""


@dataclass(frozen=True, slots=True)
class Run:
    """One invocation of ``twinbench run``."""

    id: str
    created: str
    """ISO 8601, UTC."""
    arguments: dict[str, Any]
    environment: dict[str, Any]
    """The record of the machine, the versions and the threads, as the runner found them."""
    status: str
    """``running``, ``done``, ``interrupted`` or ``failed``: ended by an error of twinbench's own."""

    @property
    def spreads(self) -> Spreads:
        """The spreads of the machine: those of its selftest before the run, or else the usual ones.

        Older stores have the selftest's figures beside the selftest, too.
        """
        return Spreads.of(self.environment | self.environment.get("selftest", {}))


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
        """The steps, the data's checksum and the amount of data: equal for two pipelines that are the same work."""
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
    """Why the cell isn't done, in words. Empty otherwise."""
    stderr: str
    """The tail of the worker's stderr. Empty unless the worker failed."""
    changed: str
    """When the status was last set: ISO 8601, UTC."""
    variant: str = ""
    """Value of what a sweep varies beside the stack: threads, versions, an environment. Empty without a sweep."""

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
    collector_ns: float | None = None
    """Time of the garbage collector in the long run. None where the sample itself pays, and in older stores."""

    @property
    def time_ns(self) -> float:
        """The wall time, with the collector's time in the long run instead of what fell into this sample."""
        if self.collector_ns is None or self.gc_ns is None:
            return self.wall_ns
        return max(self.wall_ns - self.gc_ns, 0.0) + self.collector_ns


@dataclass(frozen=True, slots=True)
class Agreement:
    """The distance of one output of a step from the reference's."""

    step: str
    output: str
    """Column or array name."""
    level: str
    """Level of agreement: ``exact``, ``rounding``, ``approximate`` or ``different``, which is outside the tolerance."""
    error: float
    """Largest error as a multiple of the tolerance: at most 1 agrees. Infinite where shapes or types differ."""
    max_abs: float
    """Largest absolute error, in the output's own unit. Infinite where no error can be computed."""
    ok: bool
    detail: str = ""
    """Description of what differs. Empty if nothing differs."""
    psnr_db: float | None = None
    """Peak signal-to-noise ratio of 8-bit images. None for any other output, and where nothing differs."""
    declared: str = ""
    """Reason why the library can't follow the contract, if its framework declares one. Empty otherwise."""


@dataclass(frozen=True, slots=True)
class Quality:
    """A metric of the predictions on the held-out split, for one seed."""

    metric: str
    value: float
    seed: int


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that was read back from the live worker: ``peak_rss_bytes``, ``threads``, ``dtypes``, ..."""

    step: str
    """Step id; empty for the whole cell."""
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Baseline:
    """The metric of a simple model on the same split: a dummy, a logistic regression."""

    pipeline: str
    size: str
    name: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Noise:
    """A disturbance of the machine at a time (ISO 8601, UTC)."""

    at: str
    facts: dict[str, Any]
