"""The arithmetic behind a recommendation: weighted sums of the logarithms of every candidate's figures.

The weighted sum of logarithms has no units, and twice the time weighs as much at a second as at a microsecond: the
weighted product model of Bridgman (1922), Dimensional Analysis; see Triantaphyllou (2000), Multi-Criteria Decision
Making Methods, chapter 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from twinbench.results.decisions import draws
from twinbench.results.decisions.draws import LogFigure
from twinbench.results.decisions.figures import Question, Results
from twinbench.results.decisions.recommend_records import Candidate, Criterion, Switch


def weights(
    wished: Mapping[Criterion, float], figures: Mapping[str, Mapping[Criterion, LogFigure]]
) -> dict[Criterion, float]:
    """Return the weights, with the sum 1, of the criteria that all candidates have figures for."""
    usable = {n: weight for n, weight in wished.items() if figures and all(n in own for own in figures.values())}
    total = sum(usable.values())
    return {name: weight / total for name, weight in usable.items()} if total else {}


def candidates(
    figures: Mapping[str, Mapping[Criterion, LogFigure]],
    weights: Mapping[Criterion, float],
    stacks: Mapping[str, Results],
    questions: Sequence[Question],
) -> tuple[Candidate, ...]:
    """Score the candidates, and return them by score."""
    if not figures or not weights:
        return ()
    rng = np.random.default_rng(0)  # the same data get the same answer
    drawn = [
        weight * draws.joint([own[name] for own in figures.values()], list(figures), rng)
        for name, weight in weights.items()
    ]
    chances = draws.first(np.sum(drawn, axis=0))
    best = {name: min(own[name].log for own in figures.values()) for name in weights}
    single = questions[0] if len(questions) == 1 else None
    scored = []
    for stack, chance in zip(figures, chances, strict=True):
        logs = {name: figures[stack][name].log for name in weights}
        times = {name: math.exp(logs[name] - best[name]) for name in weights}
        others = ({name: own[name].log for name in weights} for own in figures.values())
        dominated = any(_dominates(other, logs) for other in others)
        candidate = _described(stack, stacks[stack], single, figures[stack])
        score = math.exp(sum(weights[name] * (logs[name] - best[name]) for name in weights))
        scored.append(replace(candidate, times=times, score=score, chance=chance, pareto=not dominated))
    return tuple(sorted(scored, key=lambda candidate: candidate.score))


def _described(
    stack: str, results: Results, single: Question | None, figures: Mapping[Criterion, LogFigure]
) -> Candidate:
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
        spread={
            name: figure.half_width if name != "quality" else figure.half_width_of_errors
            for name, figure in figures.items()
            if single or name in ("memory", "cold")
        },
        times={},
        score=1.0,
        chance=0.0,
        pareto=True,
        doubts=tuple(
            f"{doubt} on {pipeline.pipeline}" if len(results) > 1 else doubt
            for pipeline, own in results
            for doubt in own.doubts.values()
        ),
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
