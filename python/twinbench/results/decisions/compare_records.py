"""What a comparison says, as plain data: every field with its unit, its meaning and when it is absent.

Knows no store and no statistics but their words.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.numbers.stats import Ratio, Verdict
from twinbench.store.records import Status

BROKEN = (Status.FAILED, Status.TIMEOUT, Status.OOM, Status.DISAGREES)


@dataclass(frozen=True, slots=True)
class Change:
    """One stack against another one, or against itself in another run. ``b`` is what is judged, ``a`` the base."""

    pipeline: str
    size: str
    a: str
    b: str
    """Stacks."""
    step: str
    """Its id, or empty for the total."""
    a_s: float
    b_s: float
    """Seconds of one execution."""
    ratio: Ratio
    """``b`` to ``a``: above 1, ``b`` takes longer."""
    verdict: Verdict
    """Of ``b``, corrected for the number of comparisons."""
    other_code: bool
    """Whether an implementation or a library is another one on the other side: not the same contender any more."""

    def regressed(self, threshold: float) -> bool:
        """Whether ``b`` is slower beyond doubt, and by more than a threshold: 0.05 for 5 %."""
        return self.verdict == "slower" and self.ratio.estimate > 1 + threshold

    def blind(self, threshold: float) -> bool:
        """Whether a change as large as the threshold could have been missed."""
        return self.verdict == "undecided" and self.ratio.resolvable > threshold


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a stack did otherwise, before and after."""

    pipeline: str
    size: str
    a: str
    b: str
    metric: str | None
    """The quality metric that counts. None where nothing is predicted."""
    quality_a: float | None
    quality_b: float | None
    quality: str
    """``better``, ``worse`` or ``same``; empty unless both have one."""
    error_a: float | None
    error_b: float | None
    """Worst errors as multiples of the tolerance: at most 1 agrees. None where nothing was compared."""
    status_a: Status | None
    status_b: Status | None
    """None where the stack is no part of that run."""
    reason: str
    """Why ``b`` is not done, in a sentence. Empty otherwise."""

    @property
    def broke(self) -> bool:
        """Whether what worked before fails now, or computes something else."""
        return self.status_a is Status.DONE and self.status_b in BROKEN

    @property
    def notable(self) -> bool:
        """Whether there is anything to tell beside the times."""
        return self.quality not in ("", "same") or self.status_a is not self.status_b or not self.agrees_alike

    @property
    def agrees_alike(self) -> bool:
        """Whether both are on the same side of the tolerance."""
        return _agrees(self.error_a) == _agrees(self.error_b)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something besides the time that isn't the same on both sides."""

    what: str
    """``machine``, ``threads``, ``code of pandas+torch``, ``data of flights-delay``, ..."""
    a: str
    b: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that is to be said."""

    a: str
    b: str
    """Run ids; the same one where stacks of one run are compared."""
    control: str
    """The stack that the others' times are taken relative to. Empty where there is none."""
    margin: float
    changes: tuple[Change, ...]
    outcomes: tuple[Outcome, ...]
    differences: tuple[Difference, ...]
    """Where there are any, a change of time may have another cause than the one looked for."""
    unmatched: tuple[str, ...]
    """What has no partner, or was given other work, in sentences."""

    def regressions(self, threshold: float) -> list[Change]:
        """What is slower by more than a threshold."""
        return [change for change in self.changes if change.regressed(threshold)]

    def broken(self) -> list[Outcome]:
        """What worked before and doesn't now."""
        return [outcome for outcome in self.outcomes if outcome.broke]


def _agrees(error: float | None) -> bool | None:
    return None if error is None else error <= 1
