"""Summary of a run: all figures that views show, computed here only, so that two views can't differ.

Nothing here prints, and nothing is measured.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from statistics import fmean
from typing import Any

from twinbench import metrics
from twinbench.numbers import equivalence, means, stats
from twinbench.numbers.spreads import Spreads
from twinbench.numbers.stats import Interval
from twinbench.results.models import endpoints
from twinbench.results.summary import disturbances, goals, processes, ranking, starts
from twinbench.results.summary.growth import growths
from twinbench.results.summary.load import surroundings
from twinbench.results.summary.records import (
    BaselineSummary,
    BreakEven,
    CellSummary,
    CurvePoint,
    Growth,
    PipelineSummary,
    QualitySummary,
    RequestLatency,
    RunSummary,
    StepSummary,
)
from twinbench.results.summary.row_errors import with_row_errors
from twinbench.store.facts import SHOWN_APART, StepFacts
from twinbench.store.records import Agreement, Baseline, Cell, Fact, PlannedPipeline, Run, Status
from twinbench.store.samples import Blocks, Figures, figures, nested
from twinbench.store.store import Store

__all__ = [
    "BaselineSummary",
    "BreakEven",
    "CellSummary",
    "CurvePoint",
    "Growth",
    "PipelineSummary",
    "QualitySummary",
    "RequestLatency",
    "RunSummary",
    "StepSummary",
    "plain",
    "summarise",
]

LEVELS = ("exact", "rounding", "approximate", "different")
"""Tolerance classes, from the best to the worst."""


def summarise(store: Store, run_id: str) -> RunSummary:
    """Summarise a run, named by its id or a unique prefix of it. Raises BadInput for an unknown run."""
    run = store.find_run(run_id)
    cells: dict[tuple[str, str], dict[str, list[Cell]]] = defaultdict(lambda: defaultdict(list))
    for cell in store.cells(run.id):
        cells[cell.pipeline, cell.size][cell.variant].append(cell)
    baselines = store.baselines(run.id)
    pipelines = tuple(
        _pipeline(store, run, planned, variant_cells, baselines)
        for planned in store.pipelines(run.id)
        for variant_cells in cells[planned.name, planned.size].values() or [[]]
    )
    growth = growths(pipelines, run.spreads)
    return RunSummary(
        run_id=run.id,
        created=run.created,
        status=run.status,
        arguments=run.arguments,
        environment=run.environment,
        pipelines=pipelines,
        growth=growth,
        warnings=tuple(disturbances.warnings(store, run, pipelines)),
    )


def plain(summary: Any) -> dict[str, Any]:
    """Convert a summary, or another dataclass of figures, to JSON data. A number that isn't finite becomes None."""
    return {key: _plain(value) for key, value in asdict(summary).items()}


def _pipeline(
    store: Store, run: Run, planned: PlannedPipeline, variant_cells: Sequence[Cell], baselines: Sequence[Baseline]
) -> PipelineSummary:
    spec = planned.spec
    steps = {step["id"]: step["op"] for step in spec["steps"]}
    spreads = run.spreads
    own = [b for b in baselines if (b.pipeline, b.size) == (planned.name, planned.size)]
    independent = spec.get("independent", False)
    cells, measured = [], {}
    for cell in variant_cells:
        measured[cell.label] = figures(store.samples(cell.id))
        summary = _cell(store, cell, steps, measured[cell.label], spreads)
        cells.append(goals.judged(summary, store.qualities(cell.id), spec, own))
    cells = with_row_errors(store, _with_equivalences(store, cells, spec), spec.get("metric"))
    around = surroundings(store, run)
    if independent:
        ranked = ranking.by_step(cells, measured, spreads, around)
    else:
        ranked = ranking.by_total(cells, measured, list(steps), spreads, around)
    return PipelineSummary(
        pipeline=planned.name,
        size=planned.size,
        modality=spec["modality"],
        question=spec.get("question", ""),
        metric=spec.get("metric"),
        target=spec.get("target"),
        baseline=spec.get("baseline"),
        dataset=planned.dataset,
        independent=independent,
        steps=tuple(steps.items()),
        variant=variant_cells[0].variant if variant_cells else "",
        cells=tuple(ranked),
        baselines=tuple(BaselineSummary(b.name, b.metric, b.value) for b in own),
        break_even=None if independent else starts.break_even(ranked, measured, list(steps), spreads),
    )


