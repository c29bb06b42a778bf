"""What a run and a recommendation come to, in sentences: the same ones on a terminal, in a report and in a record.

The figures are those of ``results``; here they only get words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from twinbench.results.decisions.recommend_records import Candidate, Criterion, Recommendation
from twinbench.results.summary.records import CellSummary, Growth, PipelineSummary, StepSummary
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


def data(pipeline: PipelineSummary) -> str:
    """What was run on, and what is to be beaten."""
    parts = [str(pipeline.dataset["name"])] if "name" in pipeline.dataset else []
    amount = pipeline.dataset.get("amount")
    parts += [f"{text.amount(amount)} {pipeline.dataset['unit']}"] if amount else []
    parts += [f"{b.name}: {b.metric} {b.value:.3f}" for b in pipeline.baselines if b.metric == pipeline.metric]
    parts += [f"target: {pipeline.metric} {pipeline.target:.3f}"] if pipeline.target is not None else []
    return "; ".join(parts)


def level(step: StepSummary) -> str:
    """How a step compares with the reference's: the class and the error, and of what is different how far it is off."""
    if step.agrees is not False:
        return f"{step.level}" if step.level == "exact" else f"{step.level} ({text.error(step.error)})"
    size = "" if step.max_abs is None or math.isinf(step.max_abs) else f", at most {step.max_abs:.3g} off"
    psnr = "" if step.psnr_db is None else f", {step.psnr_db:.1f} dB"
    return f"{'different*' if step.declared else 'different'}{size}{psnr}"


def qualities(pipeline: PipelineSummary) -> Iterator[tuple[str, str]]:
    """Whether the stacks reach the same quality over several seeds, and after how long the target."""
    for cell in pipeline.cells:
        quality = cell.quality.get(pipeline.metric or "")
        if quality is not None and quality.equivalence is not None:
            found = quality.equivalence
            told = f"{found.verdict}, difference {found.difference:+.4f}"
            told += f" [{found.low:+.4f}, {found.high:+.4f}]" if math.isfinite(found.low) else ""
            yield (
                f"{cell.stack} {quality.metric} over {quality.seeds} seeds, against {quality.against}",
                f"{told}, margin {found.margin:g}",
            )
    reached = [f"{c.stack} {text.seconds(c.to_target_s)}" for c in pipeline.cells if c.to_target_s is not None]
    if reached:
        yield f"training to {pipeline.metric} {pipeline.target:g}", ", ".join(reached)


def is_rated(step: StepSummary) -> bool:
    """Whether it trains, scores or saves models."""
    return step.per_second is not None or step.saved_bytes is not None


def rate(step: StepSummary) -> list[str]:
    """Examples a second, latency of single requests by quantile and their number, bytes on disk."""
    one = step.latency
    quantiles = (one.p50_s, one.p95_s, one.p99_s) if one else (None, None, None)
    return [
        f"{step.per_second:,.0f}" if step.per_second is not None and one is None else text.NOTHING,
        *map(text.seconds, quantiles),
        f"{one.requests:,}" if one else text.NOTHING,
        text.size(step.saved_bytes),
    ]


def exponent(growth: Growth) -> str:
    """With its interval, where there is one."""
    interval = f" [{growth.low:.2f}, {growth.high:.2f}]" if growth.low is not None and growth.high is not None else ""
    return f"{growth.exponent:.2f}{interval}"


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
