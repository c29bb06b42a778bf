"""A recommendation as a decision record in Markdown, after Nygard's "Documenting architecture decisions" (2011)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.summary.records import RunSummary
from twinbench.views import recommend, text, words
from twinbench.views.markdown import plain


def record(summary: RunSummary, recommendations: Sequence[Recommendation], command: str) -> str:
    """Return the record as Markdown. ``command`` is the command line that writes it again."""
    answers = (line for answer in recommendations for line in _answer(answer))
    return "\n".join([*_head(summary), *answers, *_foot(command)])


def _head(summary: RunSummary) -> Iterator[str]:
    machine = summary.environment.get("cpu", {}).get("model", "an unknown machine")
    yield "# Which stack to use"
    yield ""
    yield "- Status: proposed"
    yield f"- Date: {plain(summary.created[:10])}"
    yield f"- Evidence: twinbench run {plain(summary.run_id)} on {plain(machine)}"
    yield ""


def _answer(answer: Recommendation) -> Iterator[str]:
    yield f"## {plain(answer.modality)}"
    yield ""
    yield "### Context"
    yield ""
    yield f"Judged by {plain(', '.join(answer.questions))}; weights: {words.weights(answer) or 'none'}."
    yield ""
    if answer.uncounted:
        yield from _bullets(answer.uncounted)
    yield from _options(answer)
    yield "### Decision"
    yield ""
    yield f"{plain(words.choice(answer))}."
    yield ""
    yield "### Consequences"
    yield ""
    yield from _bullets(words.because(answer))
    yield "### What is not known, and could change the decision"
    yield ""
    unknown = [f"{stack.stack}: {stack.why}" for stack in answer.rejected if not stack.measured]
    yield from _bullets([*unknown, *answer.caveats[len(answer.uncounted) :]])


def _options(answer: Recommendation) -> Iterator[str]:
    yield "### Options"
    yield ""
    if answer.candidates:
        headers = ["stack", *answer.weights, "score", "comes first"]
        yield f"| {' | '.join(headers)} |"
        yield f"| --- |{' ---: |' * (len(headers) - 1)}"
    for candidate in answer.candidates:
        shown = [f"{value} ({times})" for value, times in recommend.figures(candidate, answer).values()]
        cells = [plain(candidate.stack), *shown, f"{candidate.score:.2f}", text.percent(candidate.chance)]
        yield f"| {' | '.join(cells)} |"
    if answer.candidates:
        yield ""
    yield from _bullets(f"{stack.stack} is rejected: {stack.why}" for stack in answer.rejected if stack.measured)


def _foot(command: str) -> Iterator[str]:
    yield "## Made with"
    yield ""
    yield f"    {text.clean(command)}"
    yield ""


def _bullets(sentences: Iterable[str]) -> Iterator[str]:
    lines = [f"- {plain(sentence)}" for sentence in sentences] or ["- nothing"]
    yield from lines
    yield ""
