"""What a run and a recommendation come to, in sentences: the same ones on a terminal, in a report and in a record.

The figures are those of ``results``; here they only get words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from twinbench.results import stats
from twinbench.results.recommend_records import Candidate, Criterion, Recommendation
from twinbench.results.summary_records import CellSummary, PipelineSummary, StepSummary
from twinbench.views import text

COSTS: dict[Criterion, str] = {
    "speed": "the time",
    "quality": "the errors",
    "memory": "the memory",
    "cold": "the cold start",
}
"""What grows where a stack is worse."""


def listed(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def headline(pipeline: PipelineSummary) -> str:
    """Who is fastest, by how much, and whether that is certain."""
    if pipeline.independent:
        return _step_headline(pipeline)
    ranked = [cell for cell in pipeline.cells if cell.rank is not None]
    if not ranked:
        return "no stack was measured and agrees with the reference"
    first = [cell for cell in ranked if cell.rank == 1]
    others = [cell for cell in ranked if cell.rank != 1]
    if len(first) > 1:
        said = f"{listed([cell.stack for cell in first])} share the first place: they can't be told apart"
    else:
        said = f"{first[0].stack} is fastest" if others else f"{first[0].stack} is the only one that can be ranked"
    if first[0].total is not None:
        said += f" ({text.seconds(first[0].total.estimate)})"
    if others and others[0].ratio is not None:
        said += f"; {others[0].stack} takes {text.ratio(others[0].ratio)} as long"
    return said


def _step_headline(pipeline: PipelineSummary) -> str:
    """How many steps each stack is fastest on, alone or with others."""
    firsts = {cell.stack: sum(step.rank == 1 for step in cell.steps) for cell in pipeline.cells}
    ranked = {step.step for cell in pipeline.cells for step in cell.steps if step.rank is not None}
    if not ranked:
        return "no step was measured and agrees with the reference"
    best = sorted((stack for stack, count in firsts.items() if count), key=lambda stack: -firsts[stack])
    parts = [f"{stack} on {firsts[stack]}" for stack in best]
    return f"of {len(ranked)} steps, fastest or not to be told from the fastest: {listed(parts)}"


def setbacks(pipeline: PipelineSummary) -> Iterator[str]:
    """What has no rank and why, one sentence for each reason."""
    out = [cell for cell in pipeline.cells if cell.rank is None and cell.reason]
    for status, cells in groupby(sorted(out, key=lambda cell: cell.status), key=lambda cell: cell.status):
        yield f"{listed([cell.stack for cell in cells])}: {status}"


def break_even(pipeline: PipelineSummary) -> str:
    """When a slower start has paid off; empty where there is nothing to pay off."""
    found = pipeline.break_even
    if found is None:
        return ""
    if found.calls is None:
        return f"{found.against} starts sooner than {found.stack}, which never makes up for it"
    return f"{found.against} starts sooner; from execution {found.calls} on, {found.stack} has taken less time in all"


def standing(place: CellSummary | StepSummary) -> str:
    """``1``, or the ratio to the fastest; nothing where there is no rank."""
    if place.rank is None:
        return text.NOTHING
    return "1" if place.ratio is None else text.ratio(place.ratio)


def is_tie(place: CellSummary | StepSummary) -> bool:
    """Whether it can't be told from the fastest without being it."""
    return place.rank == 1 and place.ratio is not None and stats.verdict(place.ratio) == "undecided"


def choice(recommendation: Recommendation) -> str:
    """The answer in one sentence."""
    found = recommendation
    if not found.candidates:
        return f"{found.modality}: no stack is inside the limits"
    first = found.candidates[0]
    if found.decided and len(found.candidates) == 1:
        return f"{found.modality}: choose {first.stack}, the only one inside the limits"
    if found.decided:
        return f"{found.modality}: choose {first.stack}; it comes first in {text.percent(first.chance)} of the draws"
    chances = [f"{c.stack} ({text.percent(c.chance)})" for c in found.candidates if c.stack in found.contenders]
    return f"{found.modality}: undecided between {listed(chances)}, who come first in so many of the draws"


def price(other: Candidate, first: Candidate, metric: str | None) -> str:
    """What it costs to pick another one, criterion by criterion."""
    parts = []
    for name, times in other.times.items():
        ratio = times / first.times[name]
        told = f"{ratio:.2f}x {COSTS[name]}"
        if name == "quality" and metric and other.quality is not None and first.quality is not None:
            told += f" ({metric} {text.quality(other.quality)}, not {text.quality(first.quality)})"
        parts.append(told if abs(ratio - 1) >= 0.005 else f"the same {COSTS[name].removeprefix('the ')}")
    return listed(parts)


def because(recommendation: Recommendation) -> Iterator[str]:
    """Why the first one is first, what the next one would cost, and what would change that."""
    first, *others = recommendation.candidates or (None,)
    if first is None:
        return
    best = [name for name in recommendation.weights if first.times[name] < 1.005]
    if others and best:
        yield f"{first.stack} is the best of all in {listed(best)}"
    if others and not others[0].pareto:
        yield f"{others[0].stack} is behind it with nothing to set against that"
    for other in others[:1]:
        yield f"{other.stack} instead costs {price(other, first, recommendation.metric)}"
    front = [candidate.stack for candidate in recommendation.candidates if candidate.pareto]
    if others:
        yield f"nobody beats {listed(front)} in everything that counts (the Pareto set)"
    yield from switches(recommendation)


def switches(recommendation: Recommendation) -> Iterator[str]:
    """How far the weights would have to move."""
    for switch in recommendation.switches:
        way = "up" if switch.then > switch.now else "down"
        moved = f"from {text.percent(switch.now)} {way} to {text.percent(switch.then)}"
        yield f"with the weight of {switch.criterion} {moved}, {switch.stack} comes first"
    if len(recommendation.candidates) > 1 and not recommendation.switches:
        yield "no change of a single weight would put another one first"


def weights(recommendation: Recommendation) -> str:
    """``speed 50%, quality 30%``."""
    return ", ".join(f"{name} {text.percent(weight)}" for name, weight in recommendation.weights.items())
