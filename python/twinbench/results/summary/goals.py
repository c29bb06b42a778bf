"""A cell's quality against the goals of its pipeline, and the doubts that every view says beside the result.

The only file that words these doubts: views, `recommend`, `compare`, trackers and `promote` repeat them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean, stdev
from typing import Any

from twinbench import metrics
from twinbench.results.summary.records import CellSummary, QualitySummary
from twinbench.store.records import NO_QUALITY, Baseline, Quality, Status

NOT_COMPUTED = "not computed"
BELOW_BASELINE = "not better than baseline"
MISSED_TARGET = "misses target"
LEARNS_OTHERWISE = "learns otherwise"


def judged(
    cell: CellSummary, qualities: Sequence[Quality], spec: Mapping[str, Any], baselines: Sequence[Baseline]
) -> CellSummary:
    """Set the cell's quality, the fields that compare it with the pipeline's target and baseline, and the doubts.

    A metric of which a value isn't finite counts as not computed.
    """
    cell = replace(cell, quality=_by_metric(qualities))
    metric, target = spec.get("metric"), spec.get("target")
    if not metric:
        return cell
    quality = cell.quality.get(metric)
    if quality is None:
        why = _why_absent(cell, metric, qualities)
        return replace(cell, doubts={NOT_COMPUTED: f"{metric} is not computed: {why}"} if why else {})
    sign = metrics.sign(metric)
    reached = sign * quality.mean
    baseline = next((b for b in baselines if (b.name, b.metric) == (spec.get("baseline"), metric)), None)
    beats = None if baseline is None else reached > sign * baseline.value
    meets = None if target is None else reached >= sign * target
    return replace(
        cell,
        beats_baseline=beats,
        meets_target=meets,
        to_target_s=None if target is None else _to_target(cell, metric, sign, target),
        doubts=dict(_doubts(quality, baseline if beats is False else None, target if meets is False else None)),
    )


def compared(cell: CellSummary, quality: QualitySummary) -> CellSummary:
    """Add a doubt if the quality differs over seeds from the best stack's, where trainings part and it must decide."""
    test = quality.equivalence
    if test is None or test.verdict != "different" or not any(step.parts_at for step in cell.steps):
        return cell
    differs = f"{quality.metric} differs from that of {quality.against} by {test.difference:+.4f} over {quality.seeds}"
    return replace(cell, doubts={**cell.doubts, LEARNS_OTHERWISE: f"{differs} seeds, which roundings don't explain"})


def _doubts(quality: QualitySummary, baseline: Baseline | None, target: float | None) -> Iterator[tuple[str, str]]:
    """Yield the mark and the sentence for a baseline that the quality doesn't beat, and for a target that it misses."""
    if baseline is not None:
        value, limit = _apart(quality.mean, baseline.value)
        yield BELOW_BASELINE, f"{quality.metric} {value} isn't better than the baseline {baseline.name} ({limit})"
    if target is not None:
        value, limit = _apart(quality.mean, target)
        yield MISSED_TARGET, f"{quality.metric} {value} misses the target {limit}"


def _why_absent(cell: CellSummary, metric: str, qualities: Sequence[Quality]) -> str:
    """Return why a metric couldn't be computed; empty for a cell that ended before, whose own reason is shown."""
    wrong = next((q for q in qualities if q.metric == metric and not math.isfinite(q.value)), None)
    if wrong is not None:
        return f"its value with seed {wrong.seed} is {wrong.value}"
    recorded = cell.facts.get("", {}).get(NO_QUALITY)
    if recorded:
        return str(recorded)
    if cell.status is Status.DISAGREES:
        return "the stack disagrees with the reference"
    return "no predictions of this stack were scored" if cell.status is Status.DONE else ""


def _apart(value: float, limit: float) -> tuple[str, str]:
    """Format two figures with three decimals, or as many as show which one is larger."""
    decimals = next((n for n in range(3, 16) if f"{value:.{n}f}" != f"{limit:.{n}f}"), 3)
    return f"{value:.{decimals}f}", f"{limit:.{decimals}f}"


def _to_target(cell: CellSummary, metric: str, sign: float, target: float) -> float | None:
    points = (point for point in cell.curve if metric in point.metrics)
    return next((point.seconds for point in points if sign * point.metrics[metric] >= sign * target), None)


def _by_metric(qualities: Sequence[Quality]) -> dict[str, QualitySummary]:
    values: dict[str, list[float]] = defaultdict(list)
    for quality in qualities:
        values[quality.metric].append(quality.value)
    return {
        name: QualitySummary(name, fmean(v), min(v), max(v), len(v), "", None, stdev(v) if len(v) > 1 else None)
        for name, v in values.items()
        if all(map(math.isfinite, v))
    }
