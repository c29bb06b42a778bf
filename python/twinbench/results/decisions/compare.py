"""Comparison of two runs, or of the stacks of one run: changes of time with intervals, and all other differences.

Times of one run are compared in the blocks that they share. Times of two runs were never measured side by side, so
their intervals include the spread between runs, unless both runs measured a control. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinbench import metrics
from twinbench.errors import BadInput, nearest
from twinbench.numbers import stats
from twinbench.numbers.stats import Ratio
from twinbench.results.decisions.compare_records import Comparison, Difference, StackOutcome, TimeChange
from twinbench.results.summary.records import CellSummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import Cell, PlannedPipeline, Run, Status
from twinbench.store.samples import Blocks, figures, nested, paired
from twinbench.store.store import Store

MARGIN = 0.02
"""Default of the relative difference below which two times count as the same."""

QUALITY_MARGIN = 0.0005
"""Smallest difference of quality that counts as a change: half of the third decimal, which is the last one shown."""

TOTAL = ""
"""Step id that stands for the total of all steps."""

ENVIRONMENT_FIELDS: Mapping[str, tuple[str, ...]] = {
    "CPU": ("cpu", "model"),
    "usable cores": ("cpu", "usable"),
    "governor": ("cpu", "governor"),
    "threads": ("threads",),
    "system": ("os", "description"),
    "Python": ("python", "version"),
    "twinbench": ("twinbench", "version"),
    "commit of twinbench": ("twinbench", "commit"),
}
"""Facts of a run's environment that can change a time: path in the record, by the name that is shown."""

Key = tuple[str, str, str]
"""Pipeline, size and stack of a cell."""

TimeRatio = Callable[[Key, Key, str], Ratio | None]
"""Function that tells how many times as long a step takes in the second cell as in the first; None if unknown."""


@dataclass(frozen=True, slots=True)
class _Side:
    """One side of a comparison: a run with its pipelines, cells and times."""

    run: Run
    pipelines: dict[tuple[str, str], PlannedPipeline]
    cells: dict[Key, Cell]
    summaries: dict[Key, CellSummary]
    metrics: dict[tuple[str, str], str | None]
    times: dict[Key, dict[str, Blocks]]
    """Samples by cell and step; `TOTAL` is one of the steps unless they are independent."""

    def blocks(self, key: Key, step: str) -> Blocks:
        """Return the samples of a step; empty if there are none."""
        return self.times.get(key, {}).get(step, {})


def runs(
    a: tuple[Store, str],
    b: tuple[Store, str],
    *,
    stacks: Sequence[str] = (),
    control: str = "",
    steps: bool = False,
    margin: float = MARGIN,
) -> Comparison:
    """Compare every stack of run ``b`` with the same stack of run ``a``. Raises BadInput if they share no stack.

    ``control`` is a stack that both runs measured and that didn't change: the others are compared relative to it.
    """
    before, after = _side(*a), _side(*b)
    for name in stacks:
        _require_stack(name, [*before.cells, *after.cells])
    keys = [key for key in dict.fromkeys([*before.cells, *after.cells]) if not stacks or key[2] in stacks]
    pairs = [(key, key) for key in keys if key in before.cells and key in after.cells]
    if not pairs:
        raise BadInput(f"runs {before.run.id} and {after.run.id} have no stack in common on the same pipeline and size")
    comparable = [(key, key) for key, _ in pairs if _same_work(before, after, key) and key[2] != control]
    ratio = _relative_to(control, before, after) if control else _between(before, after)
    return Comparison(
        a=before.run.id,
        b=after.run.id,
        control=control,
        margin=margin,
        changes=_changes(before, after, comparable, ratio, steps, margin),
        outcomes=tuple(_outcome(before, after, a_key, b_key) for a_key, b_key in comparable),
        differences=tuple(_differences(before, after, comparable)),
        unmatched=tuple(_unmatched(before, after, keys)),
    )


def stacks(
    store: Store, run_id: str, names: Sequence[str], *, steps: bool = False, margin: float = MARGIN
) -> Comparison:
    """Compare stacks of one run with the first stack named. Raises BadInput for an unknown stack, or fewer than two."""
    if len(set(names)) < 2:
        raise BadInput("nothing to compare with: name two stacks of the run, or a second run")
    side = _side(store, run_id)
    for name in names:
        _require_stack(name, side.cells)
    pairs = [
        ((pipeline, size, names[0]), (pipeline, size, name))
        for pipeline, size in side.pipelines
        for name in dict.fromkeys(names[1:])
        if {(pipeline, size, names[0]), (pipeline, size, name)} <= side.cells.keys()
    ]
    if not pairs:
        raise BadInput(f"run {side.run.id} has no pipeline that was run on both {' and '.join(names)}")
    return Comparison(
        a=side.run.id,
        b=side.run.id,
        control="",
        margin=margin,
        changes=_changes(side, side, pairs, _within(side), steps, margin),
        outcomes=tuple(_outcome(side, side, a_key, b_key) for a_key, b_key in pairs),
        differences=(),
        unmatched=(),
    )


def _between(before: _Side, after: _Side) -> TimeRatio:
    """Compare times that weren't measured side by side: the intervals include the spread between runs."""
    spreads = before.run.spreads.wider(after.run.spreads)
    time_sd, run_sd = spreads.time_sd, spreads.run_sd

    def ratio(key: Key, _: Key, step: str) -> Ratio | None:
        a, b = before.blocks(key, step), after.blocks(key, step)
        return stats.unpaired(nested(b), nested(a), time_sd=time_sd, run_sd=run_sd) if a and b else None

    return ratio


