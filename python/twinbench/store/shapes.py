"""Check of plain data against type hints: what comes out of a file that somebody else may have written.

A hint is a type (`str`, `int`, `float`, `bool`, `bytes`, a `Literal`, a TypedDict, a list, dict or union of these), or
one of them with limits: ``Annotated[int, Range(0, 9)]``. A TypedDict with ``total=False`` allows other keys, which may
hold anything. Knows no table.
"""

from __future__ import annotations

import json
import math
import re
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal

LARGEST = 2**63 - 1
"""Largest integer of a store, and of JSON in a store."""

DEEPEST = 30
"""Most levels of lists and objects in JSON."""

LONGEST = 1_000_000
"""Most characters of a text without limits of its own."""


class Misfit(ValueError):
    """Data of another shape. The text says where in the data, what was found and what was expected."""


@dataclass(frozen=True, slots=True)
class Range:
    """Limits of a number. A number that isn't finite is refused unless ``finite`` is false."""

    low: float = -1e15
    high: float = 1e15
    finite: bool = True

    def check(self, value: Any, path: str) -> None:
        """Raise Misfit for a number outside the limits."""
        if not self.finite and isinstance(value, float) and not math.isfinite(value):
            return
        if not self.low <= value <= self.high:
            raise Misfit(f"{path}{_shown(value)} instead of a number from {self.low:g} to {self.high:g}")


@dataclass(frozen=True, slots=True)
class Text:
    """Limits of a text: its length in characters, and the pattern that it matches as a whole.

    ``what`` names such a text in a message. ``printable``: control characters, line breaks and halves of surrogate
    pairs are refused. ``surrogates``: halves of surrogate pairs are allowed, as a path that isn't Unicode has them.
    """

    longest: int
    pattern: str = ""
    what: str = "a text"
    printable: bool = False
    surrogates: bool = False

    def check(self, value: Any, path: str) -> None:
        """Raise Misfit for a text outside the limits."""
        if len(value) > self.longest:
            raise Misfit(f"{path}{len(value):,} characters, where {self.longest:,} are the most")
        if self.printable and not value.isprintable():
            raise Misfit(f"{path}{_shown(value)} has characters that can't be printed")
        if not self.surrogates and not self.printable and not _is_unicode(value):
            raise Misfit(f"{path}{_shown(value)} is not Unicode")
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Misfit(f"{path}{_shown(value)} is not {self.what}")


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule that more than one field of a value must keep. ``problem`` says what is wrong; empty if nothing is."""

    problem: Callable[[Any], str]

    def check(self, value: Any, path: str) -> None:
        """Raise Misfit for a value that doesn't keep the rule."""
        problem = self.problem(value)
        if problem:
            raise Misfit(f"{path}{problem}")


PLAIN: dict[Any, Range | Text] = {str: Text(LONGEST), int: Range(-LARGEST - 1, LARGEST), float: Range()}
"""Limits of a number or text whose hint has none."""

