"""A figure with its target, and the list of modules that measure some."""

from __future__ import annotations

import importlib.metadata
import operator
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, Literal

NAMES = (
    "false_alarms",
    "false_ranks",
    "gate",
    "damaged_stores",
    "choice",
    "timer",
    "julia_loop",
    "own_functions",
    "own_inputs",
    "collector",
    "direct",
    "bare",
    "training",
    "crossing",
    "harness_cost",
    "report",
    "tracking",
    "aa",
)
"""Modules beside this one, short ones first. Each has ``LIBRARIES`` and ``measure()``."""

STRESS = ("mutations", "served")
"""Modules beside this one that are measured only when they are named: they try to break twinbench, and time nothing."""

REACHES = {"<=": operator.le, ">=": operator.ge}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number. Without a target it is there for comparison only; ``unavailable`` says why there is none.

    ``differs``: how what was to be compared gave different results, so that no number would mean anything.
    """

    name: str
    value: float | None
    unit: str = ""
    must_be: Literal["<=", ">="] | None = None
    target: float | None = None
    unavailable: str = ""
    differs: str = ""

    @property
    def met(self) -> bool:
        """Whether the target is reached, or there is nothing to reach."""
        if self.differs:
            return False
        if self.must_be is None or self.value is None:
            return True
        return bool(REACHES[self.must_be](self.value, self.target))

    def line(self) -> str:
        """Return the figure as one printed line."""
        if self.differs:
            return f"  {self.name:<52} MISSED: different results, {self.differs}"
        if self.value is None:
            return f"  {self.name:<52} unavailable: {self.unavailable}"
        text = f"  {self.name:<52} {self.value:9.4g} {self.unit:<4}"
        if self.must_be is None:
            return text.rstrip()
        return f"{text} {self.must_be} {self.target:<5g} {'met' if self.met else 'MISSED'}"

    def as_json(self) -> dict[str, Any]:
        """Everything, with the verdict."""
        return asdict(self) | {"met": self.met}


def module(name: str) -> ModuleType:
    """Return the module of this name."""
    return import_module(f"benchmarks.figures.{name}")


def title(name: str) -> str:
    """Return the first line of a module's docstring."""
    return (module(name).__doc__ or "").partition("\n")[0]


def versions(name: str) -> dict[str, str]:
    """Return the versions of the libraries that take part."""
    return {library: importlib.metadata.version(library) for library in ("twinbench", *module(name).LIBRARIES)}


def measure(name: str) -> Iterator[Figure]:
    """Measure; figures come as they are known."""
    yield from module(name).measure()
