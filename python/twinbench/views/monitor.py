"""The result of monitoring a model, as a line and tables on a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.numbers import drift
from twinbench.numbers.drift import Shift
from twinbench.numbers.stats import Interval
from twinbench.results.models.fitness import MetricChange, QualityJudgement
from twinbench.results.models.monitoring import Monitored
from twinbench.views import layout, text

MAX_SHIFTS = 20
"""Largest number of features that are shown."""

LEGEND = """\
PSI: population stability index over the deciles of the training rows, or over their values if these are few. distance:
of Kolmogorov-Smirnov. test: KS for Kolmogorov-Smirnov, Fisher for his exact test. p: corrected for the number of
features and scores. was: the share that was missing in training. drifted: p below 0.05 and PSI of 0.1 or more."""


def render(monitored: Monitored, console: Console) -> None:
    """Print the verdict, then the features that changed most, the scores and the quality."""
    layout.widen(console)
    stack = f"{monitored.pipeline} ({monitored.size}): {monitored.stack}"
    layout.say(console, stack, headline(monitored), style="bold")
    layout.say(console, sensitivity(monitored))
    _print(console, "feature", monitored.features)
    _print(console, "score", monitored.scores)
    if monitored.classes:
        console.print(_classes(monitored))
    if monitored.quality is not None:
        console.print(_quality(monitored.quality))
        layout.say(console, _calibration(monitored.quality))
    console.print(Text(LEGEND, style="dim"))


def headline(monitored: Monitored) -> str:
    """Return the verdict with its reasons."""
    too_few = f"{monitored.rows} rows are too few to call anything drifted"
    reasons = [too_few if monitored.too_few else _drifted(monitored)]
    quality = monitored.quality
    if quality is not None:
        reasons.append(f"{quality.metric} {quality.verdict}" + f" ({quality.reason})" * bool(quality.reason))
    return f"{monitored.verdict}: {'; '.join(reasons)}"


def _drifted(monitored: Monitored) -> str:
    """Say how many features drifted, with the first three names, and which scores did."""
    features = [shift.name for shift in monitored.features if shift.drifted]
    scores = [shift.name for shift in monitored.scores if shift.drifted]
    count = f"{len(features)} of {len(monitored.features)} features drifted"
    names = ", ".join(features[:3]) + ", ..." * (len(features) > 3)
    line = count + f" ({names})" * bool(features)
    return line + (f", and {', '.join(scores)}" if scores else ", scores did not" if monitored.scores else "")


def sensitivity(monitored: Monitored) -> str:
    """Say which shift the rows would have revealed."""
    reveal = f"reveal a shift of one feature by {monitored.smallest:.2f} standard deviations in four of five cases"
    if monitored.too_few:
        return f"{drift.MIN_ROWS} rows would {reveal}; with fewer rows any shift may be missed"
    return f"{monitored.rows:,} rows, tested against {monitored.known:,} training rows, {reveal}"


def _print(console: Console, kind: str, shifts: Sequence[Shift]) -> None:
    if shifts:
        console.print(_shifts(kind, shifts[:MAX_SHIFTS]))
    if len(shifts) > MAX_SHIFTS:
        drifted = sum(shift.drifted for shift in shifts[MAX_SHIFTS:])
        more = f"and {len(shifts) - MAX_SHIFTS} more" + f", of which {drifted} drifted" * bool(drifted)
        layout.say(console, f"{more}; --json prints them all")


def _shifts(kind: str, shifts: Sequence[Shift]) -> Table:
    table = layout.table(kind, "PSI", "distance", "p", "test", "missing", "was", "outside", "", left=1)
    for shift in shifts:
        shown = (
            *(shift.name, text.quality(shift.psi), text.quality(shift.distance), _p(shift.adjusted), shift.test),
            *(text.percent(shift.missing), text.percent(shift.missing_before), text.percent(shift.outside)),
            "drifted" if shift.drifted else "",
        )
        table.add_row(*(layout.cell(value, "bold" if shift.drifted else "") for value in shown))
    return table


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else text.quality(value)


def _classes(monitored: Monitored) -> Table:
    table = layout.table("class", "predicted", "95 % interval", "of the test rows", left=1)
    for number, share in enumerate(monitored.classes):
        interval = f"{text.percent(share.low)} to {text.percent(share.high)}"
        shown = (number, text.percent(share.now), interval, text.percent(share.before))
        table.add_row(*(layout.cell(value) for value in shown))
    return table


def _quality(quality: QualityJudgement) -> Table:
    rows = f"{quality.rows:,} rows"
    table = layout.table("quality", rows, "test rows", "difference", f"margin {quality.margin:g}", left=1)
    for change in quality.changes:
        verdict = quality.verdict if change.metric == quality.metric else ""
        shown = (change.metric, _interval(change.now), _interval(change.before), _signed(change), verdict)
        table.add_row(*(layout.cell(value) for value in shown))
    return table


def _interval(value: Interval) -> str:
    return f"{value.estimate:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _signed(change: MetricChange) -> str:
    value = change.difference
    return f"{value.estimate:+.3f} [{value.low:+.3f}, {value.high:+.3f}]"


def _calibration(quality: QualityJudgement) -> str:
    now = text.between(quality.calibration_error, quality.calibration_interval)
    before = text.between(quality.calibration_before, quality.calibration_before_interval)
    return f"expected calibration error {now}; {before} for the test rows"
