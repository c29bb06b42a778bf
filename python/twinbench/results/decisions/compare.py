"""Comparison of two runs, or of the stacks of one run: changes of time with intervals, and all other differences.

Times of one run are compared in the blocks that they share. Times of two runs were never measured side by side, so
their intervals include the spread between runs, unless both runs measured a control. Nothing here prints.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from twinbench import metrics
from twinbench.errors import BadInput, nearest
from twinbench.numbers import stats
from twinbench.numbers.stats import LEVEL
from twinbench.results.decisions import time_ratios, unjudged
from twinbench.results.decisions.compare_records import Comparison, Difference, StackOutcome, TimeChange
from twinbench.results.decisions.sides import TOTAL, Key, Side, side
from twinbench.results.decisions.time_ratios import TimeRatio
from twinbench.results.summary.records import CellSummary
from twinbench.store.records import Status
from twinbench.store.samples import nested
from twinbench.store.store import Store

MARGIN = 0.02
"""Default of the relative difference below which two times count as the same."""

QUALITY_MARGIN = 0.0005
"""Smallest difference of quality that counts as a change: half of the third decimal, which is the last one shown."""

CONTROL_MOVED = 0.1
"""Change of a control between the runs from which on it is named: a machine that differs this much between two runs
slows down some stacks more than others."""

ENVIRONMENT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CPU": ("cpu", "model"),
    "usable cores": ("cpu", "usable"),
    "governor": ("cpu", "governor"),
    "device": ("device",),
    "GPUs": ("gpus",),
    "threads": ("threads",),
    "system": ("os", "description"),
    "Python": ("python", "version"),
    "twinbench": ("twinbench", "version"),
    "commit of twinbench": ("twinbench", "commit"),
}
"""Facts of a run's environment that can change a time: path in the record, by the name that is shown."""

USUAL: Mapping[str, Any] = {"device": "cpu", "GPUs": []}
"""Values of facts that older stores don't have, by name."""

GOALS = ("metric", "target", "baseline")
"""Keys of a pipeline, beside its steps and its data, that say by what its stacks are judged."""


def runs(
    a: tuple[Store, str],
    b: tuple[Store, str],
    *,
    stacks: Sequence[str] = (),
    control: str | Sequence[str] = (),
    steps: bool = False,
    margin: float = MARGIN,
) -> Comparison:
    """Compare every stack of run ``b`` with the same stack of run ``a``. Raises BadInput if they share no stack.

    ``control`` names stacks that both runs measured and that didn't change: the others are compared relative to them.
    """
    controls = [control] if control and isinstance(control, str) else list(dict.fromkeys(control))
    before, after = side(*a), side(*b)
    for name in stacks:
        _require_stack(name, [*before.cells, *after.cells])
    keys = [key for key in dict.fromkeys([*before.cells, *after.cells]) if not stacks or key[2] in stacks]
    pairs = [(key, key) for key in keys if key in before.cells and key in after.cells]
    if not pairs:
        raise BadInput(f"runs {before.run.id} and {after.run.id} have no stack in common on the same pipeline and size")
    keys = [key for key in keys if key[2] not in controls]
    comparable = [(key, key) for key, _ in pairs if key in keys and _same_work(before, after, key)]
    ratio = time_ratios.relative_to(controls, before, after) if controls else time_ratios.between(before, after)
    changes = _changes(before, after, comparable, ratio, steps, margin)
    outcomes = [_outcome(before, after, a_key, b_key) for a_key, b_key in comparable]
    gaps = list(unjudged.gaps(before, after, keys, {((c.pipeline, c.size, c.b), c.step) for c in changes}))
    faults = [fault for name in controls for fault in time_ratios.control_faults(name, before, after)]
    return Comparison(
        a=before.run.id,
        b=after.run.id,
        control=", ".join(controls),
        margin=margin,
        changes=changes,
        outcomes=tuple(outcomes),
        differences=tuple(_differences(before, after, comparable)),
        unmatched=(*(gap.sentence for gap in gaps), *(f"control {fault}" for fault in faults)),
        unjudged=(
            *(sentence for either in _distinct(before, after) for sentence in unjudged.unfinished(either)),
            *(gap.sentence for gap in gaps if gap.was_measured),
            *(f"control {fault}" for fault in faults),
        ),
        notes=(*_notes(before, after, changes), *_moved(controls, before, after)),
    )


