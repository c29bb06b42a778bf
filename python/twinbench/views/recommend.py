"""A recommendation on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.recommend_records import Candidate, Recommendation
from twinbench.views import layout, text, words

LEGEND = """\
x: ratio to the best candidate. score: product of the ratios, each to the power of its weight; lower is better.
first: share of the draws in which a stack comes first, where each draw takes every figure from its interval;
97.5 % or more is a decision. *: in the Pareto set. ±: half of the 95 % interval."""


def render(recommendations: Sequence[Recommendation], console: Console) -> None:
    """Print the answer for every modality, then a legend."""
    layout.widen(console)
    for answer in recommendations:
        for sentence in answer.uncounted:
            layout.say(console, f"{answer.modality}: {sentence}", style="yellow")
        layout.say(console, words.choice(answer), style="bold green" if answer.decided else "bold yellow")
        layout.say(console, "judged by", f"{', '.join(answer.questions)}; weights: {words.weights(answer) or 'none'}")
        if answer.candidates:
            console.print(_table(answer))
        for sentence in words.because(answer):
            layout.say(console, f"- {sentence}")
        for stack in answer.rejected:
            kind = "rejected" if stack.measured else "no result"
            layout.say(console, stack.stack, f"{kind}: {stack.why}", style="dim")
        for sentence in answer.caveats[len(answer.uncounted) :]:
            layout.say(console, "caveat", sentence, style="yellow")
    if any(answer.candidates for answer in recommendations):
        console.print(Text(LEGEND, style="dim"))


def figures(candidate: Candidate, recommendation: Recommendation) -> dict[str, tuple[str, str]]:
    """Format a candidate's figures: by criterion the figure, and its ratio to the best candidate."""
    values = {
        "speed": text.seconds(candidate.time_s),
        "quality": text.quality(candidate.quality),
        "memory": text.size(candidate.memory_bytes),
        "cold": text.seconds(candidate.cold_s),
    }
    spreads: dict[str, str] = {
        name: f" ±{spread:.3f}" if name == "quality" else f" {text.half_width(spread)}"
        for name, spread in candidate.spread.items()
        if name != "speed"  # its interval is that of a ratio, not of the time beside it
    }
    return {
        name: (values[name] + spreads.get(name, ""), f"{candidate.times[name]:.2f}x") for name in recommendation.weights
    }


def _table(answer: Recommendation) -> Table:
    columns = [header for name in answer.weights for header in (name, "x")]
    table = layout.table("stack", *columns, "score", "first", left=1)
    for candidate in answer.candidates:
        pairs = figures(candidate, answer).values()
        style = "" if candidate.stack in answer.contenders else "dim"
        table.add_row(
            layout.cell(candidate.stack + "*" * candidate.pareto, style),
            *(layout.cell(part) for pair in pairs for part in pair),
            layout.cell(f"{candidate.score:.2f}"),
            layout.cell(text.percent(candidate.chance)),
        )
    return table
