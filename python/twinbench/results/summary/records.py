"""The figures of a run that views show, as plain data: every field with its unit, its meaning and when it is absent.

Knows no store and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from twinbench.numbers.equivalence import Equivalence
from twinbench.numbers.stats import Interval, Ratio
from twinbench.results.models.endpoints import Endpoint
from twinbench.store.records import Status


@dataclass(frozen=True, slots=True)
class RequestLatency:
    """Quantiles in seconds over all steady samples of a step, each of which is one request."""

    p50_s: float
    p95_s: float
    p99_s: float
    requests: int
    """Number of requests."""


@dataclass(frozen=True, slots=True)
class StepSummary:
    """The figures of one step of one cell. Times are seconds."""

    step: str
    op: str
    framework: str
    first_call_s: float | None
    """Median over processes of the first execution, compilation included. None if the step never ran."""
    steady: Interval | None
    """Typical time of one execution after warm-up. None if it wasn't measured."""
    mean_s: float | None
    """Mean of the steady samples, rare slow ones included. None if it wasn't measured."""
    p95_s: float | None
    """Time that 95 of 100 steady samples don't exceed, garbage collections included. None if it wasn't measured."""
    boundary_in_s: float | None
    """Time to bring the inputs into this framework's form. None if it wasn't measured, 0 if no conversion was
    needed."""
    boundary_out_s: float | None
    """Time to bring the output back for the check against the reference. None if it wasn't measured."""
    samples: int
    """Number of steady samples, in all processes."""
    share: float | None
    """Share of the cell's steady total, between 0 and 1. None without a total."""
    level: str | None
    """Tolerance class of the worst output: ``exact``, ``rounding``, ``approximate`` or ``different``. None if no output
    was checked against the reference."""
    error: float | None
    """Largest error as a multiple of the tolerance: at most 1 agrees; infinite where shapes or types differ. None if no
    output was checked."""
    agrees: bool | None
    """Whether all outputs are inside the tolerance. None if no output was checked."""
    max_abs: float | None
    """Largest absolute error of any output. None if no output was checked."""
    psnr_db: float | None
    """Lowest peak signal-to-noise ratio of any output, in decibels. None where no 8-bit image differs."""
    declared: str
    """Why the library can't follow the contract here. Empty where it can."""
    rank: int | None
    """Rank of an independent step: 1 plus the number of stacks that are distinguishably faster. None for steps that
    aren't independent, for a step that disagrees, and where ``assumed``."""
    assumed: bool
    """Whether an independent step has no rank for this reason only: it was measured in too few processes, so that the
    spread between them is assumed."""
    ratio: Ratio | None
    """Ratio to the ranked stack with the least time at this step. None for that stack, and for steps without a
    rank."""
    rss_increase_bytes: int | None
    """Bytes by which the step raised the peak memory. None if it wasn't measured."""
    per_second: float | None
    """Examples trained on or scored per second. None for other kinds of steps."""
    latency: RequestLatency | None
    """Latency of a step whose samples are single requests. None for other steps."""
    saved_bytes: int | None
    """Size in bytes on disk of the model that the step saved. None for other kinds of steps."""
    discarded: int | None
    """Samples that warm-up threw away. None if it wasn't recorded."""
    settled: bool | None
    """Whether no change of the times was seen when warm-up ended. None if it wasn't recorded."""
    trend: str | None
    """What the times did when the first process's warm-up ended: ``settled``, ``faster``, ``slower``, or
    ``short``: a step of more than 0.1 s ends its warm-up before a change can be seen. None if it wasn't recorded."""
    allocated_bytes: float | None
    """Bytes that an execution allocates. None in Python, and if it wasn't recorded."""
    gc_share: float | None
    """Share of the steady time that the garbage collector takes. None if it wasn't measured."""
    parts_at: tuple[int, int] | None = None
    """Step of a training from which on trainings that differ by roundings part, and the number of its steps. None where
    they don't part."""

    @property
    def changing(self) -> bool:
        """Whether the times were seen to get faster or slower when warm-up ended."""
        return self.trend in ("faster", "slower")