def stacks(
    store: Store, run_id: str, names: Sequence[str], *, steps: bool = False, margin: float = MARGIN
) -> Comparison:
    """Compare stacks of one run with the first stack named. Raises BadInput for an unknown stack, or fewer than two."""
    if len(set(names)) < 2:
        raise BadInput("nothing to compare with: name two stacks of the run, or a second run")
    own = side(store, run_id)
    for name in names:
        _require_stack(name, own.cells)
    pairs = [
        ((pipeline, size, names[0]), (pipeline, size, name))
        for pipeline, size in own.pipelines
        for name in dict.fromkeys(names)
        if name != names[0] and {(pipeline, size, names[0]), (pipeline, size, name)} <= own.cells.keys()
    ]
    if not pairs:
        raise BadInput(f"run {own.run.id} has no pipeline that was run on both {' and '.join(names)}")
    changes = _changes(own, own, pairs, time_ratios.within(own), steps, margin)
    gaps = list(unjudged.gaps_within(own, names, {((c.pipeline, c.size, c.b), c.step) for c in changes}))
    return Comparison(
        a=own.run.id,
        b=own.run.id,
        control="",
        margin=margin,
        changes=changes,
        outcomes=tuple(_outcome(own, own, a_key, b_key) for a_key, b_key in pairs),
        differences=(),
        unmatched=tuple(gap.sentence for gap in gaps),
        unjudged=(*unjudged.unfinished(own), *(gap.sentence for gap in gaps if gap.was_measured)),
        notes=tuple(_few(changes)),
    )


def _distinct(before: Side, after: Side) -> list[Side]:
    return [before, after] if before.run.id != after.run.id else [before]


def _changes(
    before: Side, after: Side, pairs: Sequence[tuple[Key, Key]], time_ratio: TimeRatio, steps: bool, margin: float
) -> tuple[TimeChange, ...]:
    """Compare the times of what is done and agrees on both sides; the verdicts are corrected for their number."""
    found = []
    for a_key, b_key in pairs:
        for step in _steps(before, after, a_key, b_key, steps):
            ratio = time_ratio(a_key, b_key, step, LEVEL)
            if ratio is not None:
                found.append((a_key, b_key, step, ratio))
    verdicts = stats.verdicts([ratio for *_, ratio in found], margin)
    together = 1 - (1 - LEVEL) / max(1, len(found))  # Bonferroni: all lower ends hold at once, with half of the rest
    changes = []
    for (a_key, b_key, step, ratio), verdict in zip(found, verdicts, strict=True):
        times = before.blocks(a_key, step), after.blocks(b_key, step)
        wide = ratio if len(found) == 1 else time_ratio(a_key, b_key, step, together)
        a_s, b_s = (stats.summarise(nested(blocks)).estimate for blocks in times)
        other_code = a_key == b_key and before.cells[a_key].fingerprint != after.cells[b_key].fingerprint
        floor = wide.low if wide else 0.0
        changes.append(TimeChange(*a_key, b_key[2], step, a_s, b_s, ratio, verdict, other_code, floor))
    return tuple(changes)


def _steps(before: Side, after: Side, a_key: Key, b_key: Key, steps: bool) -> list[str]:
    """Return the steps to compare: the total of stacks that are done, and steps that agree on both sides."""
    spec = before.spec(a_key)
    independent = before.independent(a_key)
    done = before.summaries[a_key].status is after.summaries[b_key].status is Status.DONE
    right = before.agreeing(a_key) & after.agreeing(b_key)
    chosen = [step["id"] for step in spec["steps"] if step["id"] in right] if steps or independent else []
    return [TOTAL, *chosen] if done and not independent else chosen if done or independent else []


def _outcome(before: Side, after: Side, a_key: Key, b_key: Key) -> StackOutcome:
    a, b = before.summaries[a_key], after.summaries[b_key]
    metric = before.metrics[a_key[:2]]
    qualities = [cell.quality.get(metric or "") for cell in (a, b)]
    word = ""
    if qualities[0] is not None and qualities[1] is not None:
        rise = qualities[1].low - qualities[0].high, qualities[1].high - qualities[0].low
        better = rise[0] > QUALITY_MARGIN, rise[1] < -QUALITY_MARGIN
        higher, lower = better if metrics.sign(metric) > 0 else better[::-1]
        word = "better" if higher else "worse" if lower else "same"
    return StackOutcome(
        pipeline=a_key[0],
        size=a_key[1],
        a=a_key[2],
        b=b_key[2],
        metric=metric,
        quality_a=qualities[0].mean if qualities[0] else None,
        quality_b=qualities[1].mean if qualities[1] else None,
        quality=word,
        error_a=a.agreement_error,
        error_b=b.agreement_error,
        status_a=a.status,
        status_b=b.status,
        reason=b.reason,
        lost=tuple(_lost(a, b)) if a_key == b_key else (),
        doubts_a=a.doubts,
        doubts_b=b.doubts,
    )


