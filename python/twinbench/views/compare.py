"""A comparison on a terminal: the verdict on every stack, and all other differences."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.compare_records import Comparison, StackOutcome, TimeChange
from twinbench.views import layout, text

STYLES = {"faster": "green", "slower": "red", "same": "", "undecided": "dim"}

LEGEND = """\
ratio: time divided by the base's time, with its 95 % interval. verdict: corrected for the number of comparisons;
same: less than {margin} apart. detectable: the smallest change that such data show in four of five cases.
*: code or libraries differ."""


def render(comparison: Comparison, console: Console, threshold: float | None = None) -> None:
    """Print a comparison; with a threshold (0.05 for 5 %) also regressions, and changes that may have been missed."""
    layout.widen(console)
    layout.say(console, _title(comparison), style="bold")
    if comparison.control:
        layout.say(console, f"ratios are relative to {comparison.control}, which both runs measured")
    for difference in comparison.differences:
        layout.say(console, f"{difference.what} differs", f"{difference.a} -> {difference.b}", style="yellow")
    if comparison.changes:
        console.print(_changes(comparison, console))
    outcomes = [outcome for outcome in comparison.outcomes if outcome.notable]
    if outcomes:
        console.print(_outcomes(outcomes))
    for outcome in comparison.broken():
        layout.say(console, _where(outcome), outcome.reason or str(outcome.status_b), style="red")
    for sentence in comparison.unmatched:
        layout.say(console, "not compared", sentence, style="yellow")
    if comparison.changes:
        console.print(Text(LEGEND.format(margin=text.percent(comparison.margin)), style="dim"))
    if threshold is not None:
        _threshold(comparison, console, threshold)


def _title(comparison: Comparison) -> str:
    if comparison.a != comparison.b:
        return f"run {comparison.b} compared with run {comparison.a}"
    bases = dict.fromkeys(change.a for change in comparison.changes or comparison.outcomes)
    return f"run {comparison.a}: stacks compared with {', '.join(bases)}"


def _changes(comparison: Comparison, console: Console) -> Table:
    several = len({(change.pipeline, change.size) for change in comparison.changes}) > 1
    steps = any(change.step for change in comparison.changes)
    headers = [*(["pipeline", "size"] if several else []), "stack", *(["step"] if steps else [])]
    table = layout.table(*headers, "before", "after", "ratio", "verdict", "detectable", left=len(headers))
    for change in comparison.changes:
        names = [*([change.pipeline, change.size] if several else []), change.b + "*" * change.other_code]
        figures = (text.seconds(change.a_s), text.seconds(change.b_s), text.range_(change.ratio))
        table.add_row(
            *map(layout.cell, [*names, *([change.step or "total"] if steps else []), *figures]),
            layout.cell(change.verdict, STYLES[change.verdict]),
            layout.cell(text.percent(change.ratio.resolvable)),
        )
    return table


def _outcomes(outcomes: Sequence[StackOutcome]) -> Table:
    table = layout.table("pipeline", "size", "stack", "quality", "", "agreement", "status", left=3)
    for stack in outcomes:
        qualities = f"{text.quality(stack.quality_a)} -> {text.quality(stack.quality_b)}"
        error = f"{text.error(stack.error_a)} -> {text.error(stack.error_b)}"
        status = str(stack.status_b) if stack.status_a is stack.status_b else f"{stack.status_a} -> {stack.status_b}"
        quality = f"{stack.metric} {qualities}" if stack.metric else text.NOTHING
        table.add_row(
            *map(layout.cell, (stack.pipeline, stack.size, stack.b, quality)),
            layout.cell(stack.quality, {"better": "green", "worse": "red"}.get(stack.quality, "")),
            layout.cell(error, "" if stack.agrees_alike else "red"),
            layout.cell(status, "red" if stack.broke else ""),
        )
    return table


def _threshold(comparison: Comparison, console: Console, threshold: float) -> None:
    limit = text.percent(threshold)
    for change in comparison.regressions(threshold):
        layout.say(console, f"regression of more than {limit}", _change(change), style="red")
    for outcome in comparison.broken():
        layout.say(console, "regression", f"{_where(outcome)} was done, but now is {outcome.status_b}", style="red")
    for change in comparison.changes:
        if change.blind(threshold):
            detectable = f"only {text.percent(change.ratio.resolvable)} is detectable; measure with more --processes"
            head = f"a regression of {limit} could have been missed"
            layout.say(console, head, f"{_change(change)} {detectable}", style="yellow")
    if not comparison.regressions(threshold) and not comparison.broken():
        layout.say(console, f"no regression of more than {limit} was found")


def _change(change: TimeChange) -> str:
    step = f" {change.step}" if change.step else ""
    return f"{change.b} on {change.pipeline} ({change.size}){step}: {text.range_(change.ratio)}, {change.verdict};"


def _where(outcome: StackOutcome) -> str:
    return f"{outcome.b} on {outcome.pipeline} ({outcome.size})"
