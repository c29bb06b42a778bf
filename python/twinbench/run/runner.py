"""A run: its cells are planned, measured part by part, and end one way or another."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.errors import BadInput
from twinbench.launch.process import WorkerFailure
from twinbench.launch.variables import variables_of_worker
from twinbench.plan.pipeline import Pipeline
from twinbench.plan.stack import Stack, fingerprint, versions
from twinbench.run import environment
from twinbench.run.agree import reference
from twinbench.run.agree.apart import computed_apart
from twinbench.run.contender import Contender
from twinbench.run.ending import end
from twinbench.run.measured import Measured
from twinbench.run.measuring import Measuring, now
from twinbench.run.models import mistakes, quality
from twinbench.run.options import Options
from twinbench.run.watch import Watch
from twinbench.store.records import PlannedPipeline, Status
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Part:
    """One pipeline at one size, with its stacks."""

    pipeline: Pipeline
    size: str
    stacks: list[Stack]


def run(parts: list[Part], options: Options, store: Store, run_id: str, watch: Watch) -> None:
    """Measure every part. Cells that an earlier, interrupted attempt finished are left as they are.

    Raises BadInput, before anything is measured, where that attempt had other work.
    """
    _check_same_work(parts, store, run_id)
    environment.noise()  # rates are over the time since this call
    noises: list[dict[str, Any]] = []
    with computed_apart(options.timeout_s, options.memory_limit, watch.computing) as compute:
        for part in parts:
            try:
                references = reference.prepare(part.pipeline, part.size, options.device, compute)
            except WorkerFailure as failure:
                _end_without_reference(part, options, store, run_id, failure, watch)
                continue
            noises += _measure(part, options, store, run_id, references, watch)
    warnings = environment.warnings(store.find_run(run_id).environment, noises)
    store.add_noise(run_id, now(), {"warnings": warnings})


def _measure(
    part: Part, options: Options, store: Store, run_id: str, references: reference.Reference, watch: Watch
) -> list[dict[str, Any]]:
    """Measure a part whose reference is there. Returns the disturbances meanwhile."""
    sliced = mistakes.slices(part.pipeline, references)
    _store_pipeline(part, store, run_id, references, watch)
    contenders = list(_contenders(part, options, store, run_id, references, sliced, watch))
    watch.planned(part.pipeline.name, part.size, [c.name for c in contenders])
    with _killed_in_the_end(contenders):
        measuring = Measuring(part.pipeline, contenders, options, store, run_id, watch)
        measuring.all()
    _compare_predictions(part, store, run_id, references, sliced)
    return measuring.noises


def _end_without_reference(
    part: Part, options: Options, store: Store, run_id: str, failure: WorkerFailure, watch: Watch
) -> None:
    """End the cells of a part whose reference could not be computed: nothing shows what is right."""
    store.add_pipeline(run_id, _planned(part, described=False))
    reason = f"the reference: {failure.reason}"
    for stack in part.stacks:
        assigned = {step: framework.name for step, framework in stack.steps.items()}
        code = fingerprint(stack, options.device)
        cell = store.add_cell(run_id, part.pipeline.name, stack.name, part.size, assigned, code)
        if not next(c for c in store.cells(run_id) if c.id == cell).status.ended:
            end(store, cell, WorkerFailure(failure.kind, reason, failure.output))
            watch.ended(stack.name, failure.kind, reason)


def _planned(part: Part, *, described: bool = True) -> PlannedPipeline:
    """Describe a part's pipeline as the store keeps it; what is ``described`` of own data reads the data."""
    dataset = {}
    source = part.pipeline.dataset
    if source is not None:
        dataset = {
            "name": source.name,
            "sha256": source.checksum(),
            "source": source.source,
            "unit": source.unit,
            "amount": part.pipeline.amount(part.size) or source.most,
            "taken": source.taken(part.pipeline.amount(part.size)) if described else "",
        }
    return PlannedPipeline(part.pipeline.name, part.size, json.loads(json.dumps(part.pipeline.as_json())), dataset)


