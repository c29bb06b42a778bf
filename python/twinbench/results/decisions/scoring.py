"""The arithmetic behind a recommendation: weighted sums of the logarithms of every candidate's figures.

The weighted sum of logarithms has no units, and twice the time weighs as much at a second as at a microsecond: the
weighted product model of Bridgman (1922), Dimensional Analysis; see Triantaphyllou (2000), Multi-Criteria Decision
Making Methods, chapter 2. A quality metric of which higher values are better enters as its distance to 1, so that
halving the errors weighs as much as halving the time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinbench import metrics
from twinbench.numbers.normal import NORMAL_95
from twinbench.numbers.stats import Interval, Ratio
from twinbench.results.decisions.recommend_records import Candidate, Criterion, Switch
from twinbench.results.summary.records import CellSummary, PipelineSummary

DRAWS = 4000
"""Number of draws, with which a chance of 0.95 has a standard error of 0.4 %."""

LEAST_ERROR = 0.0005
"""Smallest distance of a quality to 1: half of the third decimal, to which quality is known."""

Results = Sequence[tuple[PipelineSummary, CellSummary]]
"""The cells of one stack, each with its pipeline."""


@dataclass(frozen=True, slots=True)
class Question:
    """A unit of work that has one time per stack: a pipeline, or one of its independent steps."""

    pipeline: PipelineSummary
    step: str

    def __str__(self) -> str:
        return f"{self.pipeline.pipeline} ({self.pipeline.size})" + (f" {self.step}" if self.step else "")


@dataclass(frozen=True, slots=True)
class LogFigure:
    """The logarithm of a figure, with its standard error."""

    log: float
    sd: float = 0.0

    def drawn(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Draw values from the normal distribution of the logarithm: float64, (DRAWS,)."""
        return rng.normal(self.log, self.sd, DRAWS)


LogFigures = dict[Criterion, list[LogFigure]]
"""The figures of a stack by criterion: one per question, or per pipeline."""


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
        return LogFigure(math.log(ratio.estimate), _sd(ratio))
    if time is fastest:
        return LogFigure(0.0)
    return LogFigure(math.log(time.estimate / fastest.estimate), math.hypot(_sd(time), _sd(fastest)))


def _sd(interval: Interval | Ratio) -> float:
    """Return the standard error of the logarithm; with few processes, whose intervals are wide, it is too large."""
    return math.log(interval.high / interval.low) / 2 / NORMAL_95


def log_figures(stack: str, results: Results, questions: Sequence[Question]) -> LogFigures:
    """Return the figures of a stack by criterion; a criterion that wasn't measured has none."""
    times = [log_time(question, stack) for question in questions]
    qualities = [_quality(cell, pipeline.metric) for pipeline, cell in results]
    memory = [cell.peak_rss_bytes for _, cell in results if cell.peak_rss_bytes]
    cold = [cell.cold_start_s for _, cell in results if cell.cold_start_s]
    return {
        "speed": [time for time in times if time is not None],
        "quality": [quality for quality in qualities if quality is not None],
        "memory": [LogFigure(math.log(max(memory)))] if len(memory) == len(results) else [],
        "cold": [LogFigure(math.log(max(cold)))] if len(cold) == len(results) else [],
    }


def _quality(cell: CellSummary, metric: str | None) -> LogFigure | None:
    """Return the log of a loss, or for other metrics the log of the distance to 1; None without a finite quality.

    The standard error of a mean of few values is about their range divided by their number: Mantel (1951), Rapid
    estimation of standard errors of means for small samples, Am. Stat. 5(4):26.
    """
    quality = cell.quality.get(metric or "")
    if quality is None or not math.isfinite(quality.mean):
        return None

    def badness(value: float) -> float:
        return math.log(max(value if metrics.sign(metric) < 0 else 1 - value, LEAST_ERROR))

    return LogFigure(badness(quality.mean), abs(badness(quality.high) - badness(quality.low)) / quality.seeds)


