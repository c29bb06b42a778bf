"""Two runs, or the stacks of one: what became faster or slower, how sure that is, and what else is different.

Times of one run are compared in the blocks that they share. Those of two runs were never side by side, so their
intervals hold the spread between runs too, unless both runs measured a control. Nothing here prints.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twinbench import metrics
from twinbench.errors import BadInput, nearest
from twinbench.numbers import stats
from twinbench.numbers.stats import Ratio
from twinbench.results.decisions.compare_records import Change, Comparison, Difference, Outcome
from twinbench.results.summary.records import CellSummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import Cell, Plan, Run, Status
from twinbench.store.samples import Blocks, figures, nested, paired
from twinbench.store.store import Store

MARGIN = 0.02
"""Times closer than this are the same, unless told otherwise."""

QUALITY_MARGIN = 0.0005
"""Quality is shown with three decimals; what is less than half of the last one is no change."""

TOTAL = ""
"""The step that stands for all of them."""

SPREADS = {"process_sd": stats.PROCESS_SD, "time_sd": stats.TIME_SD, "run_sd": stats.RUN_SD}
"""What is assumed of a machine that the selftest hasn't measured."""

ENVIRONMENT: Mapping[str, tuple[str, ...]] = {
    "CPU": ("cpu", "model"),
    "usable cores": ("cpu", "usable"),
    "governor": ("cpu", "governor"),
    "threads": ("threads",),
    "system": ("os", "description"),
    "Python": ("python", "version"),
    "twinbench": ("twinbench", "version"),
    "commit of twinbench": ("twinbench", "commit"),
}
"""What in a run's record can change a time."""

Key = tuple[str, str, str]
"""Pipeline, size and stack."""

Compare = Callable[[Key, Key, str], Ratio | None]
"""Of a step: how many times as long the second takes as the first. None where they can't be compared."""


@dataclass(frozen=True, slots=True)
class _Side:
    """A run, with what is asked of it."""

    run: Run
    plans: dict[tuple[str, str], Plan]
    cells: dict[Key, Cell]
    summaries: dict[Key, CellSummary]
    metrics: dict[tuple[str, str], str | None]
    times: dict[Key, dict[str, Blocks]]
    """By step; the total is one of them where the steps are a chain."""

    def blocks(self, key: Key, step: str) -> Blocks:
        """What was measured of a step; empty where nothing was."""
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
    """Every stack of run ``b`` against the same one of run ``a``. Raises BadInput where they share none.

    ``control`` is a stack that both runs measured and that didn't change: the others are compared relative to it.
    """
    before, after = _side(*a), _side(*b)
    for name in stacks:
        _known(name, [*before.cells, *after.cells])
    keys = [key for key in dict.fromkeys([*before.cells, *after.cells]) if not stacks or key[2] in stacks]
    pairs = [(key, key) for key in keys if key in before.cells and key in after.cells]
    if not pairs:
        raise BadInput(f"runs {before.run.id} and {after.run.id} share no stack of a pipeline and size")
    comparable = [(key, key) for key, _ in pairs if _same_work(before, after, key) and key[2] != control]
    ratio = _relative_to(control, before, after) if control else _between(before, after)
    return Comparison(
        a=before.run.id,
        b=after.run.id,
        control=control,
        margin=margin,
        changes=_changes(before, after, comparable, ratio, steps, margin),
        outcomes=tuple(_outcome(before, after, one, other) for one, other in comparable),
        differences=tuple(_differences(before, after, comparable)),
        unmatched=tuple(_unmatched(before, after, keys)),
    )


