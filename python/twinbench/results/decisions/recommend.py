"""Which stack to choose: hard limits first, then a weighted product of ratios to the best candidate.

How sure the answer is comes from drawing every figure anew from its interval: "undecided" is an answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from twinbench import metrics
from twinbench.errors import BadInput, nearest
from twinbench.numbers.stats import LEVEL
from twinbench.results.decisions import scoring
from twinbench.results.decisions.recommend_records import Recommendation, Rejected, Wishes
from twinbench.results.decisions.scoring import Question, Results
from twinbench.results.summary.records import CellSummary, PipelineSummary, RunSummary
from twinbench.store.records import Status

FEW_PROCESSES = 3
"""With fewer than these the spread between processes is mostly assumed."""


def usual(summary: RunSummary) -> tuple[Recommendation, ...]:
    """With the usual weights and no limits; nothing for a run that has just begun."""
    return recommend(summary, Wishes()) if summary.pipelines else ()


def recommend(
    summary: RunSummary, wishes: Wishes, languages: Mapping[str, str] | None = None
) -> tuple[Recommendation, ...]:
    """One answer per modality of a run. Raises BadInput where nothing of it is asked for.

    ``languages`` says of each framework which language it is of; unknown ones are of none.
    """
    asked = sorted(_asked(summary, wishes), key=lambda pipeline: pipeline.modality)
    return tuple(
        _recommended(summary, modality, list(pipelines), wishes, languages or {})
        for modality, pipelines in groupby(asked, key=lambda pipeline: pipeline.modality)
    )


def _asked(summary: RunSummary, wishes: Wishes) -> list[PipelineSummary]:
    """The pipelines inside the scope, each at the size that was asked for or else at its largest."""
    scopes = (("modality", wishes.modality), ("pipeline", wishes.pipeline), ("size", wishes.size))
    found = list(summary.pipelines)
    for field, wanted in scopes:
        known = {getattr(pipeline, field) for pipeline in found}
        if wanted is not None and wanted not in known:
            raise BadInput(f"run {summary.run_id} has no {field} '{wanted}'{nearest(wanted, known)}")
        found = [pipeline for pipeline in found if wanted in (None, getattr(pipeline, field))]
    if not found:
        raise BadInput(f"run {summary.run_id} has no pipeline to judge by")
    return list({p.pipeline: p for p in sorted(found, key=lambda p: float(p.dataset.get("amount") or 0))}.values())


def _recommended(
    summary: RunSummary,
    modality: str,
    pipelines: Sequence[PipelineSummary],
    wishes: Wishes,
    languages: Mapping[str, str],
) -> Recommendation:
    questions = [Question(p, step) for p in pipelines for step in ([s for s, _ in p.steps] if p.independent else [""])]
    stacks: dict[str, list[tuple[PipelineSummary, CellSummary]]] = {}
    for pipeline in pipelines:
        for cell in pipeline.cells:
            stacks.setdefault(cell.stack, []).append((pipeline, cell))
    rejected = {
        stack: why
        for stack, found in stacks.items()
        if (why := _objection(stack, found, len(pipelines), wishes, languages))
    }
    inside = {stack: [q for q in questions if scoring.time(q, stack)] for stack in stacks if stack not in rejected}
    most = max(map(len, inside.values()), default=0)
    for stack, answers in inside.items():
        if len(answers) < most or not most:
            lacking = ", ".join(str(q) for q in questions if q not in answers)
            rejected[stack] = Rejected(stack, f"no time that counts on {lacking}", False)
    chosen = {stack: answers for stack, answers in inside.items() if stack not in rejected}
    shared = [q for q in questions if all(q in answers for answers in chosen.values())]
    figures = {stack: scoring.figures(stack, stacks[stack], shared) for stack in chosen}
    weights, unweighed = scoring.weights(wishes.weights, figures)
    candidates = scoring.candidates(figures, weights, stacks, shared)
    metrics = {pipeline.metric for pipeline in pipelines}
    return Recommendation(
        modality=modality,
        questions=tuple(map(str, shared if candidates else questions)),
        metric=metrics.pop() if len(metrics) == 1 else None,
        weights=weights,
        candidates=candidates,
        decided=bool(candidates) and candidates[0].chance >= LEVEL,
        contenders=tuple(c.stack for c in candidates if c.chance > 1 - LEVEL),
        switches=tuple(scoring.switches(candidates, weights)),
        rejected=tuple(rejected.values()),
        caveats=(*unweighed, *_caveats(summary, pipelines, questions, shared, [stacks[c.stack] for c in candidates])),
    )


def _objection(
    stack: str, results: Results, pipelines: int, wishes: Wishes, languages: Mapping[str, str]
) -> Rejected | None:
    """The first limit that a stack is outside of."""
    foreign = [f for _, cell in results for f in cell.frameworks if wishes.language not in ("any", languages.get(f))]
    if foreign:
        return Rejected(stack, f"{', '.join(dict.fromkeys(foreign))}: not of the language {wishes.language}", True)
    if len(results) < pipelines:
        return Rejected(stack, "it was not run on all of these pipelines", False)
    return next((why for one in results if (why := _outside(stack, *one, wishes))), None)


def _outside(stack: str, pipeline: PipelineSummary, cell: CellSummary, wishes: Wishes) -> Rejected | None:
    wrong = cell.status is Status.DISAGREES
    if cell.status is not Status.DONE and not (wrong and pipeline.independent):
        return Rejected(stack, ": ".join(filter(None, (str(cell.status), cell.reason))), wrong)
    if wishes.require_agreement and not all(step.agrees for step in cell.steps if step.steady):
        return Rejected(stack, "not every step agrees with the reference, or was compared", True)
    sign = metrics.sign(pipeline.metric)
    quality = cell.quality.get(pipeline.metric or "")
    limits = (
        (pipeline.metric or "quality", "", 1, quality.mean if quality else None, wishes.min_quality, sign),
        ("memory", " MiB", 2**20, cell.peak_rss_bytes, wishes.max_memory_bytes, -1.0),
        ("cold start", " s", 1, cell.cold_start_s, wishes.max_cold_start_s, -1.0),
    )
    for what, unit, scale, value, limit, direction in limits:
        if limit is None:
            continue
        if value is None:
            return Rejected(stack, f"its {what} is not known", False)
        if direction * value < direction * limit:
            told = f"{what} {value / scale:.3g}{unit}, where {limit / scale:.3g}{unit} is the limit"
            return Rejected(stack, told, True)
    return None


def _caveats(
    summary: RunSummary,
    pipelines: Sequence[PipelineSummary],
    questions: Sequence[Question],
    shared: Sequence[Question],
    candidates: Sequence[Results],
) -> Iterator[str]:
    """What could change the answer, beside the stacks that have no result."""
    asked = summary.arguments.get("request", {}).get("stacks")
    if asked:
        yield f"only these stacks were asked for: {', '.join(asked)}"
    for question in questions:
        if question not in shared:
            yield f"no candidate's answer to {question} counts"
    processes = [cell.processes for results in candidates for _, cell in results if cell.processes]
    if processes and min(processes) < FEW_PROCESSES:
        yield f"as few as {min(processes)} process(es) per stack: the spread between processes is mostly assumed"
    names = {p.pipeline for p in pipelines}
    others = [f"{p.pipeline} ({p.size})" for p in summary.pipelines if p.pipeline in names and p not in pipelines]
    if others:
        yield f"other sizes were measured, too, and may have another answer: {', '.join(others)}"
    else:
        yield "one size was measured: how the stacks compare on more data is not known"
    if not any(p.metric for p in pipelines):
        yield "nothing is predicted here, so quality counts for nothing"
