"""A recommendation as a decision record in Markdown, after Nygard's "Documenting architecture decisions" (2011)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.summary.records import RunSummary
from twinbench.views import recommend, text, words
from twinbench.views.markdown import plain


def record(summary: RunSummary, recommendations: Sequence[Recommendation], command: str) -> str:
    """The record as text. ``command`` makes it again."""
    return "\n".join([*_head(summary), *(line for found in recommendations for line in _one(found)), *_foot(command)])


def _head(summary: RunSummary) -> Iterator[str]:
    machine = summary.environment.get("cpu", {}).get("model", "an unknown machine")
    yield "# Which stack to use"
    yield ""
    yield "- Status: proposed"
    yield f"- Date: {plain(summary.created[:10])}"
    yield f"- Evidence: twinbench run {plain(summary.run_id)} on {plain(machine)}"
    yield ""


def _one(found: Recommendation) -> Iterator[str]:
    yield f"## {plain(found.modality)}"
    yield ""
    yield "### Context"
    yield ""
    yield f"Judged by {plain(', '.join(found.questions))}; weights: {words.weights(found) or 'none'}."
    yield ""
    yield from _options(found)
    yield "### Decision"
    yield ""
    yield f"{plain(words.choice(found))}."
    yield ""
    yield "### Consequences"
    yield ""
    yield from _bullets(words.because(found))
    yield "### What is not known, and could change it"
    yield ""
    open_ = [f"{one.stack}: {one.why}" for one in found.rejected if not one.measured]
    yield from _bullets([*open_, *found.caveats])


def _options(found: Recommendation) -> Iterator[str]:
    yield "### Options"
    yield ""
    if found.candidates:
        headers = ["stack", *found.weights, "score", "comes first"]
        yield f"| {' | '.join(headers)} |"
        yield f"| --- |{' ---: |' * (len(headers) - 1)}"
    for candidate in found.candidates:
        shown = [f"{value} ({times})" for value, times in recommend.figures(candidate, found).values()]
        cells = [plain(candidate.stack), *shown, f"{candidate.score:.2f}", text.percent(candidate.chance)]
        yield f"| {' | '.join(cells)} |"
    if found.candidates:
        yield ""
    yield from _bullets(f"{one.stack} is out: {one.why}" for one in found.rejected if one.measured)


def _foot(command: str) -> Iterator[str]:
    yield "## Made with"
    yield ""
    yield f"    {text.clean(command)}"
    yield ""


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    lines = [f"- {plain(sentence)}" for sentence in sentences] or ["- nothing"]
    yield from lines
    yield ""
