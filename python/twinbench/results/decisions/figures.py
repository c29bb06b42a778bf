"""The figures that stacks are chosen by, as logarithms with standard errors: one per stack and criterion.

A quality of which higher values are better enters as its distance to 1, so that halving the errors weighs as much as
halving the time. Each error is that of what was measured: time, cold start and memory in every process, quality over
the test rows and the seeds.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from twinbench import metrics
from twinbench.numbers import stats, two_runs
from twinbench.numbers.normal import NORMAL_95
from twinbench.numbers.stats import OWN_SPREAD, PRIOR_DF, Interval, Ratio
from twinbench.numbers.student import quantile
from twinbench.numbers.two_runs import WIDER
from twinbench.results.decisions.draws import LogFigure
from twinbench.results.decisions.recommend_records import Criterion
from twinbench.results.summary.records import CellSummary, PipelineSummary, QualitySummary

LEAST_ERROR = 0.0005
"""Smallest distance of a quality to 1: half of the third decimal, to which quality is known."""

COLD_SD = 0.05
"""Standard deviation of the log cold start between processes that is assumed as far as they don't show it."""

MEMORY_SD = 0.01
"""The same of the log peak memory."""

Results = Sequence[tuple[PipelineSummary, CellSummary]]
"""The cells of one stack, each with its pipeline."""


@dataclass(frozen=True, slots=True)
class Question:
    """A unit of work that has one time per stack: a pipeline, or one of its independent steps."""

    pipeline: PipelineSummary
    step: str

    def __str__(self) -> str:
        return f"{self.pipeline.pipeline} ({self.pipeline.size})" + (f" {self.step}" if self.step else "")


Figures = dict[str, dict[Criterion, LogFigure]]
"""Figures by stack and criterion; without a criterion that wasn't measured."""


def log_time(question: Question, stack: str) -> LogFigure | None:
    """Return the log ratio of a stack's time to that of the fastest stack that takes part in the ranking, or None.

    A stack without a rank takes part if only its spread between processes is assumed.
    """
    ranked: dict[str, tuple[Interval, Ratio | None]] = {}
    for cell in question.pipeline.cells:
        summaries = [step for step in cell.steps if step.step == question.step] if question.step else [cell]
        for summary in summaries:
            time = summary.total if isinstance(summary, CellSummary) else summary.steady
            if (summary.rank is not None or summary.assumed) and time is not None:
                ranked[cell.stack] = time, summary.ratio
    if stack not in ranked:
        return None
    time, ratio = ranked[stack]
    fastest = min((interval for interval, _ in ranked.values()), key=lambda interval: interval.estimate)
    if ratio is not None:
        return LogFigure(math.log(ratio.estimate), math.hypot(_error(ratio), _disturbance(ratio)))
    if time is fastest:
        return LogFigure(0.0)
    return LogFigure(math.log(time.estimate / fastest.estimate), math.hypot(_error(time), _error(fastest)))


def _error(interval: Interval | Ratio) -> float:
    """Return the standard error of the logarithm; with few processes, whose intervals are wide, it is too large."""
    return math.log(interval.high / interval.low) / 2 / NORMAL_95


def _ratio(question: Question, stack: str) -> Ratio | None:
    """Return a stack's ratio to the fastest stack at a question."""
    cell = next((cell for cell in question.pipeline.cells if cell.stack == stack), None)
    if cell is None or not question.step:
        return cell.ratio if cell else None
    return next((step.ratio for step in cell.steps if step.step == question.step), None)


def _disturbance(ratio: Ratio | None) -> float:
    """Return by how much load moved the log of a ratio: the distance of wall and CPU time; 0 if it wasn't disturbed."""
    if ratio is None or ratio.cpu is None or not ratio.disturbed:
        return 0.0
    return abs(math.log(ratio.estimate / ratio.cpu.estimate))