def _lost(a: CellSummary, b: CellSummary) -> Iterator[str]:
    """Yield what a stack did in the base and no longer does."""
    wrong = {step.step for step in b.steps if step.agrees is False}
    for step in a.steps:
        if step.agrees and step.step in wrong:
            yield f"step {step.step} agreed with the reference and no longer does"
    goals = (("the target is", a.meets_target, b.meets_target), ("the baseline is", a.beats_baseline, b.beats_baseline))
    for what, then, now in goals:
        if then and now is False:
            yield f"{what} no longer reached"


def _same_work(before: Side, after: Side, key: Key) -> bool:
    return before.pipelines[key[:2]].work == after.pipelines[key[:2]].work


def _notes(before: Side, after: Side, changes: Sequence[TimeChange]) -> Iterator[str]:
    if before.run.id == after.run.id:
        yield f"both sides are run {before.run.id}: nothing can have changed"
    elif changes and not any(change.other_code for change in changes):
        yield "no stack has other code or libraries than in the base: was the change installed that is to be judged?"
    yield from _few(changes)


def _few(changes: Sequence[TimeChange]) -> Iterator[str]:
    few = min((change.ratio.processes for change in changes), default=stats.OWN_SPREAD)
    if stats.assumed(few):
        count = f"{few} process{'es' * (few != 1)}"
        yield f"measured in only {count}: the spread between processes is assumed; measure with --processes 8"


def _moved(controls: Sequence[str], before: Side, after: Side) -> Iterator[str]:
    """Yield by how much a control moved between the runs, if by much."""
    for key in before.times.keys() & after.times.keys():
        for step in (TOTAL,) if not before.independent(key) else before.times[key]:
            blocks = before.blocks(key, step), after.blocks(key, step)
            if key[2] in controls and all(blocks):
                then, now = (stats.summarise(nested(side)).estimate for side in blocks)
                if abs(math.log(now / then)) > CONTROL_MOVED:
                    what = f"{key[2]} itself takes {now / then:.2f} times as long on {key[0]} ({key[1]}) {step}".strip()
                    yield f"the control {what}: the machine differs between the runs, and not every stack alike"
                    break


def _differences(before: Side, after: Side, pairs: Iterable[tuple[Key, Key]]) -> Iterator[Difference]:
    environments = before.run.environment, after.run.environment
    for what, path in ENVIRONMENT_FIELDS.items():
        a, b = (_at(environment, path) for environment in environments)
        if a is None or b is None:
            a, b = (USUAL.get(what) if value is None else value for value in (a, b))
        if a != b:
            yield Difference(what, _shown(a), _shown(b))
    seeds = [run.arguments.get("options", {}).get("seeds", 1) for run in (before.run, after.run)]
    if seeds[0] != seeds[1]:
        yield Difference("number of seeds", *map(_shown, seeds))
    for pipeline in dict.fromkeys(key[:2] for key, _ in pairs):
        old, new = before.pipelines[pipeline].spec, after.pipelines[pipeline].spec
        for goal in GOALS:
            if old.get(goal) != new.get(goal):
                yield Difference(f"{goal} of {pipeline[0]}", _shown(old.get(goal)), _shown(new.get(goal)))
    versions = [_versions(environment) for environment in environments]
    for name in sorted(versions[0].keys() | versions[1].keys()):
        a, b = (side.get(name) for side in versions)
        if a != b:
            yield Difference(name, _shown(a), _shown(b))
    seen = set()
    for key, _ in pairs:
        a, b = before.cells[key].fingerprint, after.cells[key].fingerprint
        if a != b and key[2] not in seen:
            seen.add(key[2])
            yield Difference(f"code of {key[2]}", a, b)


def _versions(environment: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the version of every package of every framework, by package."""
    packages = environment.get("frameworks", {}).values()
    return {name: version for versions in packages for name, version in versions.items()}


def _at(record: Any, path: Sequence[str]) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _shown(value: Any) -> str:
    return "absent" if value is None else str(value)


def _require_stack(name: str, keys: Iterable[Key]) -> None:
    names = {stack for _, _, stack in keys}
    if name not in names:
        raise BadInput(f"no stack '{name}' in the run{nearest(name, names)}")
