"""Sentences about runs and recommendations, which the terminal, the report and the decision record share.

The figures are computed in ``results``; this module only puts them into words.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from twinbench.numbers.stats import verdict
from twinbench.results.decisions.recommend_records import Candidate, Criterion, Recommendation
from twinbench.results.summary.records import CellSummary, Growth, PipelineSummary, StepSummary
from twinbench.views import text

COSTS: dict[Criterion, str] = {
    "speed": "the time",
    "quality": "the errors",
    "memory": "the memory",
    "cold": "the cold start",
}
"""Names of the costs that are larger for a worse stack."""

MEAN_ABOVE = 1.1
"""Mean of a step, in typical times, from which on the terminal shows it, with the step's 95 % quantile."""


def listed(names: Sequence[str]) -> str:
    """Join names: ``a``, ``a and b``, ``a, b and c``."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def quality(value: float | None, doubts: Mapping[str, str]) -> str:
    """Format a quality: ``0.612 !`` if there are doubts about it, ``not computed`` if it couldn't be computed."""
    return ", ".join(doubts) if value is None and doubts else text.quality(value) + " !" * bool(doubts)


def named(cell: CellSummary) -> str:
    """Name a stack, with the marks of its doubts in brackets."""
    return f"{cell.stack} ({', '.join(cell.doubts)})" if cell.doubts else cell.stack


def headline(pipeline: PipelineSummary) -> str:
    """Say which stack is fastest, by how much, and whether it is distinguishably faster than every other."""
    if pipeline.independent:
        return _step_headline(pipeline)
    ranked = [cell for cell in pipeline.cells if cell.rank is not None]
    if not ranked:
        unranked = [cell for cell in pipeline.cells if cell.assumed]
        return _unranked(unranked) if unranked else "no stack was measured and agrees with the reference"
    first = [cell for cell in ranked if cell.rank == 1]
    others = [cell for cell in ranked if cell.rank != 1]
    near = [named(cell) for cell in others if cell.ratio is None or verdict(cell.ratio) != "slower"]
    if len(first) > 1:
        line = f"{listed([named(cell) for cell in first])} share rank 1: none is distinguishably faster than another"
    elif near:
        line = f"{named(first[0])} has rank 1, but isn't distinguishably faster than {listed(near)}"
    else:
        line = f"{named(first[0])} is {'fastest' if others else 'the only stack that can be ranked'}"
    if first[0].total is not None:
        line += f" ({text.seconds(first[0].total.estimate)})"
    if others and others[0].ratio is not None:
        line += f"; {named(others[0])} takes {text.ratio(others[0].ratio)} as long"
    return line


def _unranked(cells: Sequence[CellSummary]) -> str:
    """Say why cells that were measured have no rank."""
    processes = min(cell.processes for cell in cells)
    count = f"{processes} process{'es' * (processes != 1)}"
    shortest = f"{named(cells[0])} took the shortest time"
    if cells[0].total is not None:
        shortest += f" ({text.seconds(cells[0].total.estimate)})"
    return f"{shortest}; nothing is ranked, because the spread between processes is assumed with {count}"


def _step_headline(pipeline: PipelineSummary) -> str:
    """Say on how many steps each stack has rank 1, alone or with others."""
    firsts = {cell.stack: sum(step.rank == 1 for step in cell.steps) for cell in pipeline.cells}
    ranked = {step.step for cell in pipeline.cells for step in cell.steps if step.rank is not None}
    if not ranked:
        if any(step.assumed for cell in pipeline.cells for step in cell.steps):
            return "no step is ranked, because the spread between so few processes is assumed"
        return "no step was measured and agrees with the reference"
    best = sorted((stack for stack, count in firsts.items() if count), key=lambda stack: -firsts[stack])
    parts = [f"{stack} on {firsts[stack]}" for stack in best]
    return f"rank 1 on steps, out of {len(ranked)}: {listed(parts)}"