def is_disturbed(question: Question, stack: str) -> bool:
    """Return whether load moved a stack's ratio to the fastest stack at a question."""
    ratio = _ratio(question, stack)
    return ratio is not None and ratio.disturbed


def of_stacks(stacks: Mapping[str, Results], questions: Sequence[Question], process_sd: float) -> Figures:
    """Return the figures of the candidates, each with its cells."""
    found: Figures = {}
    speeds = _speeds(stacks, questions, process_sd)
    for stack, results in stacks.items():
        cells = [cell for _, cell in results]
        own: dict[Criterion, LogFigure | None] = {
            "speed": speeds.get(stack),
            "quality": _mean([_quality(cell, p.metric, _seed_sd(stacks, p)) for p, cell in results if p.metric]),
            "memory": _largest([_memory(cell) for cell in cells]),
            "cold": _largest([_cold(cell) for cell in cells]),
        }
        found[stack] = {name: figure for name, figure in own.items() if figure is not None}
    return found


def _speeds(stacks: Mapping[str, Results], questions: Sequence[Question], process_sd: float) -> dict[str, LogFigure]:
    """Return the mean log time over the questions; those of one process share its luck, and are taken together."""
    logs = {stack: [figure for q in questions if (figure := log_time(q, stack))] for stack in stacks}
    if not questions or not stacks:
        return {}
    variances = dict.fromkeys(stacks, 0.0)
    for _, group in groupby(questions, key=lambda question: id(question.pipeline)):
        errors = dict.fromkeys(stacks, 0.0)
        together: dict[frozenset[int], list[Question]] = defaultdict(list)
        for question in group:
            together[_processes(stacks, question)].append(question)
        for shared, same in together.items():  # those of overlapping processes may err alike, so their errors add up
            of_process = _process_errors(stacks, same, sorted(shared), process_sd)
            for stack in stacks:
                own = [figure.error for q in same if (figure := log_time(q, stack))]
                error = of_process[stack] if of_process else sum(own) / len(same)
                moved = sum(_disturbance(_ratio(q, stack)) for q in same) / len(same)
                errors[stack] += len(same) / len(questions) * math.hypot(error, moved)
        for stack, error in errors.items():
            variances[stack] += error**2
    return {
        stack: LogFigure(math.fsum(f.log for f in logs[stack]) / len(questions), math.sqrt(variances[stack]))
        for stack in stacks
        if len(logs[stack]) == len(questions)
    }


def _log_times(results: Results, question: Question) -> dict[int, float]:
    """Return the log times of one stack at a question, by process."""
    return {
        figures.process: math.log(time)
        for pipeline, cell in results
        if pipeline is question.pipeline
        for figures in cell.by_process
        if (time := figures.times_s.get(question.step, 0.0)) > 0
    }


def _processes(stacks: Mapping[str, Results], question: Question) -> frozenset[int]:
    """Return the processes in which every stack was measured at a question."""
    return frozenset.intersection(*(frozenset(_log_times(results, question)) for results in stacks.values()))


def _process_errors(
    stacks: Mapping[str, Results], questions: Sequence[Question], shared: Sequence[int], process_sd: float
) -> dict[str, float] | None:
    """Return the standard error of each stack's mean log time over questions of one pipeline, less what stacks share.

    The residuals of stacks and processes give the spread. It is not below that of the stack itself, and with fewer than
    `OWN_SPREAD` processes not below that which is assumed. None without processes that all stacks share.
    """
    times = []
    for results in stacks.values():
        by_question = [_log_times(results, question) for question in questions]
        times.append({p: math.fsum(own[p] for own in by_question) / len(questions) for p in shared})
    count, processes = len(times), len(shared)
    if not shared or count < 2:
        return None
    logs = np.array([[of_stack[process] for process in shared] for of_stack in times])
    residuals = logs - logs.mean(axis=1, keepdims=True) - logs.mean(axis=0, keepdims=True) + logs.mean()
    df = (count - 1) * (processes - 1)
    usual = process_sd**2 / 2  # that of a ratio is the sum of two
    pooled = float((residuals**2).sum()) / df if df else 0.0
    own = (residuals**2).sum(axis=1) / max(1, processes - 1) * count / (count - 1)
    if processes < OWN_SPREAD:
        moderated = (PRIOR_DF * WIDER**2 * usual + df * pooled) / (PRIOR_DF + df)
        degrees = PRIOR_DF
    else:
        moderated, degrees = pooled, df
    widened = quantile(stats.LEVEL, degrees) / NORMAL_95
    variances = np.maximum(own, moderated) / processes
    return dict(zip(stacks, (widened * np.sqrt(variances)).tolist(), strict=True))