WORDS = {
    str: "text",
    bytes: "bytes",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


def read(text: str, hint: Any, *, finite: bool = True) -> Any:
    """Return the data in a JSON text, checked against a hint. Raises Misfit; also for NaN, where ``finite``."""
    try:
        value = json.loads(text, parse_constant=_refuse if finite else float)
    except Misfit:
        raise
    except RecursionError:
        raise Misfit(f"JSON of more than {DEEPEST} levels") from None
    except ValueError as error:
        raise Misfit(f"{_shown(text)} is not JSON ({str(error)[:80]})") from None
    check(value, hint)
    return value


def check(value: Any, hint: Any, path: str = "") -> None:
    """Raise Misfit if a value doesn't fit a hint."""
    if typing.get_origin(hint) is Annotated:
        kind, *limits = typing.get_args(hint)
        _check(value, kind, path, limited=True)
        if value is not None:
            for limit in limits:
                if isinstance(limit, Range | Text | Rule):
                    limit.check(value, _prefix(path))
    else:
        _check(value, hint, path, limited=False)


def _check(value: Any, hint: Any, path: str, *, limited: bool) -> None:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        _free(value, path, 0)
    elif origin is Literal:
        if not any(value == allowed and type(value) is type(allowed) for allowed in arguments):
            raise Misfit(f"{_prefix(path)}{_shown(value)} is not one of {', '.join(map(repr, arguments))}")
    elif origin in (types.UnionType, typing.Union):
        _union(value, arguments, path)
    elif origin in (list, tuple, Sequence):
        _items(value, arguments, path)
    elif origin in (dict, Mapping):
        for key, item in _object(value, path).items():
            check(key, arguments[0], f"{path}[key]")
            check(item, arguments[1], f"{path}.{key[:40]}")
    elif typing.is_typeddict(hint):
        _typed_dict(_object(value, path), hint, path)
    else:
        _scalar(value, hint, path, limited=limited)


def _scalar(value: Any, hint: Any, path: str, *, limited: bool) -> None:
    wanted = (int, float) if hint is float else hint
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise Misfit(f"{_prefix(path)}{_shown(value)} instead of {WORDS.get(hint, hint)}")
    if not limited and hint in PLAIN:
        PLAIN[hint].check(value, _prefix(path))


def _union(value: Any, branches: Sequence[Any], path: str) -> None:
    if value is None and type(None) in branches:
        return
    misfits = []
    for branch in branches:
        if branch is not type(None):
            try:
                check(value, branch, path)
                return
            except Misfit as misfit:
                misfits.append(misfit)
    raise misfits[0]


def _items(value: Any, arguments: Sequence[Any], path: str) -> None:
    if not isinstance(value, list | tuple):
        raise Misfit(f"{_prefix(path)}{_shown(value)} instead of a list")
    for position, item in enumerate(value):
        check(item, arguments[0], f"{path}[{position}]")


def _object(value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Misfit(f"{_prefix(path)}{_shown(value)} instead of an object")
    return value


def _typed_dict(value: Mapping[str, Any], hint: Any, path: str) -> None:
    hints = _hints(hint)
    for key in sorted(hint.__required_keys__ - value.keys()):
        raise Misfit(f"{_prefix(path)}no '{key}'")
    for key, item in value.items():
        PLAIN[str].check(key, _prefix(path))
        inside = f"{path}.{key[:40]}" if path else key[:40]
        if key in hints:
            check(item, hints[key], inside)
        elif hint.__total__:
            raise Misfit(f"{_prefix(path)}unknown key {_shown(key)}")
        else:
            _free(item, inside, 1)


def _free(value: Any, path: str, depth: int) -> None:
    """Check data of any shape: it has an end, and its numbers and texts can be written and printed."""
    if depth > DEEPEST:
        raise Misfit(f"{_prefix(path)}more than {DEEPEST} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            PLAIN[str].check(key, _prefix(path))
            _free(item, f"{path}.{key[:40]}", depth + 1)
    elif isinstance(value, list):
        for item in value:
            _free(item, path, depth + 1)
    elif isinstance(value, str):
        PLAIN[str].check(value, _prefix(path))
    elif isinstance(value, int):
        PLAIN[int].check(value, _prefix(path))


@cache
def _hints(hint: Any) -> dict[str, Any]:
    return typing.get_type_hints(hint, include_extras=True)


def _prefix(path: str) -> str:
    return f"{path}: " if path else ""


def _shown(value: Any) -> str:
    """Return a value as ASCII, cut short: it may be of any length, and hold what a terminal would obey."""
    return ascii(value[:60])[:60] if isinstance(value, str | bytes) else _number_or_type(value)


def _number_or_type(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > LARGEST:
        return "a number of more than 64 bits"
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    return json.dumps(value) if value is None or isinstance(value, bool) else ascii(value)[:60]


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _refuse(constant: str) -> float:
    raise Misfit(f"{constant} instead of a number")