def data(pipeline: PipelineSummary) -> str:
    """Name the data, the baselines, with one that couldn't be computed, and the target."""
    parts = [str(pipeline.dataset["name"])] if "name" in pipeline.dataset else []
    amount, taken = pipeline.dataset.get("amount"), pipeline.dataset.get("taken")
    parts += [taken] if taken else [f"{text.amount(amount)} {pipeline.dataset.get('unit', '')}"] if amount else []
    parts += [f"{b.name}: {b.metric} {b.value:.3f}" for b in pipeline.baselines if b.metric == pipeline.metric]
    if pipeline.metric and pipeline.baseline and not any(b.metric == pipeline.metric for b in pipeline.baselines):
        parts.append(f"{pipeline.baseline}: {pipeline.metric} not computed")
    parts += [f"target: {pipeline.metric} {pipeline.target:.3f}"] if pipeline.target is not None else []
    return "; ".join(parts)


def level(step: StepSummary) -> str:
    """Describe a step's agreement with the reference: its class and error, or how far a different output is off."""
    if step.agrees is not False:
        return f"{step.level}" if step.level == "exact" else f"{step.level} ({text.error(step.error)})"
    size = "" if step.max_abs is None or math.isinf(step.max_abs) else f", at most {step.max_abs:.3g} off"
    psnr = "" if step.psnr_db is None else f", {step.psnr_db:.1f} dB"
    return f"{'different*' if step.declared else 'different'}{size}{psnr}"


def qualities(pipeline: PipelineSummary) -> Iterator[tuple[str, str]]:
    """Yield, as heading and text, the tests for equal quality over several seeds, and the times to the target."""
    for cell in pipeline.cells:
        quality = cell.quality.get(pipeline.metric or "")
        if quality is not None and quality.equivalence is not None:
            test = quality.equivalence
            result = f"{test.verdict}, difference {test.difference:+.4f}"
            result += f" [{test.low:+.4f}, {test.high:+.4f}]" if math.isfinite(test.low) else ""
            yield (
                f"{cell.stack} {quality.metric} over {quality.seeds} seeds, compared with {quality.against}",
                f"{result}, margin {test.margin:g}",
            )
    reached = [f"{c.stack} {text.seconds(c.to_target_s)}" for c in pipeline.cells if c.to_target_s is not None]
    if reached:
        yield f"training time to {pipeline.metric} {pipeline.target:g}", ", ".join(reached)


def slow_samples(pipeline: PipelineSummary) -> Iterator[tuple[str, str]]:
    """Yield, as heading and text, the steps whose mean is well above their typical time."""
    for cell in pipeline.cells:
        for step in cell.steps:
            if step.steady and step.mean_s is not None and step.mean_s > MEAN_ABOVE * step.steady.estimate:
                mean, p95 = text.seconds(step.mean_s), text.seconds(step.p95_s)
                yield f"{cell.stack} {step.step}", f"mean {mean}, 95 % up to {p95}"


def is_rated(step: StepSummary) -> bool:
    """Return whether a step trains, scores or saves models."""
    return step.per_second is not None or step.saved_bytes is not None


def rate(step: StepSummary) -> list[str]:
    """Format examples per second, three latency quantiles of single requests, their number, and bytes on disk."""
    latency = step.latency
    quantiles = (latency.p50_s, latency.p95_s, latency.p99_s) if latency else (None, None, None)
    return [
        f"{step.per_second:,.0f}" if step.per_second is not None and latency is None else text.NOTHING,
        *map(text.seconds, quantiles),
        f"{latency.requests:,}" if latency else text.NOTHING,
        text.size(step.saved_bytes),
    ]


def exponent(growth: Growth) -> str:
    """Format an exponent with its interval, if it has one; ``0.21 -> 1.02`` where one exponent doesn't fit."""
    if growth.fits is False and growth.smallest is not None and growth.largest is not None:
        return f"{growth.smallest:.2f} -> {growth.largest:.2f}"
    interval = f" [{growth.low:.2f}, {growth.high:.2f}]" if growth.low is not None and growth.high is not None else ""
    return f"{growth.exponent:.2f}{interval}"


def break_even(pipeline: PipelineSummary) -> str:
    """Say when the fastest stack has made up for its slower start; empty if it needn't."""
    pays = pipeline.break_even
    if pays is None:
        return ""
    if pays.calls is None:
        return f"{pays.against} starts sooner than {pays.stack}, which never makes up for it"
    calls = f"{pays.calls:,}"
    if pays.low is not None:
        calls += f" [{pays.low:,}, {text.NOTHING if pays.high is None else f'{pays.high:,}'}]"
    return f"{pays.against} starts sooner; from execution {calls} on, {pays.stack} has taken less time in total"


