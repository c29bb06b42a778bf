"""What two outcomes of the same input have to do with each other, and what one function does that a port shouldn't."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from twinbench.pair.differences import Largest, Rules, difference, short
from twinbench.pair.inputs import Input
from twinbench.pair.session import Function, Outcome
from twinbench.pair.target import Layout
from twinbench.pair.tolerance import sum_of_inputs

Compare = Callable[[Any, Any], str | None]
"""The user's own rule: it gets the reference's result and another one, and says how they differ, or None."""


class Judge:
    """The rules by which outcomes are the same."""

    def __init__(
        self, rules: Rules, compare: Compare | None = None, *, mutates: bool = False, threads: int = 1
    ) -> None:
        """``mutates``: functions may change their arguments, and what they make of them is compared."""
        self.rules, self.compare, self.mutates, self.threads = rules, compare, mutates, threads

    def difference(
        self,
        reference: Outcome,
        other: Outcome,
        example: Input,
        *,
        julia: Layout | None = None,
        largest: Largest | None = None,
    ) -> str | None:
        """Say how an outcome differs from the reference's; None where they are the same. Both raising is the same.

        ``julia`` is the layout of a function of Julia, whose positions are given, too. The largest error is noted in
        ``largest``, if it is given.
        """
        if reference.raised is not None and other.raised is not None:
            return None
        if other.raised is not None:
            return f"raises {other.says}; the reference returns {short(reference.result)}"
        if reference.raised is not None:
            return f"returns {short(other.result)}; the reference raises {reference.says}"
        rules = replace(self.rules, inputs=sum_of_inputs(example.values()), julia=julia, largest=largest)
        said = self._results(reference.result, other.result, rules)
        return said or (self._changes(reference, other, rules) if self.mutates else None)

    def _results(self, want: Any, got: Any, rules: Rules) -> str | None:
        if self.compare is not None:
            return self.compare(want, got)
        if self.mutates and want is None:
            return None  # Julia's f! returns what it changed, by custom
        return difference(want, got, rules)

    def _changes(self, reference: Outcome, other: Outcome, rules: Rules) -> str | None:
        """Compare the arguments that were changed, by position: both languages may name them differently."""
        ours, theirs = reference.changed or {}, other.changed or {}
        if len(ours) != len(theirs):
            return f"changes {_names(theirs)}; the reference changes {_names(ours)}"
        for (name, want), got in zip(ours.items(), theirs.values(), strict=True):
            said = difference(want, got, rules)
            if said is not None:
                return f"makes another thing of argument {name}: {said}"
        return None

    def fault(self, outcome: Outcome, example: Input) -> str | None:
        """Say what is wrong with one function's outcome alone; None where nothing is."""
        if outcome.changed and not self.mutates:
            return f"changes its argument {_names(outcome.changed)}; --mutates allows that"
        if outcome.second is None:
            return None
        first = replace(outcome, second=None)
        return self.difference(first, outcome.second, example)

    def excess(self, outcome: Outcome) -> str | None:
        """Say how many threads or processes more than allowed a call used; None where it did not."""
        used = outcome.used or {}
        most = max((used.get(noun, 0), noun) for noun in ("processes", "threads"))
        if most[0] > self.threads:
            return f"starts {most[0]} {most[1]}; --threads {most[0]} allows that"
        if used.get("processors", 0.0) > self.threads + 0.5:
            busy = used["processors"]
            return f"keeps {busy:.1f} processors busy; --threads {math.ceil(busy)} allows that"
        return None


def _names(changed: dict[str, Any]) -> str:
    return " and ".join(f"`{name}`" for name in changed) or "none"


def layout(function: Function) -> Layout | None:
    """Return how a function of Julia gets arrays; None for a function of Python."""
    return function.target.layout if function.target.language == "julia" else None


def short_line(text: str) -> str:
    """Return the first line of a text that isn't blank, cut at 80 characters, with blanks for control characters."""
    lines = ("".join(c if c.isprintable() else " " for c in line).strip() for line in text.splitlines())
    line = next(filter(None, lines), "a blank line")
    return line if len(line) <= 80 else f"{line[:80]}..."
