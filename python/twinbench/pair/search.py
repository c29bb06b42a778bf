"""The search for an input on which a check fails, and for the smallest one, by hypothesis."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable

from hypothesis import HealthCheck, Phase, Verbosity, assume, given, settings
from hypothesis import seed as seeded
from hypothesis.errors import HypothesisException
from hypothesis.strategies import SearchStrategy

from twinbench.pair.inputs import Input

SHRINK_S = 10.0
"""Seconds in which a counterexample is made smaller."""


class _Differs(Exception):
    """A check that failed; hypothesis sees all of them as one fault."""


class _Over(BaseException):
    """The end of the time in which a failure was looked for; hypothesis lets it through."""


def smallest(
    strategy: SearchStrategy[Input],
    check: Callable[[Input], bool],
    allowed: Callable[[Input], bool],
    *,
    examples: int,
    seconds: float,
    seed: int,
) -> tuple[Input | None, int]:
    """Return the smallest input with which a check fails, or None, and the number of inputs that were tried.

    ``check`` is whether an input passes, and ``allowed`` whether it may be drawn at all. The search for a failure ends
    after ``seconds``, and the search for a smaller one `SHRINK_S` later.
    """
    failing: dict[bytes, Input] = {}
    tried = 0
    end = time.monotonic() + seconds

    @seeded(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        report_multiple_bugs=False,
        print_blob=False,
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def attempt(drawn: Input) -> None:
        nonlocal tried, end
        key = drawn.encoded()
        if key not in failing:
            if time.monotonic() > end:
                if failing:
                    return
                raise _Over
            assume(allowed(drawn))
            tried += 1
            if check(drawn):
                return
            end = end if failing else time.monotonic() + SHRINK_S
        failing.pop(key, None)
        failing[key] = drawn  # the newest is the last
        raise _Differs

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            attempt()
        except (_Differs, _Over):
            pass
        except HypothesisException:  # nothing that may be drawn, or a failure that doesn't happen again
            pass
    return (list(failing.values())[-1] if failing else None), tried