def weights(
    wished: Mapping[Criterion, float], figures: Mapping[str, LogFigures]
) -> tuple[dict[Criterion, float], list[str]]:
    """Return the weights, with the sum 1, of the criteria that all candidates have figures for.

    The second result has a sentence for each criterion that was left out.
    """
    counts = {name: {len(by_criterion[name]) for by_criterion in figures.values()} for name in wished}
    usable = {name: weight for name, weight in wished.items() if len(counts[name]) == 1 and counts[name] != {0}}
    total = sum(usable.values())
    left_out = [
        f"{name} has no weight: not every candidate has a figure for it"
        for name, weight in wished.items()
        if weight and name not in usable and any(by_criterion[name] for by_criterion in figures.values())
    ]
    return {name: weight / total for name, weight in usable.items()} if total else {}, left_out


def candidates(
    figures: Mapping[str, LogFigures],
    weights: Mapping[Criterion, float],
    stacks: Mapping[str, Results],
    questions: Sequence[Question],
) -> tuple[Candidate, ...]:
    """Score the candidates, and return them by score."""
    if not figures or not weights:
        return ()
    rng = np.random.default_rng(0)  # the same data get the same answer
    logs = {s: {name: float(np.mean([f.log for f in logs[name]])) for name in weights} for s, logs in figures.items()}
    drawn = {
        stack: sum(weight * np.mean([f.drawn(rng) for f in logs[name]], axis=0) for name, weight in weights.items())
        for stack, logs in figures.items()
    }
    first = np.argmin(np.array(list(drawn.values())), axis=0)
    best = {name: min(means[name] for means in logs.values()) for name in weights}
    single = questions[0] if len(questions) == 1 else None
    scored = []
    for index, stack in enumerate(figures):
        times = {name: math.exp(logs[stack][name] - best[name]) for name in weights}
        dominated = any(_dominates(logs[other], logs[stack]) for other in figures)
        candidate = _described(stack, stacks[stack], single)
        score = math.exp(sum(weights[name] * (logs[stack][name] - best[name]) for name in weights))
        chance = float(np.mean(first == index))
        scored.append(replace(candidate, times=times, score=score, chance=chance, pareto=not dominated))
    return tuple(sorted(scored, key=lambda candidate: candidate.score))


def _described(stack: str, results: Results, single: Question | None) -> Candidate:
    """Return a candidate with its measured figures, which hasn't been scored yet."""
    cells = [cell for _, cell in results]
    cell = cells[0]
    step = next((s.steady for s in cell.steps if single and s.step == single.step), cell.total)
    quality = cell.quality.get(single.pipeline.metric or "") if single else None
    return Candidate(
        stack=stack,
        time_s=step.estimate if single and step else None,
        quality=quality.mean if quality else None,
        memory_bytes=max((c.peak_rss_bytes for c in cells if c.peak_rss_bytes), default=None),
        cold_s=max((c.cold_start_s for c in cells if c.cold_start_s), default=None),
        times={},
        score=1.0,
        chance=0.0,
        pareto=True,
    )


def _dominates(a: Mapping[Criterion, float], b: Mapping[Criterion, float]) -> bool:
    return all(a[name] <= b[name] for name in a) and any(a[name] < b[name] for name in a)


def switches(candidates: Sequence[Candidate], weights: Mapping[Criterion, float]) -> Iterator[Switch]:
    """Yield the nearest weights of each criterion, below and above, at which another stack overtakes the first."""
    if not candidates:
        return
    first = candidates[0]
    for name, now in weights.items():
        crossings = [
            (then, other.stack)
            for other in candidates[1:]
            if (then := _overtaken(first, other, name, weights)) is not None
        ]
        below = max(((then, stack) for then, stack in crossings if then < now), default=None)
        above = min(((then, stack) for then, stack in crossings if then > now), default=None)
        yield from (Switch(name, now, *crossing) for crossing in (below, above) if crossing is not None)


def _overtaken(first: Candidate, other: Candidate, name: Criterion, weights: Mapping[Criterion, float]) -> float | None:
    """Return the weight of a criterion at which both have the same score, or None if there is none between 0 and 1.

    The difference of the log scores is linear in the weight.
    """
    ahead = {criterion: math.log(other.times[criterion] / first.times[criterion]) for criterion in weights}
    others = [criterion for criterion in weights if criterion != name]
    rest = sum(weights[criterion] for criterion in others)
    if not others:
        return None
    shares = {criterion: weights[criterion] / rest if rest else 1 / len(others) for criterion in others}
    by_rest = sum(shares[criterion] * ahead[criterion] for criterion in others)
    if by_rest == ahead[name]:
        return None
    then = by_rest / (by_rest - ahead[name])
    return then if 0 < then < 1 else None