def stacks(
    store: Store, run_id: str, names: Sequence[str], *, steps: bool = False, margin: float = MARGIN
) -> Comparison:
    """Stacks of one run against the first one named. Raises BadInput for an unknown one, or fewer than two."""
    if len(set(names)) < 2:
        raise BadInput("name two stacks of the run, or a second run to compare it with")
    side = _side(store, run_id)
    for name in names:
        _known(name, side.cells)
    pairs = [
        ((pipeline, size, names[0]), (pipeline, size, name))
        for pipeline, size in side.plans
        for name in dict.fromkeys(names[1:])
        if {(pipeline, size, names[0]), (pipeline, size, name)} <= side.cells.keys()
    ]
    if not pairs:
        raise BadInput(f"no pipeline of run {side.run.id} was run on both {' and '.join(names)}")
    return Comparison(
        a=side.run.id,
        b=side.run.id,
        control="",
        margin=margin,
        changes=_changes(side, side, pairs, _within(side), steps, margin),
        outcomes=tuple(_outcome(side, side, one, other) for one, other in pairs),
        differences=(),
        unmatched=(),
    )


def _between(before: _Side, after: _Side) -> Compare:
    """Nothing was side by side: the spread between runs counts."""
    time_sd, run_sd = (max(_spread(side.run, name) for side in (before, after)) for name in ("time_sd", "run_sd"))

    def ratio(key: Key, _: Key, step: str) -> Ratio | None:
        a, b = before.blocks(key, step), after.blocks(key, step)
        return stats.unpaired(nested(b), nested(a), time_sd=time_sd, run_sd=run_sd) if a and b else None

    return ratio


def _relative_to(control: str, before: _Side, after: _Side) -> Compare:
    """Each run's times in terms of the control's, beside which they were measured."""
    unchanged = {
        key[2]
        for key in before.cells.keys() & after.cells.keys()
        if key[2] == control and before.cells[key].fingerprint == after.cells[key].fingerprint
    }
    if not unchanged:
        raise BadInput(f"--control {control}: not the same code in both runs, so nothing can be told by it")
    process_sd = max(_spread(side.run, "process_sd") for side in (before, after))

    def ratio(key: Key, _: Key, step: str) -> Ratio | None:
        known = (*key[:2], control)
        sides = [paired(side.blocks(key, step), side.blocks(known, step)) for side in (after, before)]
        return stats.controlled(*sides, process_sd=process_sd) if all(pair[0] for pair in sides) else None

    return ratio


def _within(side: _Side) -> Compare:
    """Side by side, in the blocks that both have."""
    process_sd = _spread(side.run, "process_sd")

    def ratio(one: Key, other: Key, step: str) -> Ratio | None:
        b, a = paired(side.blocks(other, step), side.blocks(one, step))
        return stats.ratio(b, a, process_sd=process_sd) if b else None

    return ratio


def _side(store: Store, run_id: str) -> _Side:
    summary = summarise(store, run_id)
    cells = {(cell.pipeline, cell.size, cell.label): cell for cell in store.cells(summary.run_id)}
    plans = {(plan.pipeline, plan.size): plan for plan in store.plans(summary.run_id)}
    times: dict[Key, dict[str, Blocks]] = {}
    for key, cell in cells.items():
        spec = plans[key[:2]].plan
        measured = figures(store.samples(cell.id))
        total = {} if spec.get("independent") else {TOTAL: measured.totals(step["id"] for step in spec["steps"])}
        times[key] = total | measured.steady
    return _Side(
        run=store.find_run(summary.run_id),
        plans=plans,
        cells=cells,
        summaries={(p.pipeline, p.size, cell.stack): cell for p in summary.pipelines for cell in p.cells},
        metrics={(p.pipeline, p.size): p.metric for p in summary.pipelines},
        times=times,
    )


def _changes(
    before: _Side,
    after: _Side,
    pairs: Sequence[tuple[Key, Key]],
    compare: Compare,
    steps: bool,
    margin: float,
) -> tuple[Change, ...]:
    """Of what is done and agrees on both sides; the words come last, when all comparisons are known."""
    found = []
    for one, other in pairs:
        other_code = one == other and before.cells[one].fingerprint != after.cells[other].fingerprint
        for step in _steps(before, after, one, other, steps):
            ratio = compare(one, other, step)
            if ratio is not None:
                times = before.blocks(one, step), after.blocks(other, step)
                a_s, b_s = (stats.summarise(nested(blocks)).estimate for blocks in times)
                found.append(Change(*one[:2], one[2], other[2], step, a_s, b_s, ratio, "undecided", other_code))
    words = stats.verdicts([change.ratio for change in found], margin)
    return tuple(replace(change, verdict=word) for change, word in zip(found, words, strict=True))


