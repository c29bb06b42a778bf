"""Frameworks of other packages, found through entry points. A broken one is left out with the reason, and named.

A worker loads only the plug-in that it measures.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint
from typing import Any

from twinbench import plugins
from twinbench.frameworks.api import Deviation, Framework
from twinbench.plugins import LONGEST_EXCERPT, Broken

GROUP = "twinbench.frameworks"
"""Group of the entry points that name a `Framework`, or a tuple of them."""

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Pattern of a framework's name: what a user can type in a stack, and what a file may be called."""


@dataclass(frozen=True, slots=True)
class Plugins:
    """The frameworks of other packages."""

    frameworks: dict[str, Framework] = field(default_factory=dict)
    """Frameworks by name."""
    entries: dict[str, str] = field(default_factory=dict)
    """Value of the entry point, ``module:attribute``, by framework."""
    left_out: list[str] = field(default_factory=list)
    """For each plug-in that is left out, its name, its package and the reason, in one line."""


def load(own: Iterable[str]) -> Plugins:
    """Load every plug-in whose import does no harm. ``own``: names that no plug-in may take, in whatever case."""
    frameworks: dict[str, Framework] = {}
    entries: dict[str, str] = {}
    taken = {name.casefold(): f"{name} is a framework of twinbench's own" for name in own}

    def accept(framework: Any, entry: EntryPoint, who: str) -> None:
        _check(framework, taken)
        frameworks[framework.name] = framework
        entries[framework.name] = entry.value
        taken[framework.name.casefold()] = f"{framework.name} is a framework of {who}"

    return Plugins(frameworks, entries, plugins.load(GROUP, accept))


def load_one(name: str, value: str) -> Framework:
    """Load the framework of this name from the entry point of this value, which was tried before. Raises KeyError."""
    framework: Framework = plugins.load_one(GROUP, name, value)
    return framework


def _check(framework: object, taken: Mapping[str, str]) -> None:
    """Check that a framework can be listed, chosen and called. Raises Broken."""
    if not isinstance(framework, Framework):
        raise Broken(f"it holds a value of type {type(framework).__name__}, and not a Framework")
    name = framework.name
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise Broken(f"its name {str(name)[:LONGEST_EXCERPT]!r} is not one: letters, digits, '.', '-' and '_'")
    if name.casefold() in taken:
        raise Broken(f"its name '{name}' is taken: {taken[name.casefold()]}; rename it")
    wrong = next((field for field, is_valid in _FIELDS.items() if not is_valid(getattr(framework, field))), None)
    if wrong is not None:
        value = getattr(framework, wrong)
        raise Broken(f"{name}.{wrong} is {str(value)[:LONGEST_EXCERPT]!r}, which no framework can have")


def _texts(value: object) -> bool:
    return isinstance(value, tuple) and bool(value) and all(isinstance(text, str) and text for text in value)


def _text_or_none(value: object) -> bool:
    return value is None or (isinstance(value, str) and bool(value))


def _by_op(is_valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: (
        isinstance(value, Mapping) and all(isinstance(op, str) and is_valid(item) for op, item in value.items())
    )


_FIELDS: dict[str, Callable[[object], bool]] = {
    "language": lambda value: value in ("python", "julia"),
    "summary": lambda value: isinstance(value, str),
    "packages": _texts,
    "extra": _text_or_none,
    "environment": _text_or_none,
    **dict.fromkeys(("load", "prepare", "extract", "threads", "engine", "facts"), callable),
    "cuda": lambda value: value is None or callable(value),
    "ops": _by_op(callable),
    "notes": _by_op(lambda value: isinstance(value, str)),
    "deviations": _by_op(lambda value: isinstance(value, Deviation)),
}
"""By field of a framework, the check of a value that a plug-in gave; a data class checks none."""
