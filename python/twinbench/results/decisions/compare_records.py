"""The result of a comparison as plain data: every field with its unit, its meaning and when it is absent.

Knows no store, and of the statistics only their result types.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twinbench.numbers.stats import Ratio, Verdict
from twinbench.store.records import Status

BROKEN = (Status.FAILED, Status.TIMEOUT, Status.OOM, Status.DISAGREES)


@dataclass(frozen=True, slots=True)
class TimeChange:
    """The time of stack ``b`` compared with that of ``a``: another stack, or the same stack in another run."""

    pipeline: str
    size: str
    a: str
    """Stack that is the base of the comparison."""
    b: str
    """Stack that is judged."""
    step: str
    """Step id; empty for the total."""
    a_s: float
    """Seconds of one execution by ``a``."""
    b_s: float
    """Seconds of one execution by ``b``."""
    ratio: Ratio
    """Ratio of ``b`` to ``a``: above 1, ``b`` takes longer."""
    verdict: Verdict
    """Verdict on ``b``, corrected for the number of comparisons."""
    other_code: bool
    """Whether the implementations or the libraries of the same stack differ between the runs."""

    floor: float
    """Lower end of an interval of the ratio that holds for all changes of the comparison together, at 97.5 %.

    It is the interval's own lower end if there is one change only. A build fails by this bound."""

    def regressed(self, threshold: float) -> bool:
        """Return whether ``b`` is certainly slower by more than the threshold (0.05 for 5 %)."""
        return self.floor > 1 + threshold and not self.ratio.disturbed

    def contradictory(self, threshold: float) -> bool:
        """Return whether only one of wall and CPU time says that ``b`` is slower by more than the threshold."""
        cpu = self.ratio.cpu
        return self.ratio.disturbed and (self.floor > 1 + threshold or (cpu is not None and cpu.low > 1 + threshold))

    def possible(self, threshold: float) -> bool:
        """Return whether ``b`` may be slower by more than the threshold, but isn't certainly so."""
        return self.ratio.high > 1 + threshold and not self.regressed(threshold)


@dataclass(frozen=True, slots=True)
class StackOutcome:
    """The quality, agreement and status of a stack on both sides of a comparison."""

    pipeline: str
    size: str
    a: str
    b: str
    metric: str | None
    """The quality metric that the pipeline is judged by. None where nothing is predicted."""
    quality_a: float | None
    """Mean quality of ``a``. None if it predicted nothing."""
    quality_b: float | None
    """Mean quality of ``b``. None if it predicted nothing."""
    quality: str
    """``better``, ``worse`` or ``same``; empty unless both sides have a quality."""
    error_a: float | None
    """Largest error of ``a`` as a multiple of the tolerance: at most 1 agrees. None if no output was checked."""
    error_b: float | None
    """Largest error of ``b``, likewise."""
    status_a: Status | None
    """Status of ``a``. None if the stack is not part of that run."""
    status_b: Status | None
    """Status of ``b``. None if the stack is not part of that run."""
    reason: str
    """Why ``b`` is not done, in a sentence. Empty if it is done."""
    lost: tuple[str, ...]
    """What ``a`` does and ``b`` no longer does, in sentences: a step that agrees with the reference, the target."""
    doubts_a: Mapping[str, str] = field(default_factory=dict)
    """Doubts about the quality of ``a``, as in `CellSummary.doubts`."""
    doubts_b: Mapping[str, str] = field(default_factory=dict)
    """Doubts about the quality of ``b``, likewise."""

    @property
    def broke(self) -> bool:
        """Whether the stack was done before, and now fails, disagrees with the reference, or lost something."""
        return (self.status_a is Status.DONE and self.status_b in BROKEN) or bool(self.lost)

    @property
    def notable(self) -> bool:
        """Whether quality, status or agreement differ between the sides."""
        differs = self.status_a is not self.status_b or not self.agrees_alike or bool(self.lost)
        return self.quality not in ("", "same") or differs

    @property
    def agrees_alike(self) -> bool:
        """Whether both sides agree with the reference, or neither does."""
        return _agrees(self.error_a) == _agrees(self.error_b)


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact other than a time that differs between the sides."""

    what: str
    """Name of the fact, such as ``CPU``, ``threads`` or ``code of pandas+torch``."""
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Gate:
    """The decision on a build: what fails it, what keeps it from being judged, and what could be missed."""

    threshold: float
    """Relative slowdown that is too much: 0.05 for 5 %."""
    exit_code: int
    """0 if nothing failed and everything was judged, 4 for a failure, 2 if something can't be judged."""
    refused: tuple[str, ...]
    """Sentences on why the runs can't be compared at all; nothing is judged then."""
    regressions: tuple[TimeChange, ...]
    """Changes that are certainly slower by more than the threshold."""
    broken: tuple[StackOutcome, ...]
    """Stacks that were done before, and now fail, disagree or lost something."""
    unjudged: tuple[str, ...]
    """Sentences on what the base measured and the other side can't be judged by."""
    possible: tuple[TimeChange, ...]
    """Changes whose interval reaches past the threshold."""
    warnings: tuple[str, ...]
    """Sentences on what doesn't decide the exit code and deserves a look."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of two runs, or of stacks of one run."""

    a: str
    """Id of the run that is the base."""
    b: str
    """Id of the run that is judged; the same as ``a`` if stacks of one run are compared."""
    control: str
    """The stack that the times of the others are relative to, or several with commas. Empty if there is none."""
    margin: float
    """Relative difference below which two times count as the same: 0.02 for 2 %."""
    changes: tuple[TimeChange, ...]
    outcomes: tuple[StackOutcome, ...]
    differences: tuple[Difference, ...]
    """Differences of machine, versions and code, each of which may be the cause of a change of time."""
    unmatched: tuple[str, ...]
    """Sentences on cells, or steps of cells, that have no time on one side, or whose steps or data differ."""
    unjudged: tuple[str, ...] = ()
    """Those sentences that are about something that the base did measure, and more of that kind: a gate that passed in
    spite of them would pass in silence."""
    notes: tuple[str, ...] = ()
    """Sentences on circumstances in which a comparison says little."""
    gate: Gate | None = None
    """The decision on a build. None unless it was asked for."""

    def regressions(self, threshold: float) -> list[TimeChange]:
        """Return the changes that are certainly slower by more than the threshold (0.05 for 5 %)."""
        return [change for change in self.changes if change.regressed(threshold)]

    def broken(self) -> list[StackOutcome]:
        """Return the stacks that were done before, and now fail, disagree or lost something."""
        return [outcome for outcome in self.outcomes if outcome.broke]


def _agrees(error: float | None) -> bool | None:
    return None if error is None else error <= 1