def _cell(store: Store, cell: Cell, ops: Mapping[str, str], measured: Figures, spreads: Spreads) -> CellSummary:
    """Summarise a cell on its own: without its rank, its quality, and the fields that depend on target and baseline."""
    records = store.facts(cell.id)
    facts = {fact.key: fact.value for fact in records if not fact.step}
    by_step = {step: StepFacts.of(records, step) for step in ops}
    agreements = store.agreements(cell.id)
    steps = _steps(cell, ops, measured, agreements, by_step, spreads)
    totals = measured.totals(ops)
    imports = measured.imports()
    first_call = _sum([step.first_call_s for step in steps])
    return CellSummary(
        cell_id=cell.id,
        stack=cell.label,
        variant=cell.variant,
        frameworks=tuple(dict.fromkeys(cell.steps.values())),
        fingerprint=cell.fingerprint,
        status=cell.status,
        kind=cell.kind,
        reason=cell.reason,
        steps=steps,
        total=_interval(totals, spreads),
        mean_s=means.mean(nested(measured.mean_totals(ops))) if totals else None,
        imports_s=imports,
        first_call_s=first_call,
        cold_start_s=None if first_call is None else first_call + sum(imports.values()),
        boundary_in_s=sum(step.boundary_in_s or 0.0 for step in steps),
        boundary_out_s=sum(step.boundary_out_s or 0.0 for step in steps),
        processes=len({process for process, _ in totals}),
        blocks=len(totals),
        rank=None,
        assumed=False,
        ratio=None,
        quality={},
        curve=tuple(CurvePoint(**point) for step in by_step.values() for point in step.curve),
        to_target_s=None,
        beats_baseline=None,
        meets_target=None,
        agreement_error=_worst(agreements),
        peak_rss_bytes=facts.get("peak_rss_bytes"),
        cpu_per_wall=measured.cpu_per_wall,
        gc_share=measured.gc_share,
        reused=bool(facts.get("reused")),
        endpoints=endpoints.of_facts(records),
        facts=_facts(records),
        by_process=processes.of_cell(measured, ops, facts),
    )


def _steps(
    cell: Cell,
    ops: Mapping[str, str],
    measured: Figures,
    agreements: Sequence[Agreement],
    facts: Mapping[str, StepFacts],
    spreads: Spreads,
) -> tuple[StepSummary, ...]:
    steady = {step: _interval(measured.steady.get(step, {}), spreads) for step in ops}
    total = _sum([interval.estimate if interval else None for interval in steady.values()])
    return tuple(
        _step(step, op, cell, measured, steady[step], total, [a for a in agreements if a.step == step], facts[step])
        for step, op in ops.items()
    )


