"""Recommendation of a stack: hard limits first, then a weighted product of ratios to the best candidate.

The certainty of the answer is found by drawing every figure anew from its interval; the answer may be "undecided".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from twinbench.errors import BadInput, nearest
from twinbench.numbers import stats
from twinbench.numbers.spreads import Spreads
from twinbench.results.decisions import figures, scoring
from twinbench.results.decisions.draws import DECISION
from twinbench.results.decisions.figures import Figures, Question, Results
from twinbench.results.decisions.limits import outside
from twinbench.results.decisions.recommend_records import Criterion, Recommendation, Rejected, Wishes
from twinbench.results.summary.records import CellSummary, PipelineSummary, RunSummary
from twinbench.store.records import Status


def usual(summary: RunSummary) -> tuple[Recommendation, ...]:
    """Recommend with the usual weights and no limits; return nothing for a run that has no pipeline yet."""
    return recommend(summary, Wishes()) if summary.pipelines else ()


def recommend(
    summary: RunSummary, wishes: Wishes, languages: Mapping[str, str] | None = None
) -> tuple[Recommendation, ...]:
    """Recommend a stack for each modality of a run. Raises BadInput if the run has nothing of what is asked for.

    ``languages`` gives the language of each framework; a framework that is missing from it has no language.
    """
    asked = sorted(_asked(summary, wishes), key=lambda pipeline: pipeline.modality)
    return tuple(
        _recommended(summary, modality, list(pipelines), wishes, languages or {})
        for modality, pipelines in groupby(asked, key=lambda pipeline: pipeline.modality)
    )


def _asked(summary: RunSummary, wishes: Wishes) -> list[PipelineSummary]:
    """Return the pipelines that are asked for, each at the size that is asked for or else at its largest."""
    scopes = (("modality", wishes.modality), ("pipeline", wishes.pipeline), ("size", wishes.size))
    pipelines = list(summary.pipelines)
    for field, wanted in scopes:
        names = {getattr(pipeline, field) for pipeline in pipelines}
        if wanted is not None and wanted not in names:
            raise BadInput(f"run {summary.run_id} has no {field} '{wanted}'{nearest(wanted, names)}")
        pipelines = [pipeline for pipeline in pipelines if wanted in (None, getattr(pipeline, field))]
    if not pipelines:
        raise BadInput(f"run {summary.run_id} has no pipeline to judge by")
    return list({p.pipeline: p for p in sorted(pipelines, key=lambda p: float(p.dataset.get("amount") or 0))}.values())


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
        stack: rejection
        for stack, results in stacks.items()
        if (rejection := _objection(stack, results, len(pipelines), wishes, languages))
    }
    inside = {stack: [q for q in questions if figures.log_time(q, stack)] for stack in stacks if stack not in rejected}
    most = max(map(len, inside.values()), default=0)
    for stack, answers in inside.items():
        if len(answers) < most or not most:
            lacking = ", ".join(str(q) for q in questions if q not in answers)
            rejected[stack] = Rejected(stack, f"it has no ranked time on {lacking}", False)
    chosen = {stack: answers for stack, answers in inside.items() if stack not in rejected}
    shared = [q for q in questions if all(q in answers for answers in chosen.values())]
    process_sd = Spreads.of({**summary.environment, **summary.environment.get("selftest", {})}).process_sd
    measured = figures.of_stacks({stack: stacks[stack] for stack in chosen}, shared, process_sd)
    weights = scoring.weights(wishes.weights, measured)
    uncounted = tuple(_uncounted(wishes.weights, weights, measured, pipelines))
    candidates = scoring.candidates(measured, weights, stacks, shared)
    metrics = {pipeline.metric for pipeline in pipelines}
    return Recommendation(
        modality=modality,
        questions=tuple(map(str, shared if candidates else questions)),
        metric=metrics.pop() if len(metrics) == 1 else None,
        weights=weights,
        candidates=candidates,
        decided=bool(candidates) and candidates[0].chance >= DECISION,
        contenders=tuple(c.stack for c in candidates if c.chance > 1 - DECISION),
        switches=tuple(scoring.switches(candidates, weights)),
        rejected=tuple(rejected.values()),
        caveats=(
            *uncounted,
            *_caveats(
                summary,
                pipelines,
                questions,
                shared,
                [c.stack for c in candidates],
                [stacks[c.stack] for c in candidates],
            ),
        ),
        uncounted=uncounted,
    )


def _objection(
    stack: str, results: Results, pipelines: int, wishes: Wishes, languages: Mapping[str, str]
) -> Rejected | None:
    """Return the first reason to reject a stack, or None."""
    foreign = [f for _, cell in results for f in cell.frameworks if wishes.language not in ("any", languages.get(f))]
    if foreign:
        names = ", ".join(dict.fromkeys(foreign))
        return Rejected(stack, f"{names}: not written in the language {wishes.language}", True)
    if len(results) < pipelines:
        return Rejected(stack, "it was not run on all of these pipelines", False)
    return next((rejection for result in results if (rejection := _outside(stack, *result, wishes))), None)


def _outside(stack: str, pipeline: PipelineSummary, cell: CellSummary, wishes: Wishes) -> Rejected | None:
    wrong = cell.status is Status.DISAGREES
    if cell.status is not Status.DONE and not (wrong and pipeline.independent):
        return Rejected(stack, ": ".join(filter(None, (str(cell.status), cell.reason))), wrong)
    if wishes.require_agreement and not all(step.agrees for step in cell.steps if step.steady):
        return Rejected(stack, "a step disagrees with the reference, or wasn't checked against it", True)
    return outside(stack, pipeline.metric, cell, wishes)


def _uncounted(
    wished: Mapping[Criterion, float],
    weights: Mapping[Criterion, float],
    measured: Figures,
    pipelines: Sequence[PipelineSummary],
) -> Iterator[str]:
    """Yield why criteria count for nothing that were given a weight."""
    for name, weight in wished.items():
        if not weight or name in weights or not measured:
            continue
        lacking = [stack for stack, own in measured.items() if name not in own]
        if name == "quality" and not any(pipeline.metric for pipeline in pipelines):
            reason = "no pipeline here predicts anything"
        elif len(lacking) == len(measured):
            reason = "no candidate has a figure for it"
        else:
            reason = f"not every candidate has a figure for it; it is missing for {', '.join(lacking)}"
        yield f"{name} has no weight: {reason}"


def _caveats(
    summary: RunSummary,
    pipelines: Sequence[PipelineSummary],
    questions: Sequence[Question],
    shared: Sequence[Question],
    names: Sequence[str],
    candidates: Sequence[Results],
) -> Iterator[str]:
    """Yield what could change the answer, other than the stacks that have no result."""
    asked = summary.arguments.get("request", {}).get("stacks")
    if asked:
        yield f"only these stacks were run: {', '.join(asked)}"
    for question in questions:
        if question not in shared:
            yield f"{question} is left out: not every candidate has a ranked time on it"
    processes = [cell.processes for results in candidates for _, cell in results if cell.processes]
    if processes and stats.assumed(min(processes)):
        few = min(processes)
        count = f"{few} process{'es' * (few != 1)}"
        yield f"a stack was measured in only {count}: the spread between processes is assumed"
    judged = {p.pipeline for p in pipelines}
    others = [f"{p.pipeline} ({p.size})" for p in summary.pipelines if p.pipeline in judged and p not in pipelines]
    if others:
        yield f"the answer may differ at the other sizes that were measured: {', '.join(others)}"
    else:
        yield "only one size was measured: the answer may differ with more data"
    disturbed = [stack for stack in names if any(figures.is_disturbed(question, stack) for question in shared)]
    if disturbed:
        why = "load moved wall times away from CPU times, and their distance is drawn with the speed"
        yield f"undecided (disturbed): {', '.join(disturbed)}: {why}; measure again on a quiet machine"
    unknown = [
        cell.stack
        for results in candidates
        for pipeline, cell in results
        if (quality := cell.quality.get(pipeline.metric or "")) and quality.row_error is None and quality.seeds == 1
    ]
    if unknown:
        yield f"quality is taken as exact, because its test rows aren't stored: {', '.join(dict.fromkeys(unknown))}"