@dataclass(frozen=True, slots=True)
class QualitySummary:
    """A metric of the predictions on the held-out split, over the seeds."""

    metric: str
    mean: float
    low: float
    """The lowest value of any seed."""
    high: float
    """The highest value of any seed."""
    seeds: int
    """Number of seeds."""
    against: str
    """The stack with the best mean, which the others are tested against. Empty for that stack, and if none is
    tested."""
    equivalence: Equivalence | None
    """Result of the test against the best stack. None for that stack, and if none is tested."""
    seed_sd: float | None = None
    """Standard deviation between seeds. None with one seed."""
    row_error: float | None = None
    """Standard error that the test rows give: other rows of the same kind would give another quality. None for another
    metric than the pipeline's, and where the predictions weren't stored."""
    row_correlations: Mapping[str, float] = field(default_factory=dict)
    """Correlation of this error with that of each other stack, which is judged on the same rows, as far as known."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The loss and the quality after a number of epochs."""

    epoch: int
    """Number of epochs."""
    seconds: float
    """Duration of a training with this many epochs."""
    loss: float
    """Mean loss over the batches of the last epoch."""
    metrics: Mapping[str, float]
    """Metrics of the predictions on the held-out split, by name."""


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """The figures of one process of a cell. Times are seconds."""

    process: int
    """Ordinal of the process. Processes of one ordinal were measured side by side in all cells."""
    cold_start_s: float | None
    """Imports and first calls. None unless every step ran."""
    peak_rss_bytes: int | None
    """Largest resident set in bytes. None if the process ended early, and in older stores."""
    times_s: Mapping[str, float]
    """Typical time by step, and of the whole pipeline under the empty name."""


@dataclass(frozen=True, slots=True)
class CellSummary:
    """The figures of one stack on one pipeline and size. Times are seconds."""

    cell_id: int
    stack: str
    """The stack's name, with the variant in brackets where there is one."""
    variant: str
    """What a sweep varies beside the stack. Empty where there is no sweep."""
    frameworks: tuple[str, ...]
    """The stack's frameworks, in the order of their first step."""
    fingerprint: str
    status: Status
    kind: str
    """Why the cell isn't done, as one of `records.KINDS`. Empty if it is done."""
    reason: str
    """Why the cell isn't done, in a sentence. Empty if it is done."""
    steps: tuple[StepSummary, ...]
    total: Interval | None
    """Typical time of one execution of all steps after warm-up, without boundaries. None unless every step was
    measured."""
    mean_s: float | None
    """Mean time of one execution of all steps after warm-up, as that of a step. None without ``total``."""
    imports_s: Mapping[str, float]
    """Median over processes of the time to import each framework."""
    first_call_s: float | None
    """Sum of the first calls. None unless every step ran."""
    cold_start_s: float | None
    """Sum of imports and first calls: the time to a first result. None unless every step ran."""
    boundary_in_s: float
    """Sum over steps of the time to bring inputs into the frameworks' forms."""
    boundary_out_s: float
    """Sum over steps of the time to bring outputs back."""
    processes: int
    """Number of processes that were measured."""
    blocks: int
    """Number of complete blocks, in all processes together."""
    rank: int | None
    """1 plus the number of stacks that are distinguishably faster.

    None unless the cell is done: a cell that failed or disagrees is shown, but never ranked; and None where
    ``assumed``."""
    assumed: bool
    """Whether there is no rank for this reason only: the cell was measured in too few processes, so that the spread
    between them is assumed."""
    ratio: Ratio | None
    """Ratio to the ranked stack with the least time. None for that stack itself, and for cells without a rank."""
    quality: Mapping[str, QualitySummary]
    """Quality by metric. Empty if the pipeline trains nothing, or the cell made no predictions."""
    curve: tuple[CurvePoint, ...]
    """The training's progress by epoch. Empty if nothing is trained from a seed."""
    to_target_s: float | None
    """Seconds of training after which the metric reaches the target. None if it doesn't, or if there is no target."""
    beats_baseline: bool | None
    """Whether the pipeline's metric is better than its baseline's. None if one of them is missing."""
    meets_target: bool | None
    """Whether the pipeline's metric reaches its target. None if one of them is missing."""
    agreement_error: float | None
    """Largest error of any step as a multiple of its tolerance, infinite where shapes or types differ. None if no
    output was checked against the reference."""
    peak_rss_bytes: int | None
    """Largest resident set of the worker in bytes. None if it wasn't measured."""
    cpu_per_wall: float | None
    """Average number of busy cores during steady samples. None if it wasn't measured."""
    gc_share: float | None
    """Share of the steady time spent on garbage collection. None if it wasn't measured."""
    reused: bool
    """Whether the cell was measured by an earlier invocation, before the run was resumed."""
    endpoints: tuple[Endpoint, ...]
    """Measurements of the cell's deployed model."""
    facts: Mapping[str, Mapping[str, Any]]
    """What the workers and the runner recorded beside the samples, such as threads, devices, dtypes and warm-up: by
    step (empty for the whole cell), then by key."""

    by_process: tuple[ProcessFigures, ...] = ()
    """Figures of each process."""
    doubts: Mapping[str, str] = field(default_factory=dict)
    """Sentences that belong beside the result wherever it is shown, by a mark of a few words: ``misses target``,
    ``not better than baseline`` or ``not computed``."""

    @property
    def unsettled(self) -> tuple[str, ...]:
        """Steps that were measured although their times were seen to change when warm-up ended."""
        return tuple(step.step for step in self.steps if step.changing and step.steady is not None)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """The number of executions after which the fastest stack has made up for its slower start."""

    stack: str
    """The fastest stack in steady state."""
    against: str
    """The stack with the quickest cold start, of those that start distinguishably sooner and are distinguishably
    slower afterwards."""
    calls: int | None
    """Number of executions of the pipeline, the first included. None if it never makes up for its start."""
    low: int | None
    """Lower end of the 95 % interval of ``calls``. None with fewer than `stats.OWN_SPREAD` processes."""
    high: int | None
    """Upper end of that interval. None with so few processes, and where the interval has no upper end."""