def _step(
    step: str,
    op: str,
    cell: Cell,
    measured: Figures,
    steady: Interval | None,
    total: float | None,
    agreements: Sequence[Agreement],
    facts: StepFacts,
) -> StepSummary:
    return StepSummary(
        step=step,
        op=op,
        framework=cell.steps.get(step, ""),
        first_call_s=measured.typical("first_call", step),
        steady=steady,
        mean_s=measured.mean(step),
        p95_s=measured.quantile(step, 0.95),
        boundary_in_s=measured.typical("boundary", step, "in"),
        boundary_out_s=measured.typical("boundary", step, "out"),
        samples=sum(map(len, measured.steady.get(step, {}).values())),
        share=steady.estimate / total if steady and total else None,
        level=max((a.level for a in agreements), key=LEVELS.index, default=None),
        error=_worst(agreements),
        agrees=all(a.ok for a in agreements) if agreements else None,
        max_abs=max((a.max_abs for a in agreements), default=None),
        psnr_db=min((a.psnr_db for a in agreements if a.psnr_db is not None), default=None),
        declared=next((a.declared for a in agreements if a.declared), ""),
        rank=None,
        assumed=False,
        ratio=None,
        rss_increase_bytes=facts.rss_increase_bytes,
        per_second=facts.examples / steady.estimate if facts.examples and steady else None,
        latency=_latency(measured, step) if facts.request else None,
        saved_bytes=int(facts.held_as["bytes"]) if "bytes" in facts.held_as else None,
        discarded=facts.discarded,
        settled=facts.settled,
        trend=facts.trend,
        allocated_bytes=facts.allocated_bytes,
        gc_share=measured.gc_shares.get(step),
        parts_at=facts.parts_at,
    )


def _latency(measured: Figures, step: str) -> RequestLatency | None:
    """Compute quantiles by the nearest-rank method, which returns measured values."""
    p50, p95, p99 = (measured.quantile(step, share) for share in (0.50, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return RequestLatency(p50, p95, p99, len(measured.walls[step]))


def _with_equivalences(store: Store, cells: Sequence[CellSummary], spec: Mapping[str, Any]) -> list[CellSummary]:
    """Test, with several seeds, whether each cell's quality is equivalent to that of the best cell.

    The best cell is chosen among those that are done: one that failed has too few seeds, and one that disagrees with
    the reference is not a standard for the others.
    """
    metric = spec.get("metric")
    values = {
        cell.stack: {q.seed: q.value for q in store.qualities(cell.cell_id) if q.metric == metric}
        for cell in cells
        if metric in cell.quality
    }
    done = [cell.stack for cell in cells if cell.status is Status.DONE and cell.stack in values]
    if not done or len(values) < 2 or max(map(len, values.values())) < 2:
        return list(cells)
    sign = metrics.sign(metric)
    best = max(done, key=lambda stack: sign * fmean(values[stack].values()))
    return [
        _with_equivalence(cell, str(metric), best, values, spec.get("margin", metrics.DEFAULT_MARGIN)) for cell in cells
    ]


def _with_equivalence(
    cell: CellSummary, metric: str, best: str, values: Mapping[str, Mapping[int, float]], margin: float
) -> CellSummary:
    if cell.stack not in values or cell.stack == best:
        return cell
    ours, theirs = values[cell.stack], values[best]
    seeds = sorted(ours.keys() & theirs.keys())
    pairs = [ours[seed] for seed in seeds], [theirs[seed] for seed in seeds]
    result = equivalence.equivalence(*pairs, margin, stacks=len(values))
    quality = replace(cell.quality[metric], against=best, equivalence=result)
    return goals.compared(replace(cell, quality={**cell.quality, metric: quality}), quality)


def _interval(blocks: Blocks, spreads: Spreads) -> Interval | None:
    return stats.summarise(nested(blocks), time_sd=spreads.time_sd) if blocks else None


def _facts(records: Sequence[Fact]) -> dict[str, dict[str, Any]]:
    """Return the facts by step and key, without those that have fields or views of their own."""
    facts: dict[str, dict[str, Any]] = {}
    for fact in records:
        if fact.key not in SHOWN_APART:
            facts.setdefault(fact.step, {})[fact.key] = fact.value
    return facts


def _worst(agreements: Sequence[Agreement]) -> float | None:
    """Return the largest error; an error of NaN counts as infinite."""
    errors = [math.inf if math.isnan(a.error) else a.error for a in agreements]
    return max(errors, default=None)


def _sum(values: Sequence[float | None]) -> float | None:
    """Add the values; None if one of them is missing, or if there are none."""
    present = [value for value in values if value is not None]
    return sum(present) if present and len(present) == len(values) else None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Status) else value
