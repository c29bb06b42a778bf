"""The interface of a framework: a name, conversions to and from its native form, and one small function per op.

A framework module must be importable without its library: ``load`` imports the library, and the harness times ``load``
as ``import``. So listing frameworks is cheap, and a worker imports only what it measures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from twinbench.ops.contract import Arrays, Kind, Tolerance

LEVELS = 255
"""Largest difference between two grey levels of 8 bits."""

LARGEST_SHARE = 0.5
"""Largest share of values that a deviation may leave outside its tolerance: beyond a half, few answers are wrong."""

Ops = Mapping[str, Callable[..., Any]]
"""Implementations by the op's name, called as ``ops[name](params, *inputs)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """A contract that a library can't follow: its result is measured and shown with the reason, and never ranked.

    The bound must be one that a wrong answer exceeds; `unbounded` says why a bound isn't.
    """

    reason: str
    """Why the library can't follow the contract, in one phrase without a full stop."""
    effect: str = ""
    """What the deviation means for a user of the library, in one phrase without a full stop."""
    tolerance: Tolerance
    """Tolerance that replaces the contract's: an output outside it is a wrong answer like any other."""
    computes: Callable[..., Arrays] | None = None
    """Function of the parameters and the neutral inputs to what the library computes instead.

    The bound is then a distance from this output. None: the bound is a distance from the reference's output."""
    before: str = ""
    """First version of the framework's first package that needs no deviation; empty where every version needs it."""
    share: float = 0.0
    """Largest share of an output's values that may be outside the tolerance all the same, from 0 to less than 1."""

    @property
    def text(self) -> str:
        """The reason, the effect and the bound, as they are printed and stored."""
        return "; ".join(filter(None, (self.reason, self.effect, f"bound: {self.bound}")))

    @property
    def bound(self) -> str:
        """The bound in words, such as "9 grey levels, exceeded by at most 2 % of the values"."""
        tolerance = self.tolerance
        parts = [
            f"{tolerance.levels} grey levels" if tolerance.levels else "",
            f"{tolerance.rtol:g} of the value" if tolerance.rtol else "",
            f"{tolerance.atol:g} absolute" if tolerance.atol else "",
        ]
        largest = " or ".join(filter(None, parts)) or "the contract's equality"
        largest += " from what the library documents" if self.computes is not None else ""
        return f"{largest}, exceeded by at most {self.share:.3%} of the values" if self.share else largest

    @property
    def unbounded(self) -> str:
        """Why no answer, or nearly none, could exceed the bound; empty for a real bound."""
        tolerance = self.tolerance
        if tolerance.levels >= LEVELS:
            return f"{tolerance.levels} grey levels are all that there are; declare fewer, or a share of the pixels"
        if not 0 <= self.share <= LARGEST_SHARE:
            return f"a share of {self.share:g}; declare at most {LARGEST_SHARE:g}"
        if not all(0 <= number < math.inf for number in (tolerance.rtol, tolerance.atol)):
            return "a tolerance that isn't a finite number from 0 on"
        if tolerance.rtol >= 1:
            return f"rtol = {tolerance.rtol:g} accepts an answer of zeros; declare less than 1, or atol"
        if not (self.share or tolerance.levels or tolerance.rtol or tolerance.atol):
            return "no bound at all; declare levels, rtol, atol or share"
        return ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One library under test.

    ``ops[name](params, *inputs)`` is the step that is timed: native values in, native value out, inputs unchanged.
    Inputs of kind ``file`` are paths; an op with givens gets them, prepared as ``arrays``, as its last argument.
    """

    name: str
    """Name in a stack: ``pandas``, ``DataFrames.jl``."""
    language: Literal["python", "julia"]
    summary: str
    packages: tuple[str, ...]
    """Distributions (Python) or packages (Julia) whose versions are recorded; the first one is the library itself."""
    extra: str | None = None
    """Extra of twinbench that installs the library; None if twinbench always installs it."""
    environment: str | None = None
    """Name in `twinbench.launch.environments`, if the library conflicts with twinbench's own environment; else None."""
    load: Callable[[int], None]
    """Function that imports the library and sets its number of threads."""
    prepare: Callable[[Arrays, Kind], Any]
    """Function from a neutral value to the native form: a DataFrame, a Tensor, a column-major Array."""
    extract: Callable[[Any, Kind], Arrays]
    """Function from the native form back to a neutral value, which keeps every dtype."""
    cuda: Callable[[], Callable[[], object]] | None = None
    """Function that selects the CUDA device right after `load`, and returns a function that waits for the device.

    Raises RuntimeError with the reason if there is no usable device. None: the library computes on the processor only.
    """
    threads: Callable[[], Mapping[str, int]]
    """Function that reads thread counts by pool from the live library; empty if the library has no threads."""
    engine: Callable[[], Mapping[str, str]] = field(default=dict)
    """Function that reads from the live library what executes its calls, beside the version: an engine, a format."""
    facts: Callable[[Any, Kind], Mapping[str, str]] = field(default=lambda value, kind: {})
    """Function that describes a native value (dtypes, string encoding, memory layout) for the run's record."""
    ops: Ops
    notes: Mapping[str, str] = field(default_factory=dict)
    """Differences from the contract's method by op, where the result is inside the tolerance all the same."""
    deviations: Mapping[str, Deviation] = field(default_factory=dict)
    """Ops whose tolerance the library can't meet, with the reason."""