@dataclass(frozen=True, slots=True)
class BaselineSummary:
    """The quality of a simple model on the same split, such as a dummy."""

    name: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Growth:
    """The growth of time with the amount of data: time is proportional to amount ^ exponent, fitted over the sizes."""

    pipeline: str
    stack: str
    step: str
    """Id of an independent step; empty for the total."""
    exponent: float
    low: float | None
    """Lower end of a 95 % interval of the fit. None with two sizes, through which a line always goes, and where one
    exponent doesn't fit."""
    high: float | None
    """Upper end of that interval. None where ``low`` is None."""
    sizes: tuple[str, ...]
    """Names of the sizes that were measured."""
    fits: bool | None = None
    """Whether one exponent fits all sizes, by a test for lack of fit at 5 %, corrected for the number of exponents.
    None with two sizes."""
    smallest: float | None = None
    """Exponent between the two smallest amounts."""
    largest: float | None = None
    """Exponent between the two largest amounts."""


@dataclass(frozen=True, slots=True)
class PipelineSummary:
    """The figures of one pipeline at one size and in one variant, on all its stacks."""

    pipeline: str
    size: str
    modality: str
    question: str
    metric: str | None
    """The quality metric that the pipeline is judged by. None where nothing is predicted."""
    target: float | None
    baseline: str | None
    """Name of the baseline that every stack must beat."""
    dataset: Mapping[str, Any]
    """``name``, ``sha256``, ``amount``, ``unit`` and more; empty where no data is needed."""
    independent: bool
    """Whether each step is ranked on its own; there is no total then."""
    steps: tuple[tuple[str, str], ...]
    """Id and op of each step, in order."""
    variant: str
    """The variant that all cells have. Cells are ranked within a variant."""
    cells: tuple[CellSummary, ...]
    """Ranked cells, the fastest first; then the others in the order of planning."""
    baselines: tuple[BaselineSummary, ...]
    break_even: BreakEven | None
    """None if no cell is ranked, or if no other cell starts distinguishably sooner and is distinguishably slower
    afterwards."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """The figures of one run."""

    run_id: str
    created: str
    """ISO 8601, UTC."""
    status: str
    """``running``, ``done``, ``interrupted`` or ``failed``."""
    arguments: Mapping[str, Any]
    environment: Mapping[str, Any]
    pipelines: tuple[PipelineSummary, ...]
    growth: tuple[Growth, ...]
    """Growth of each stack and independent step of the pipelines that were measured at several sizes."""
    warnings: tuple[str, ...]
    """Sentences that say what may have disturbed the figures."""
