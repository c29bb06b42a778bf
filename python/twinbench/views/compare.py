"""A comparison on a terminal: the verdict on every stack, and all other differences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.errors import OK
from twinbench.results.decisions.compare_records import Comparison, Gate, StackOutcome, TimeChange
from twinbench.views import layout, text, words

STYLES = {"faster": "green", "slower": "red", "same": "", "undecided": "dim"}

LEGEND = """\
ratio: time divided by the base's time, with its 95 % interval. verdict: corrected for the number of comparisons;
same: less than {margin} apart. detectable: the smallest change that such data show in four of five cases.
*: code or libraries differ."""


def render(comparison: Comparison, console: Console) -> None:
    """Print a comparison; with a gate, also every reason for its exit code, and the decision."""
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
        reason = "; ".join(filter(None, (outcome.reason, *outcome.lost))) or str(outcome.status_b)
        layout.say(console, _where(outcome), reason, style="red")
    for where, doubt in dict.fromkeys(_doubts(comparison)):
        layout.say(console, where, doubt, style="yellow")
    judged = comparison.gate.unjudged if comparison.gate else ()
    for sentence in comparison.unmatched:
        if sentence not in judged:
            layout.say(console, "not compared", sentence, style="yellow")
    if comparison.changes:
        console.print(Text(LEGEND.format(margin=text.percent(comparison.margin)), style="dim"))
    if comparison.gate is not None:
        _gate(comparison.gate, console)


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
            layout.cell(text.verdict(change.ratio, change.verdict), STYLES[change.verdict]),
            layout.cell(text.percent(change.ratio.resolvable)),
        )
    return table


def _outcomes(outcomes: Sequence[StackOutcome]) -> Table:
    table = layout.table("pipeline", "size", "stack", "quality", "", "agreement", "status", left=3)
    for stack in outcomes:
        sides = (stack.quality_a, stack.doubts_a), (stack.quality_b, stack.doubts_b)
        qualities = " -> ".join(words.quality(value, doubts) for value, doubts in sides)
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


def _doubts(comparison: Comparison) -> Iterator[tuple[str, str]]:
    """Yield what is doubtful about the quality of both sides, each as a heading and a sentence."""
    for outcome in comparison.outcomes:
        base = f"{outcome.a} on {outcome.pipeline} ({outcome.size})"
        yield from ((f"{base}, the base", sentence) for sentence in outcome.doubts_a.values())
        yield from ((_where(outcome), sentence) for sentence in outcome.doubts_b.values())


def _gate(gate: Gate, console: Console) -> None:
    """Print every reason for the exit code, then the decision."""
    limit = text.percent(gate.threshold)
    for sentence in gate.refused:
        layout.say(console, "refused", f"{sentence}; --force compares nevertheless", style="red")
    for change in gate.regressions:
        floor = f" at least {change.floor:.3f} with all comparisons taken together" * (change.floor != change.ratio.low)
        layout.say(console, f"regression of more than {limit}", _change(change) + floor, style="red")
    for outcome in gate.broken:
        layout.say(console, "regression", f"{_where(outcome)} {_broke(outcome)}", style="red")
    for sentence in gate.unjudged:
        layout.say(console, "can't be judged", sentence, style="red")
    for change in gate.possible:
        detectable = f"{text.percent(change.ratio.resolvable)} is detectable; measure with more --processes"
        head = f"a regression of {limit} could have been missed"
        layout.say(console, head, f"{_change(change)} {detectable}", style="yellow")
    for sentence in gate.warnings:
        layout.say(console, "warning", sentence, style="yellow")
    layout.say(console, _decision(gate, limit), style="bold")


def _decision(gate: Gate, limit: str) -> str:
    if gate.refused:
        return f"refused: times of two machines don't show a regression (exit code {gate.exit_code})"
    if gate.exit_code == OK:
        return f"no regression of more than {limit} was found"
    if gate.regressions or gate.broken:
        return f"failed (exit code {gate.exit_code})"
    return f"no regression of more than {limit} was found, but not everything was judged (exit code {gate.exit_code})"


def _broke(outcome: StackOutcome) -> str:
    if outcome.status_a is not outcome.status_b:
        return f"was {outcome.status_a}, but now is {outcome.status_b}"
    return "; ".join(outcome.lost)


def _change(change: TimeChange) -> str:
    step = f" {change.step}" if change.step else ""
    verdict = f"{text.range_(change.ratio)}, {text.verdict(change.ratio, change.verdict)};"
    return f"{change.b} on {change.pipeline} ({change.size}){step}: {verdict}"


def _where(outcome: StackOutcome) -> str:
    return f"{outcome.b} on {outcome.pipeline} ({outcome.size})"