def _steps(before: _Side, after: _Side, one: Key, other: Key, steps: bool) -> list[str]:
    """What to compare: the total of stacks that are done, and steps that agree on both sides."""
    spec = before.plans[one[:2]].plan
    independent = spec.get("independent", False)
    a, b = before.summaries[one], after.summaries[other]
    done = a.status is b.status is Status.DONE
    wrong = {step.step for cell in (a, b) for step in cell.steps if step.agrees is False}
    chosen = [step["id"] for step in spec["steps"] if step["id"] not in wrong] if steps or independent else []
    return [TOTAL, *chosen] if done and not independent else chosen if done or independent else []


def _outcome(before: _Side, after: _Side, one: Key, other: Key) -> Outcome:
    a, b = before.summaries[one], after.summaries[other]
    metric = before.metrics[one[:2]]
    qualities = [cell.quality.get(metric or "") for cell in (a, b)]
    word = ""
    if qualities[0] is not None and qualities[1] is not None:
        rise = qualities[1].low - qualities[0].high, qualities[1].high - qualities[0].low
        better = rise[0] > QUALITY_MARGIN, rise[1] < -QUALITY_MARGIN
        higher, lower = better if metrics.sign(metric) > 0 else better[::-1]
        word = "better" if higher else "worse" if lower else "same"
    return Outcome(
        pipeline=one[0],
        size=one[1],
        a=one[2],
        b=other[2],
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
    return before.plans[key[:2]].work == after.plans[key[:2]].work


def _unmatched(before: _Side, after: _Side, keys: Sequence[Key]) -> Iterator[str]:
    for key in keys:
        pipeline, size, stack = key
        if key not in before.cells or key not in after.cells:
            yield f"{stack} on {pipeline} ({size}) is only in run {(before if key in before.cells else after).run.id}"
        elif not _same_work(before, after, key):
            yield f"{stack} on {pipeline} ({size}) was given other work: the steps or the data changed"


def _differences(before: _Side, after: _Side, pairs: Iterable[tuple[Key, Key]]) -> Iterator[Difference]:
    one, other = before.run.environment, after.run.environment
    for what, path in ENVIRONMENT.items():
        a, b = _at(one, path), _at(other, path)
        if a != b:
            yield Difference(what, _said(a), _said(b))
    versions = _versions(one), _versions(other)
    for name in sorted(versions[0].keys() | versions[1].keys()):
        a, b = (side.get(name) for side in versions)
        if a != b:
            yield Difference(name, _said(a), _said(b))
    seen = set()
    for key, _ in pairs:
        a, b = before.cells[key].fingerprint, after.cells[key].fingerprint
        if a != b and key[2] not in seen:
            seen.add(key[2])
            yield Difference(f"code of {key[2]}", a, b)


def _versions(environment: Mapping[str, Any]) -> dict[str, str | None]:
    """Of every package of every framework."""
    packages = environment.get("frameworks", {}).values()
    return {name: version for versions in packages for name, version in versions.items()}


def _at(record: Any, path: Sequence[str]) -> Any:
    for key in path:
        record = record.get(key) if isinstance(record, Mapping) else None
    return record


def _said(value: Any) -> str:
    return "absent" if value is None else str(value)


def _known(name: str, keys: Iterable[Key]) -> None:
    names = {stack for _, _, stack in keys}
    if name not in names:
        raise BadInput(f"no stack '{name}' in the run{nearest(name, names)}")


def _spread(run: Run, name: str) -> float:
    return float(run.environment.get(name, SPREADS[name]))
