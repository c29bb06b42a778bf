"""A comparison on a terminal: what may be said of every stack, and what else is different."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.compare_records import Comparison, StackOutcome, TimeChange
from twinbench.views import layout, text

STYLES = {"faster": "green", "slower": "red", "same": "", "undecided": "dim"}

LEGEND = """\
ratio: how many times as long as the base, with its 95 % interval. verdict: corrected for the number of comparisons;
same is inside {margin}. could tell: the smallest change that the data would have shown. *: other code or libraries."""


def render(comparison: Comparison, console: Console, threshold: float | None = None) -> None:
    """Print a comparison. With a threshold (0.05 for 5 %) also what exceeds it, and what could not have been seen."""
    layout.widen(console)
    layout.say(console, _title(comparison), style="bold")
    if comparison.control:
        layout.say(console, f"ratios are relative to {comparison.control}, beside which both runs measured")
    for difference in comparison.differences:
        layout.say(console, f"{difference.what} differs", f"{difference.a} -> {difference.b}", style="yellow")
    if comparison.changes:
        console.print(_changes(comparison, console))
    outcomes = [outcome for outcome in comparison.outcomes if outcome.notable]
    if outcomes:
        console.print(_outcomes(outcomes))
    for outcome in comparison.broken():
        layout.say(console, _place(outcome), outcome.reason or str(outcome.status_b), style="red")
    for sentence in comparison.unmatched:
        layout.say(console, "not compared", sentence, style="yellow")
    if comparison.changes:
        console.print(Text(LEGEND.format(margin=text.percent(comparison.margin)), style="dim"))
    if threshold is not None:
        _threshold(comparison, console, threshold)


def _title(comparison: Comparison) -> str:
    if comparison.a != comparison.b:
        return f"run {comparison.b} against run {comparison.a}"
    bases = dict.fromkeys(change.a for change in comparison.changes or comparison.outcomes)
    return f"run {comparison.a}: stacks against {', '.join(bases)}"


def _changes(comparison: Comparison, console: Console) -> Table:
    several = len({(change.pipeline, change.size) for change in comparison.changes}) > 1
    steps = any(change.step for change in comparison.changes)
    headers = [*(["pipeline", "size"] if several else []), "stack", *(["step"] if steps else [])]
    table = layout.table(*headers, "before", "after", "ratio", "verdict", "could tell", left=len(headers))
    for change in comparison.changes:
        place = [*([change.pipeline, change.size] if several else []), change.b + "*" * change.other_code]
        figures = (text.seconds(change.a_s), text.seconds(change.b_s), text.range_(change.ratio))
        table.add_row(
            *map(layout.cell, [*place, *([change.step or "total"] if steps else []), *figures]),
            layout.cell(change.verdict, STYLES[change.verdict]),
            layout.cell(text.percent(change.ratio.resolvable)),
        )
    return table


def _outcomes(outcomes: Sequence[StackOutcome]) -> Table:
    table = layout.table("pipeline", "size", "stack", "quality", "", "agreement", "status", left=3)
    for one in outcomes:
        quality = f"{one.metric} {text.quality(one.quality_a)} -> {text.quality(one.quality_b)}" if one.metric else "-"
        error = f"{text.error(one.error_a)} -> {text.error(one.error_b)}"
        status = str(one.status_b) if one.status_a is one.status_b else f"{one.status_a} -> {one.status_b}"
        table.add_row(
            *map(layout.cell, (one.pipeline, one.size, one.b, quality)),
            layout.cell(one.quality, {"better": "green", "worse": "red"}.get(one.quality, "")),
            layout.cell(error, "" if one.agrees_alike else "red"),
            layout.cell(status, "red" if one.broke else ""),
        )
    return table


def _threshold(comparison: Comparison, console: Console, threshold: float) -> None:
    limit = text.percent(threshold)
    for change in comparison.regressions(threshold):
        layout.say(console, f"regression of more than {limit}", _change(change), style="red")
    for outcome in comparison.broken():
        layout.say(console, "regression", f"{_place(outcome)} was done, and now is {outcome.status_b}", style="red")
    for change in comparison.changes:
        if change.blind(threshold):
            told = f"could tell {text.percent(change.ratio.resolvable)} at best; measure with more --processes"
            layout.say(console, f"{limit} could have been missed", f"{_change(change)} {told}", style="yellow")
    if not comparison.regressions(threshold) and not comparison.broken():
        layout.say(console, f"no regression of more than {limit} found")


def _change(change: TimeChange) -> str:
    step = f" {change.step}" if change.step else ""
    return f"{change.b} on {change.pipeline} ({change.size}){step}: {text.range_(change.ratio)}, {change.verdict};"


def _place(outcome: StackOutcome) -> str:
    return f"{outcome.b} on {outcome.pipeline} ({outcome.size})"
