"""Whether a model is still fit, as a line and tables on a terminal."""

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

MOST = 20
"""Features that are shown."""

LEGEND = """\
PSI: population stability index over the tenths of the training rows, or their values where these are few; distance and
KS: of Kolmogorov and Smirnov; Fisher: his exact test; p: corrected for all features and scores. drifted: p below 0.05
and PSI from 0.1 on."""


def render(found: Monitored, console: Console) -> None:
    """Print what was found: the answer first, then the worst features, the scores and the quality."""
    layout.widen(console)
    layout.say(console, f"{found.pipeline} ({found.size}): {found.stack}", headline(found), style="bold")
    layout.say(console, sharpness(found))
    _print(console, "feature", found.features)
    _print(console, "score", found.scores)
    if found.classes:
        console.print(_classes(found))
    if found.quality is not None:
        console.print(_quality(found.quality))
        layout.say(console, _calibration(found.quality))
    console.print(Text(LEGEND, style="dim"))


def headline(found: Monitored) -> str:
    """The verdict, and what is behind it."""
    told = [f"{found.rows} rows are too few to call anything drifted" if found.too_few else _drifted(found)]
    if found.quality is not None:
        reason = f" ({found.quality.reason})" if found.quality.reason else ""
        told.append(f"{found.quality.metric} {found.quality.verdict}{reason}")
    return f"{found.verdict}: {'; '.join(told)}"


def _drifted(found: Monitored) -> str:
    """How many, and the first ones by name."""
    features = [shift.name for shift in found.features if shift.drifted]
    scores = [shift.name for shift in found.scores if shift.drifted]
    count = f"{len(features)} of {len(found.features)} features drifted"
    names = ", ".join(features[:3]) + ", ..." * (len(features) > 3)
    told = count + f" ({names})" * bool(features)
    return told + (f", and {', '.join(scores)}" if scores else ", scores did not" if found.scores else "")


def sharpness(found: Monitored) -> str:
    """What could have been missed."""
    would = f"would show a shift of one feature by {found.smallest:.2f} standard deviations in four of five cases"
    if found.too_few:
        return f"{drift.MIN_ROWS} rows {would}; of these any may have been missed"
    return f"{found.rows:,} rows against {found.known:,} of training: they {would}"


def _print(console: Console, kind: str, shifts: Sequence[Shift]) -> None:
    if shifts:
        console.print(_shifts(kind, shifts[:MOST]))
    if len(shifts) > MOST:
        drifted = sum(shift.drifted for shift in shifts[MOST:])
        more = f"and {len(shifts) - MOST} more" + f", of which {drifted} drifted" * bool(drifted)
        layout.say(console, f"{more}; --json has them all")


def _shifts(kind: str, shifts: Sequence[Shift]) -> Table:
    table = layout.table(kind, "PSI", "distance", "p", "test", "missing", "was", "outside", "", left=1)
    for one in shifts:
        shown = (
            *(one.name, text.quality(one.psi), text.quality(one.distance), _p(one.adjusted), one.test),
            *(text.percent(one.missing), text.percent(one.missing_before), text.percent(one.outside)),
            "drifted" if one.drifted else "",
        )
        table.add_row(*(layout.cell(value, "bold" if one.drifted else "") for value in shown))
    return table


def _p(value: float) -> str:
    return "<0.001" if value < 0.001 else text.quality(value)


def _classes(found: Monitored) -> Table:
    table = layout.table("class", "predicted", "95 % interval", "was", left=1)
    for number, one in enumerate(found.classes):
        interval = f"{text.percent(one.low)} to {text.percent(one.high)}"
        shown = (number, text.percent(one.now), interval, text.percent(one.before))
        table.add_row(*(layout.cell(value) for value in shown))
    return table


def _quality(quality: QualityJudgement) -> Table:
    rows = f"of {quality.rows:,} rows"
    table = layout.table("quality", rows, "of the test rows", "difference", f"margin {quality.margin:g}", left=1)
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
    now, before = text.quality(quality.calibration_error), text.quality(quality.calibration_before)
    return f"expected calibration error {now}, of the test rows {before}"
