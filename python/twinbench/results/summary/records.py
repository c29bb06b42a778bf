"""What a view shows of a run, as plain data: every field with its unit, its meaning and when it is absent.

Knows no store and computes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from twinbench.numbers.stats import Equivalence, Interval, Ratio
from twinbench.results.models.endpoints import Endpoint
from twinbench.store.records import Status

TREND_SAMPLES = 10
"""Samples that the test for a trend takes (``TREND_WINDOW`` of a worker): with fewer, times aren't known to fall."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles over all steady samples, each of which is one request, in seconds."""

    p50_s: float
    p95_s: float
    p99_s: float
    requests: int


@dataclass(frozen=True, slots=True)
class StepSummary:
    """One step of one cell. Times are seconds."""

    step: str
    op: str
    framework: str
    first_call_s: float | None
    """Median over processes of the first execution, with all that it compiles. None if it never ran."""
    steady: Interval | None
    """One execution after warm-up. None if it wasn't measured."""
    boundary_in_s: float | None
    """Bringing the inputs into this framework's form. None if it wasn't measured, 0 if they already were."""
    boundary_out_s: float | None
    """Bringing the output back for comparison. None if it wasn't measured."""
    samples: int
    """Steady samples, in all processes."""
    share: float | None
    """Of the cell's steady total, between 0 and 1. None without a total."""
    level: str | None
    """The worst output's class: ``exact``, ``rounding``, ``approximate`` or ``different``. None if not compared."""
    error: float | None
    """Worst error as a multiple of the tolerance: at most 1 agrees; infinite where shapes or types differ. None as
    above."""
    agrees: bool | None
    """Whether all outputs are inside the tolerance. None as above."""
    max_abs: float | None
    """Largest absolute error of any output. None as above."""
    psnr_db: float | None
    """Lowest peak signal-to-noise ratio of any output. None where no 8-bit image differs."""
    declared: str
    """Why the library can't follow the contract here. Empty where it can."""
    rank: int | None
    """Of a step that is a question of its own: 1 and how many stacks are distinguishably faster. None otherwise, and
    for a step that disagrees."""
    ratio: Ratio | None
    """To the fastest ranked stack of this step. None for the fastest itself, and for what isn't ranked."""
    rss_increase_bytes: int | None
    """By how much the step raised the peak memory. None if it wasn't measured."""
    per_second: float | None
    """Examples trained on or scored in a second. None for steps of another kind."""
    latency: Latency | None
    """Of a step whose samples are single requests. None otherwise."""
    saved_bytes: int | None
    """Size on disk of the model that the step saved. None for steps of another kind."""
    discarded: int | None
    """Samples that warm-up threw away. None if it wasn't recorded."""
    settled: bool | None
    """Whether the times were seen to have stopped falling when warm-up ended, in every process.

    None if it wasn't recorded. A step of more than 0.1 s ends its warm-up before a trend can be seen."""

    @property
    def still_falling(self) -> bool:
        """Whether the times were seen to fall when warm-up ended."""
        return self.settled is False and (self.discarded or 0) >= TREND_SAMPLES


