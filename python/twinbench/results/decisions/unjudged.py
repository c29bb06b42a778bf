"""What a comparison of two runs leaves out, and why: the cells and steps of one side that have no counterpart."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from twinbench.results.decisions.compare_records import BROKEN
from twinbench.results.decisions.sides import TOTAL, Key, Side, where
from twinbench.store.records import PlannedPipeline


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that isn't compared."""

    sentence: str
    was_measured: bool
    """Whether the base measured it, so that its absence may hide a regression."""


def gaps(before: Side, after: Side, keys: Sequence[Key], compared: Collection[tuple[Key, str]]) -> Iterator[Gap]:
    """Yield what is left out of the cells named by ``keys``; ``compared`` are the cells and steps that aren't."""
    for key in keys:
        if key not in before.cells:
            yield Gap(f"{where(key)} is only in run {after.run.id}", False)
        elif key not in after.cells:
            yield Gap(f"{where(key)} is only in run {before.run.id}", _measured(before, key))
        elif before.pipelines[key[:2]].work != after.pipelines[key[:2]].work:
            what = changed_work(before.pipelines[key[:2]], after.pipelines[key[:2]])
            yield Gap(f"{where(key)} was given other work: {what}", _measured(before, key))
        else:
            yield from _of_cell(before, after, key, {step for cell, step in compared if cell == key})


def gaps_within(side: Side, names: Sequence[str], compared: Collection[tuple[Key, str]]) -> Iterator[Gap]:
    """Yield what is left out where the stacks ``names`` of one run are compared with the first of them."""
    for pipeline in side.pipelines:
        base = (*pipeline, names[0])
        for key in dict.fromkeys((*pipeline, name) for name in names[1:] if name != names[0]):
            if base not in side.cells or key not in side.cells:
                missing = [cell for cell in (base, key) if cell not in side.cells]
                if len(missing) == 1:
                    yield Gap(f"{where(missing[0])} was not run", missing[0] == key and _measured(side, base))
            elif not side.rankable(base) or not side.rankable(key):
                for cell in (base, key):
                    status = side.cells[cell].status
                    if not side.rankable(cell) and not (cell == key and status in BROKEN):
                        reason = f": {side.cells[cell].reason}" if side.cells[cell].reason else ""
                        yield Gap(f"{where(cell)}: {status}{reason}", _measured(side, base))
            else:
                yield from _of_steps(side, side, base, key, {step for cell, step in compared if cell == key})


def unfinished(side: Side) -> Iterator[str]:
    """Yield why a run has no final results yet, if it hasn't."""
    if side.run.status == "running":
        yield f"run {side.run.id} is still running, or was killed; finish it with `twinbench run --resume`"
    elif side.run.status == "failed":
        yield f"run {side.run.id} failed, by an error of twinbench's own; make it again"
    elif side.run.status != "done":
        yield f"run {side.run.id} was interrupted; finish it with `twinbench run --resume`"


def changed_work(before: PlannedPipeline, after: PlannedPipeline) -> str:
    """Say what makes a pipeline other work in the second run: its steps, its data, or their amount."""
    old, new = ({step["id"]: step for step in planned.spec["steps"]} for planned in (before, after))
    names = [
        *(f"step '{step}' is gone" for step in old if step not in new),
        *(f"step '{step}' is new" for step in new if step not in old),
        *(f"step '{step}' changed" for step in old if step in new and old[step] != new[step]),
    ]
    if not names and list(old) != list(new):
        names.append("the order of the steps changed")
    if before.dataset.get("sha256") != after.dataset.get("sha256"):
        names.append("the data changed")
    amounts = [planned.dataset.get("amount") for planned in (before, after)]
    if amounts[0] != amounts[1]:
        names.append(f"the amount of data is {amounts[1]} instead of {amounts[0]}")
    return ", ".join(names)


def _measured(side: Side, key: Key) -> bool:
    return side.rankable(key) and any(side.times.get(key, {}).values())


def _of_cell(before: Side, after: Side, key: Key, compared: Collection[str]) -> Iterator[Gap]:
    measured = _measured(before, key)
    for side in (before, after):
        cell = side.cells[key]
        if side.rankable(key) or (side is after and measured and cell.status in BROKEN):
            continue
        reason = f": {cell.reason}" if cell.reason else ""
        yield Gap(f"{where(key)}: {cell.status} in run {side.run.id}{reason}", measured)
        if side is before:
            return
    if measured and after.rankable(key):
        yield from _of_steps(before, after, key, key, compared)
        yield from _of_quality(before, after, key)


def _of_steps(before: Side, after: Side, a_key: Key, b_key: Key, compared: Collection[str]) -> Iterator[Gap]:
    """Yield the steps that the base measured and that aren't compared. Steps that now disagree are an outcome."""
    steps = sorted(before.agreeing(a_key)) if before.independent(a_key) else [TOTAL]
    for step in steps:
        what = f"step {step} of {where(b_key)}" if step else where(b_key)
        if step in compared or (step and step not in after.agreeing(b_key)):
            continue
        if not before.blocks(a_key, step):
            if after.blocks(b_key, step):
                yield Gap(f"{what} has no time in the base, run {before.run.id}", False)
        elif after.blocks(b_key, step):
            yield Gap(f"{what} was not measured in the same blocks as what it is compared with", True)
        else:
            yield Gap(f"{what} has no time in run {after.run.id}", True)


def _of_quality(before: Side, after: Side, key: Key) -> Iterator[Gap]:
    metric = before.metrics[key[:2]]
    if metric in before.summaries[key].quality and metric not in after.summaries[key].quality:
        yield Gap(f"{where(key)} has no {metric} in run {after.run.id}", True)