def _check_same_work(parts: list[Part], store: Store, run_id: str) -> None:
    earlier = {(planned.name, planned.size): planned for planned in store.pipelines(run_id)}
    for part in parts:
        before = earlier.get((part.pipeline.name, part.size))
        if before is not None and (what := _changed(before, _planned(part))):
            where = f"{part.pipeline.path} ({part.size})"
            raise BadInput(f"{where}: {what} changed since run {run_id}; start a new run instead, or change it back")


def _changed(before: PlannedPipeline, now: PlannedPipeline) -> str:
    """Say what makes a pipeline other work than it was; empty if nothing does."""
    if now.work == before.work:
        return ""
    if before.spec["steps"] != now.spec["steps"]:
        old, new = ({step["id"]: step for step in planned.spec["steps"]} for planned in (before, now))
        steps = [step for step in dict.fromkeys([*old, *new]) if old.get(step) != new.get(step)]
        return f"step '{steps[0]}'" if steps else "the order of the steps"
    if before.dataset.get("sha256") != now.dataset.get("sha256"):
        return "the data"
    return f"the amount of data ({before.dataset.get('amount')} then, {now.dataset.get('amount')} now)"


def _store_pipeline(part: Part, store: Store, run_id: str, references: reference.Reference, watch: Watch) -> None:
    store.add_pipeline(run_id, _planned(part))
    try:
        baselines = references.baselines(part.pipeline)
    except WorkerFailure as failure:
        watch.ended("baselines", failure.kind, failure.reason)
        baselines = {}
    for name, values in baselines.items():
        for metric, value in values.items():
            store.add_baseline(run_id, part.pipeline.name, part.size, name, metric, value)


def _compare_predictions(
    part: Part, store: Store, run_id: str, references: reference.Reference, sliced: Mapping[str, NDArray[Any]]
) -> None:
    """Store the test rows that the stacks classify differently, once every cell has ended."""
    scoring = next((step for step in part.pipeline.steps if quality.scores_all(step)), None)
    if scoring is not None:
        cells = [c for c in store.cells(run_id) if (c.pipeline, c.size) == (part.pipeline.name, part.size)]
        mistakes.compare(store, cells, references.output(scoring.inputs[1])["y_test"], sliced)


def _contenders(
    part: Part,
    options: Options,
    store: Store,
    run_id: str,
    references: reference.Reference,
    sliced: Mapping[str, NDArray[Any]],
    watch: Watch,
) -> Iterator[Contender]:
    """Yield the cells that are still to be measured, and store the reason why other cells can't be measured."""
    stored_cells = {cell.id: cell for cell in store.cells(run_id)}
    ended = {id: cell for id, cell in stored_cells.items() if cell.status.ended}
    for stack in part.stacks:
        assigned = {step: framework.name for step, framework in stack.steps.items()}
        code = fingerprint(stack, options.device)
        cell = store.add_cell(run_id, part.pipeline.name, stack.name, part.size, assigned, code)
        if cell in stored_cells and stored_cells[cell].fingerprint != code:
            raise BadInput(f"{stack.name}: its code or a library changed since run {run_id}; start a new run instead")
        if cell in ended:
            store.add_fact(cell, "", "reused", True)
            watch.ended(stack.name, ended[cell].status, "measured before")
        elif stack.missing is not None:
            status = Status.UNAVAILABLE
            store.set_status(cell, status, kind=stack.missing.kind, reason=stack.missing.reason)
            watch.ended(stack.name, status, stack.missing.reason)
        else:
            store.add_fact(cell, "", "versions", {f.name: versions(f) for f in stack.frameworks})
            variables = variables_of_worker(options.threads, options.device, uses_julia=stack.uses_julia)
            measured = Measured(store.samples(cell))
            yield Contender(
                cell=cell,
                store=store,
                options=options,
                stack=stack,
                pipeline=part.pipeline,
                reference=references,
                environment=variables,
                slices=sliced,
                measured=measured,
            )


@contextmanager
def _killed_in_the_end(contenders: list[Contender]) -> Iterator[None]:
    try:
        yield
    finally:
        for contender in contenders:
            if contender.worker is not None:
                contender.worker.kill()