def _cold(cell: CellSummary) -> LogFigure | None:
    starts = [p.cold_start_s for p in cell.by_process if p.cold_start_s]
    if not cell.cold_start_s:
        return None
    return LogFigure(math.log(cell.cold_start_s), two_runs.mean_error([math.log(s) for s in starts or [1.0]], COLD_SD))


def _memory(cell: CellSummary) -> LogFigure | None:
    """Return the log of the peak; that of the largest process varies at most as much as that of one process."""
    peaks = [p.peak_rss_bytes for p in cell.by_process if p.peak_rss_bytes]
    if not cell.peak_rss_bytes:
        return None
    error = two_runs.mean_error([math.log(peak) for peak in peaks or [1]], MEMORY_SD) * math.sqrt(max(1, len(peaks)))
    return LogFigure(math.log(cell.peak_rss_bytes), error)


def _largest(figures: Sequence[LogFigure | None]) -> LogFigure | None:
    """Return the largest figure of several pipelines; None if one is missing."""
    present = [figure for figure in figures if figure is not None]
    return max(present, key=lambda f: f.log) if present and len(present) == len(figures) else None


def _mean(figures: Sequence[LogFigure | None]) -> LogFigure | None:
    """Return the mean over several pipelines; None if one is missing, or if there are none."""
    present = [figure for figure in figures if figure is not None]
    if not present or len(present) < len(figures):
        return None
    count = len(present)
    return LogFigure(
        math.fsum(figure.log for figure in present) / count,
        math.sqrt(math.fsum(figure.error**2 for figure in present)) / count,
        math.sqrt(math.fsum(figure.shared_error**2 for figure in present)) / count,
        {
            stack: math.fsum(figure.correlations.get(stack, 0.0) for figure in present) / count
            for stack in present[0].correlations
        },
    )


def _seed_sd(stacks: Mapping[str, Results], pipeline: PipelineSummary) -> tuple[float, int]:
    """Return the standard deviation of the log between seeds, over all candidates, and its degrees of freedom."""
    squares, df = 0.0, 0
    for results in stacks.values():
        for own, cell in results:
            quality = cell.quality.get(own.metric or "")
            if own is pipeline and quality is not None and quality.seed_sd is not None and quality.seeds > 1:
                squares += (quality.seeds - 1) * (quality.seed_sd / _distance(quality, own.metric)) ** 2
                df += quality.seeds - 1
    return (math.sqrt(squares / df), df) if df else (0.0, 0)


def _quality(cell: CellSummary, metric: str | None, seed_sd: tuple[float, int]) -> LogFigure | None:
    """Return the log of a loss, or for other metrics the log of the distance to 1; None without a finite quality."""
    quality = cell.quality.get(metric or "")
    if quality is None or not math.isfinite(quality.mean):
        return None
    sd, df = seed_sd
    distance = _distance(quality, metric)
    between = quantile(stats.LEVEL, df) / NORMAL_95 * sd / math.sqrt(quality.seeds) if df else 0.0
    return LogFigure(math.log(distance), between, (quality.row_error or 0.0) / distance, quality.row_correlations)


def _distance(quality: QualitySummary, metric: str | None) -> float:
    return max(quality.mean if metrics.sign(metric) < 0 else 1 - quality.mean, LEAST_ERROR)
