"""The arithmetic behind a recommendation: every candidate's figures as logarithms, weighed, and drawn anew.

The weighted sum of logarithms has no units, and twice the time weighs as much at a second as at a microsecond: the
weighted product model of Bridgman (1922), Dimensional Analysis; see Triantaphyllou (2000), Multi-Criteria Decision
Making Methods, chapter 2. Of a quality metric where more is better, what is left to 1 counts, so that halving the
errors weighs as much as halving the time.
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
"""A chance of 0.95 is then known to 0.4 %."""

LEAST_ERROR = 0.0005
"""Quality is known to three decimals: nothing is nearer to 1 than half of the last one."""

Results = Sequence[tuple[PipelineSummary, CellSummary]]
"""Of one stack."""


@dataclass(frozen=True, slots=True)
class Question:
    """Something that has one time per stack: a pipeline, or one of its steps."""

    pipeline: PipelineSummary
    step: str

    def __str__(self) -> str:
        return f"{self.pipeline.pipeline} ({self.pipeline.size})" + (f" {self.step}" if self.step else "")


@dataclass(frozen=True, slots=True)
class Figure:
    """A logarithm, and its standard error."""

    log: float
    sd: float = 0.0

    def drawn(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Values that it may have had as well."""
        return rng.normal(self.log, self.sd, DRAWS)


Figures = dict[Criterion, list[Figure]]
"""Of a stack: one figure per question, or per pipeline."""


def time(question: Question, stack: str) -> Figure | None:
    """The log of a stack's time to that of the fastest ranked one. None where it has no rank."""
    ranked: dict[str, tuple[Interval, Ratio | None]] = {}
    for cell in question.pipeline.cells:
        places = [step for step in cell.steps if step.step == question.step] if question.step else [cell]
        for place in places:
            time = place.total if isinstance(place, CellSummary) else place.steady
            if place.rank is not None and time is not None:
                ranked[cell.stack] = time, place.ratio
    if stack not in ranked:
        return None
    time, ratio = ranked[stack]
    fastest = min((one for one, _ in ranked.values()), key=lambda one: one.estimate)
    if ratio is not None:
        return Figure(math.log(ratio.estimate), _sd(ratio))
    if time is fastest:
        return Figure(0.0)
    return Figure(math.log(time.estimate / fastest.estimate), math.hypot(_sd(time), _sd(fastest)))


def _sd(interval: Interval | Ratio) -> float:
    """Of the logarithm: of a t interval of few processes rather too much."""
    return math.log(interval.high / interval.low) / 2 / NORMAL_95


def figures(stack: str, results: Results, questions: Sequence[Question]) -> Figures:
    """What is known of a stack, by criterion."""
    times = [time(question, stack) for question in questions]
    qualities = [_quality(cell, pipeline.metric) for pipeline, cell in results]
    memory = [cell.peak_rss_bytes for _, cell in results if cell.peak_rss_bytes]
    cold = [cell.cold_start_s for _, cell in results if cell.cold_start_s]
    return {
        "speed": [time for time in times if time is not None],
        "quality": [quality for quality in qualities if quality is not None],
        "memory": [Figure(math.log(max(memory)))] if len(memory) == len(results) else [],
        "cold": [Figure(math.log(max(cold)))] if len(cold) == len(results) else [],
    }


def _quality(cell: CellSummary, metric: str | None) -> Figure | None:
    """Of a loss its log, of anything else the log of what is left to 1.

    The standard error of a mean of few values is about their range over their number: Mantel (1951), Rapid estimation
    of standard errors of means for small samples, Am. Stat. 5(4):26.
    """
    found = cell.quality.get(metric or "")
    if found is None or not math.isfinite(found.mean):
        return None

    def badness(value: float) -> float:
        return math.log(max(value if metrics.sign(metric) < 0 else 1 - value, LEAST_ERROR))

    return Figure(badness(found.mean), abs(badness(found.high) - badness(found.low)) / found.seeds)


def weights(
    wished: Mapping[Criterion, float], figures: Mapping[str, Figures]
) -> tuple[dict[Criterion, float], list[str]]:
    """Of the criteria that all candidates have figures for, with the sum 1; and what was left out."""
    counts = {name: {len(of[name]) for of in figures.values()} for name in wished}
    usable = {name: weight for name, weight in wished.items() if len(counts[name]) == 1 and counts[name] != {0}}
    total = sum(usable.values())
    left_out = [
        f"{name} counts for nothing: not every candidate has a figure for it"
        for name, weight in wished.items()
        if weight and name not in usable and figures and any(of[name] for of in figures.values())
    ]
    return {name: weight / total for name, weight in usable.items()} if total else {}, left_out


def candidates(
    figures: Mapping[str, Figures],
    weights: Mapping[Criterion, float],
    stacks: Mapping[str, Results],
    questions: Sequence[Question],
) -> tuple[Candidate, ...]:
    """The candidates by score."""
    if not figures or not weights:
        return ()
    rng = np.random.default_rng(0)  # the same data get the same answer
    logs = {s: {name: float(np.mean([f.log for f in of[name]])) for name in weights} for s, of in figures.items()}
    drawn = {
        stack: sum(weight * np.mean([f.drawn(rng) for f in of[name]], axis=0) for name, weight in weights.items())
        for stack, of in figures.items()
    }
    first = np.argmin(np.array(list(drawn.values())), axis=0)
    best = {name: min(of[name] for of in logs.values()) for name in weights}
    single = questions[0] if len(questions) == 1 else None
    found = []
    for place, stack in enumerate(figures):
        times = {name: math.exp(logs[stack][name] - best[name]) for name in weights}
        dominated = any(_dominates(logs[other], logs[stack]) for other in figures)
        candidate = _described(stack, stacks[stack], single)
        score = math.exp(sum(weights[name] * (logs[stack][name] - best[name]) for name in weights))
        chance = float(np.mean(first == place))
        found.append(replace(candidate, times=times, score=score, chance=chance, pareto=not dominated))
    return tuple(sorted(found, key=lambda candidate: candidate.score))


def _described(stack: str, results: Results, single: Question | None) -> Candidate:
    """The figures as they were measured."""
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
    """The nearest weights, below and above, at which somebody overtakes the first."""
    if not candidates:
        return
    first = candidates[0]
    for name, now in weights.items():
        found = [
            (then, other.stack)
            for other in candidates[1:]
            if (then := _overtaken(first, other, name, weights)) is not None
        ]
        below = max(((then, stack) for then, stack in found if then < now), default=None)
        above = min(((then, stack) for then, stack in found if then > now), default=None)
        yield from (Switch(name, now, *one) for one in (below, above) if one is not None)


def _overtaken(first: Candidate, other: Candidate, name: Criterion, weights: Mapping[Criterion, float]) -> float | None:
    """The weight of one criterion at which both are level: linear in it. None where they never are."""
    ahead = {one: math.log(other.times[one] / first.times[one]) for one in weights}
    others = [one for one in weights if one != name]
    rest = sum(weights[one] for one in others)
    if not others:
        return None
    shares = {one: weights[one] / rest if rest else 1 / len(others) for one in others}
    by_rest = sum(shares[one] * ahead[one] for one in others)
    if by_rest == ahead[name]:
        return None
    then = by_rest / (by_rest - ahead[name])
    return then if 0 < then < 1 else None
