"""A recommendation on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.decisions.recommend_records import Candidate, Recommendation
from twinbench.views import layout, text, words

LEGEND = """\
x: how many times as much as the best candidate. score: the product of these, each to the power of its weight.
first: how often a stack comes first when every figure is drawn anew from its interval; 95 % make a decision.
* is in the Pareto set. Cold start and memory have no intervals and are taken as measured."""


def render(recommendations: Sequence[Recommendation], console: Console) -> None:
    """Print the answer of every modality, then how to read it."""
    layout.widen(console)
    for found in recommendations:
        layout.say(console, words.choice(found), style="bold green" if found.decided else "bold yellow")
        layout.say(console, "judged by", f"{', '.join(found.questions)}; weights: {words.weights(found) or 'none'}")
        if found.candidates:
            console.print(_table(found))
        for sentence in words.because(found):
            layout.say(console, f"- {sentence}")
        for one in found.rejected:
            layout.say(console, one.stack, f"{'out' if one.measured else 'not known'}: {one.why}", style="dim")
        for sentence in found.caveats:
            layout.say(console, "not known", sentence, style="yellow")
    if any(found.candidates for found in recommendations):
        console.print(Text(LEGEND, style="dim"))


def figures(candidate: Candidate, recommendation: Recommendation) -> dict[str, tuple[str, str]]:
    """What is shown of a candidate: by column the figure, and how many times as much as the best."""
    values = {
        "speed": text.seconds(candidate.time_s),
        "quality": text.quality(candidate.quality),
        "memory": text.size(candidate.memory_bytes),
        "cold": text.seconds(candidate.cold_s),
    }
    return {name: (values[name], f"{candidate.times[name]:.2f}x") for name in recommendation.weights}


def _table(found: Recommendation) -> Table:
    columns = [header for name in found.weights for header in (name, "x")]
    table = layout.table("stack", *columns, "score", "first", left=1)
    for candidate in found.candidates:
        pairs = figures(candidate, found).values()
        table.add_row(
            layout.cell(candidate.stack + "*" * candidate.pareto, "" if candidate.stack in found.contenders else "dim"),
            *(layout.cell(part) for pair in pairs for part in pair),
            layout.cell(f"{candidate.score:.2f}"),
            layout.cell(text.percent(candidate.chance)),
        )
    return table