@dataclass(frozen=True, slots=True)
class QualitySummary:
    """A metric of the predictions on the held-out split, over the seeds."""

    metric: str
    mean: float
    low: float
    """The lowest of the seeds."""
    high: float
    """The highest of the seeds."""
    seeds: int
    against: str
    """The stack with the best mean, which the others are tested against. Empty for that one, and where none is."""
    equivalence: Equivalence | None
    """None as above."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """How far a training is after so many epochs."""

    epoch: int
    seconds: float
    """Of a training that ends here."""
    loss: float
    """Mean over the batches of the last epoch."""
    metrics: Mapping[str, float]
    """Of the held-out split."""


@dataclass(frozen=True, slots=True)
class CellSummary:
    """One stack on one pipeline and size. Times are seconds."""

    cell_id: int
    stack: str
    """The stack's name, with the variant in brackets where there is one."""
    variant: str
    """What a sweep varies beside the stack. Empty where there is no sweep."""
    frameworks: tuple[str, ...]
    """In the order of their first step."""
    fingerprint: str
    status: Status
    kind: str
    """Why it isn't done, in a word or two of `records.KINDS`. Empty otherwise."""
    reason: str
    """Why it isn't done, in a sentence. Empty otherwise."""
    steps: tuple[StepSummary, ...]
    total: Interval | None
    """One execution of all steps after warm-up, boundaries not included. None unless every step was measured."""
    imports_s: Mapping[str, float]
    """Median over processes of the time to import each framework."""
    first_call_s: float | None
    """Sum of the first calls. None unless every step ran."""
    cold_start_s: float | None
    """Imports and first calls together: what a first result costs. None as above."""
    boundary_in_s: float
    """Sum over steps: what the handovers between frameworks cost."""
    boundary_out_s: float
    processes: int
    blocks: int
    """Complete blocks, in all processes together."""
    rank: int | None
    """1 and how many stacks are distinguishably faster; those who can't be told apart share a rank.

    None unless the cell is done: what failed or disagrees is shown, and never ranked."""
    ratio: Ratio | None
    """To the fastest ranked stack. None for the fastest itself, and for what isn't ranked."""
    quality: Mapping[str, QualitySummary]
    """By metric. Empty where the pipeline trains nothing, or didn't get there."""
    curve: tuple[CurvePoint, ...]
    """By epoch. Empty where nothing is trained from a seed."""
    to_target_s: float | None
    """Seconds of training after which the metric reaches the target. None where it doesn't, or there is none."""
    beats_baseline: bool | None
    """Whether the pipeline's metric is better than its baseline's. None where one of them is missing."""
    meets_target: bool | None
    """Whether the pipeline's metric reaches its target. None where one of them is missing."""
    agreement_error: float | None
    """Worst error of any step as a multiple of its tolerance, infinite where shapes or types differ. None if not
    compared."""
    peak_rss_bytes: int | None
    """Largest resident set of the worker. None if it wasn't measured."""
    cpu_per_wall: float | None
    """Cores that worked, on average, during steady samples. None if it wasn't measured."""
    gc_share: float | None
    """Share of the steady time spent collecting garbage. None if it wasn't measured."""
    reused: bool
    """Whether results of an earlier invocation were taken over."""
    endpoints: tuple[Endpoint, ...]
    """What its model was measured to be as deployed."""


@dataclass(frozen=True, slots=True)
class BreakEven:
    """When the fastest in steady state has made up for its slower start."""

    stack: str
    against: str
    """The stack with the quickest cold start."""
    calls: int | None
    """Executions of the pipeline, the first one included. None if never."""


@dataclass(frozen=True, slots=True)
class BaselineSummary:
    """What is reached on the same split without our stacks."""

    name: str
    metric: str
    value: float


@dataclass(frozen=True, slots=True)
class Growth:
    """How time grows with the amount of data: time is proportional to amount ^ exponent, fitted over the sizes."""

    pipeline: str
    stack: str
    step: str
    """Of a pipeline of independent steps; empty where the total is meant."""
    exponent: float
    low: float | None
    high: float | None
    """A 95 % interval of the fit. None with two sizes, through which a line always goes."""
    sizes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PipelineSummary:
    """One pipeline at one size in one variant, on all its stacks."""

    pipeline: str
    size: str
    modality: str
    question: str
    metric: str | None
    """The quality metric that counts. None where nothing is predicted."""
    target: float | None
    baseline: str | None
    """Name of the baseline that every stack must beat."""
    dataset: Mapping[str, Any]
    """``name``, ``sha256``, ``amount``, ``unit`` and more; empty where no data is needed."""
    independent: bool
    """Whether each step is a question of its own, ranked on its own; there is no total then."""
    steps: tuple[tuple[str, str], ...]
    """Id and op of each step, in order."""
    variant: str
    """The variant that all cells have. Cells are ranked within a variant."""
    cells: tuple[CellSummary, ...]
    """Ranked ones first, fastest first; then the others in the order of planning."""
    baselines: tuple[BaselineSummary, ...]
    break_even: BreakEven | None
    """None when the fastest also starts first, when it can't be told from the one that does, or nothing is ranked."""


@dataclass(frozen=True, slots=True)
class RunSummary:
    """One run."""

    run_id: str
    created: str
    """ISO 8601, UTC."""
    status: str
    """``running``, ``done`` or ``interrupted``."""
    arguments: Mapping[str, Any]
    environment: Mapping[str, Any]
    pipelines: tuple[PipelineSummary, ...]
    growth: tuple[Growth, ...]
    """By pipeline, stack and step, where a pipeline was measured at several sizes."""
    warnings: tuple[str, ...]
    """What may have disturbed the figures, in sentences."""