def _relative_to(control: str, before: _Side, after: _Side) -> TimeRatio:
    """Compare times relative to the control that each run measured beside them."""
    unchanged = {
        key[2]
        for key in before.cells.keys() & after.cells.keys()
        if key[2] == control and before.cells[key].fingerprint == after.cells[key].fingerprint
    }
    if not unchanged:
        raise BadInput(f"--control {control}: not measured with the same code in both runs; name a stack that was")
    process_sd = before.run.spreads.wider(after.run.spreads).process_sd

    def ratio(key: Key, _: Key, step: str) -> Ratio | None:
        control_key = (*key[:2], control)
        sides = [paired(side.blocks(key, step), side.blocks(control_key, step)) for side in (after, before)]
        return stats.controlled(*sides, process_sd=process_sd) if all(pair[0] for pair in sides) else None

    return ratio


def _within(side: _Side) -> TimeRatio:
    """Compare times that were measured side by side, in the blocks that both cells have."""
    process_sd = side.run.spreads.process_sd

    def ratio(a_key: Key, b_key: Key, step: str) -> Ratio | None:
        b, a = paired(side.blocks(b_key, step), side.blocks(a_key, step))
        return stats.ratio(b, a, process_sd=process_sd) if b else None

    return ratio


def _side(store: Store, run_id: str) -> _Side:
    summary = summarise(store, run_id)
    cells = {(cell.pipeline, cell.size, cell.label): cell for cell in store.cells(summary.run_id)}
    pipelines = {(planned.name, planned.size): planned for planned in store.pipelines(summary.run_id)}
    times: dict[Key, dict[str, Blocks]] = {}
    for key, cell in cells.items():
        spec = pipelines[key[:2]].spec
        measured = figures(store.samples(cell.id))
        total = {} if spec.get("independent") else {TOTAL: measured.totals(step["id"] for step in spec["steps"])}
        times[key] = total | measured.steady
    return _Side(
        run=store.find_run(summary.run_id),
        pipelines=pipelines,
        cells=cells,
        summaries={(p.pipeline, p.size, cell.stack): cell for p in summary.pipelines for cell in p.cells},
        metrics={(p.pipeline, p.size): p.metric for p in summary.pipelines},
        times=times,
    )


def _changes(
    before: _Side,
    after: _Side,
    pairs: Sequence[tuple[Key, Key]],
    time_ratio: TimeRatio,
    steps: bool,
    margin: float,
) -> tuple[TimeChange, ...]:
    """Compare the times of what is done and agrees on both sides; the verdicts are corrected for their number."""
    changes = []
    for a_key, b_key in pairs:
        other_code = a_key == b_key and before.cells[a_key].fingerprint != after.cells[b_key].fingerprint
        for step in _steps(before, after, a_key, b_key, steps):
            ratio = time_ratio(a_key, b_key, step)
            if ratio is not None:
                times = before.blocks(a_key, step), after.blocks(b_key, step)
                a_s, b_s = (stats.summarise(nested(blocks)).estimate for blocks in times)
                changes.append(TimeChange(*a_key, b_key[2], step, a_s, b_s, ratio, "undecided", other_code))
    verdicts = stats.verdicts([change.ratio for change in changes], margin)
    return tuple(replace(change, verdict=verdict) for change, verdict in zip(changes, verdicts, strict=True))


def _steps(before: _Side, after: _Side, a_key: Key, b_key: Key, steps: bool) -> list[str]:
    """Return the steps to compare: the total of stacks that are done, and steps that agree on both sides."""
    spec = before.pipelines[a_key[:2]].spec
    independent = spec.get("independent", False)
    a, b = before.summaries[a_key], after.summaries[b_key]
    done = a.status is b.status is Status.DONE
    wrong = {step.step for cell in (a, b) for step in cell.steps if step.agrees is False}
    chosen = [step["id"] for step in spec["steps"] if step["id"] not in wrong] if steps or independent else []
    return [TOTAL, *chosen] if done and not independent else chosen if done or independent else []


def _outcome(before: _Side, after: _Side, a_key: Key, b_key: Key) -> StackOutcome:
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
    )


def _same_work(before: _Side, after: _Side, key: Key) -> bool:
    return before.pipelines[key[:2]].work == after.pipelines[key[:2]].work


def _unmatched(before: _Side, after: _Side, keys: Sequence[Key]) -> Iterator[str]:
    for key in keys:
        pipeline, size, stack = key
        if key not in before.cells or key not in after.cells:
            yield f"{stack} on {pipeline} ({size}) is only in run {(before if key in before.cells else after).run.id}"
        elif not _same_work(before, after, key):
            yield f"{stack} on {pipeline} ({size}) was given other work: the steps or the data changed"


def _differences(before: _Side, after: _Side, pairs: Iterable[tuple[Key, Key]]) -> Iterator[Difference]:
    environments = before.run.environment, after.run.environment
    for what, path in ENVIRONMENT_FIELDS.items():
        a, b = (_at(environment, path) for environment in environments)
        if a != b:
            yield Difference(what, _shown(a), _shown(b))
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