def standing(summary: CellSummary | StepSummary) -> str:
    """Format the ratio to the fastest: ``1`` for the fastest itself, ``-`` for a stack that takes no part."""
    if summary.rank is None and not summary.assumed:
        return text.NOTHING
    return "1" if summary.ratio is None else text.ratio(summary.ratio)


def choice(recommendation: Recommendation) -> str:
    """Give the answer in one sentence, with the doubts about the quality of the stacks that it names."""
    contenders = [candidate for candidate in recommendation.candidates if candidate.stack in recommendation.contenders]
    doubts = [listed(contenders[0].doubts)] if len(contenders) == 1 else _doubts(contenders)
    return _choice(recommendation) + "".join(f"; but {doubt}" for doubt in doubts if doubt)


def _doubts(candidates: Sequence[Candidate]) -> Iterator[str]:
    """Yield what is doubtful about the quality of each candidate, in one sentence."""
    yield from (f"{candidate.stack}: {listed(candidate.doubts)}" for candidate in candidates if candidate.doubts)


def _choice(answer: Recommendation) -> str:
    if not answer.candidates:
        return f"{answer.modality}: no stack is inside the limits"
    first = answer.candidates[0]
    if answer.decided and len(answer.candidates) == 1:
        return f"{answer.modality}: choose {first.stack}, the only stack inside the limits"
    if answer.decided:
        return f"{answer.modality}: choose {first.stack}; it comes first in {text.percent(first.chance)} of the draws"
    contenders = [candidate for candidate in answer.candidates if candidate.stack in answer.contenders]
    names, chances = [c.stack for c in contenders], [text.percent(c.chance) for c in contenders]
    undecided = f"{answer.modality}: undecided between {listed(names)}"
    return f"{undecided}, which come first in {listed(chances)} of the draws"


def price(other: Candidate, first: Candidate, metric: str | None) -> str:
    """Say what another candidate costs in comparison with the first, criterion by criterion."""
    parts = []
    for name, times in other.times.items():
        ratio = times / first.times[name]
        cost = f"{ratio:.2f}x {COSTS[name]}"
        if name == "quality" and metric and other.quality is not None and first.quality is not None:
            cost += f" ({metric} {text.quality(other.quality)} instead of {text.quality(first.quality)})"
        parts.append(cost if abs(ratio - 1) >= 0.005 else f"the same {COSTS[name].removeprefix('the ')}")
    return listed(parts)


def because(recommendation: Recommendation) -> Iterator[str]:
    """Yield the reasons for the first candidate, the cost of the next, and the weights that would change the order."""
    first, *others = recommendation.candidates or (None,)
    if first is None:
        return
    best = [name for name in recommendation.weights if first.times[name] < 1.005]
    if others and best:
        yield f"{first.stack} is the best candidate in {listed(best)}"
    if others and not others[0].pareto:
        yield f"{others[0].stack} comes next, but another stack is at least as good in every criterion"
    for other in others[:1]:
        yield f"choosing {other.stack} instead costs {price(other, first, recommendation.metric)}"
    front = [candidate.stack for candidate in recommendation.candidates if candidate.pareto]
    if others:
        yield f"in the Pareto set (no stack is better in one criterion without being worse in another): {listed(front)}"
    yield from _doubts([c for c in recommendation.candidates if c.stack not in recommendation.contenders])
    yield from switches(recommendation)


def switches(recommendation: Recommendation) -> Iterator[str]:
    """Yield how far each weight would have to change for another stack to come first."""
    for switch in recommendation.switches:
        way = "raised" if switch.then > switch.now else "lowered"
        change = f"{way} from {text.percent(switch.now)} to {text.percent(switch.then)}"
        yield f"with the weight of {switch.criterion} {change}, {switch.stack} comes first"
    if len(recommendation.candidates) > 1 and not recommendation.switches:
        yield "no change of a single weight would put another stack first"


def weights(recommendation: Recommendation) -> str:
    """Format the weights: ``speed 50%, quality 30%``."""
    return ", ".join(f"{name} {text.percent(weight)}" for name, weight in recommendation.weights.items())
