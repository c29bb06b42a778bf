"""The contents of messages: typed fields, which are checked where a message arrives. Knows no message in particular.

A content is a frozen dataclass. What arrives is JSON that somebody else wrote, and may be anything.
"""

from __future__ import annotations

import math
import types
import typing
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Any, Self

Message = dict[str, Any]

LARGEST = 2**63 - 1
"""Largest number in a message: the largest integer that the store can hold."""

LONGEST = 100_000
"""Most characters of a name, and of a text in a field of its own: more than any library's description of itself."""

DEEPEST = 20
"""Most levels of lists and objects in a field that may hold anything."""

NAMES = {tuple: "a list", dict: "an object", bool: "true or false"}
"""Names of types in messages."""


class ProtocolError(ValueError):
    """A message that isn't what the protocol says. The text names the field and the value found there."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a message, by the fields of a subclass.

    Fields are str, bool, int, float, Any, another content, None, or a dict or tuple of these. All numbers are finite,
    and those in typed fields are from 0 to `LARGEST`.
    """

    @property
    def claimed_ns(self) -> float:
        """Nanoseconds of wall time that the content says were spent while it was made; 0 if it says nothing."""
        return 0.0

    @property
    def claimed_cpu_ns(self) -> float:
        """Nanoseconds of processor time, of all threads, that the content says were spent meanwhile; 0 without any."""
        return 0.0

    @property
    def claimed_bytes(self) -> int:
        """Bytes of memory that the content says a process holds or held; 0 if it says nothing."""
        return 0

    def as_json(self) -> Message:
        """Return plain data: dicts, lists, strings, numbers."""
        return {key: _listed(value) for key, value in asdict(self).items()}

    @classmethod
    def of(cls, plain: Any, path: str = "") -> Self:
        """Read what `as_json` returned. Raises ProtocolError; unknown keys are an error too."""
        if not isinstance(plain, dict):
            raise ProtocolError(f"{path or cls.__name__}: {_shown(plain)} instead of an object")
        content: Any = cls
        hints = _hints(content)
        prefix = f"{path}." if path else ""
        for key in plain.keys() - hints.keys():
            raise ProtocolError(f"{prefix}{_shown(key)[1:-1]}: unknown field")
        for key in hints.keys() - plain.keys():
            raise ProtocolError(f"{prefix}{key}: missing")
        return cls(**{key: _checked(plain[key], hint, f"{prefix}{key}") for key, hint in hints.items()})


@cache
def _hints(content: type[Content]) -> dict[str, Any]:
    types_of = typing.get_type_hints(content)
    return {field.name: types_of[field.name] for field in fields(content)}


def _checked(value: Any, hint: Any, path: str) -> Any:
    """Return the value in the type of a field. Raises ProtocolError where it isn't of this type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return _plain(value, path, 0)
    if origin in (types.UnionType, typing.Union):
        return None if value is None else _checked(value, arguments[0], path)
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_checked(item, arguments[0], f"{path}[{position}]") for position, item in enumerate(value))
    if origin is dict and isinstance(value, dict):
        return {_text(key, path): _checked(item, arguments[1], f"{path}.{key}") for key, item in value.items()}
    if isinstance(hint, type) and issubclass(hint, Content):
        return hint.of(value, path)
    if hint in (int, float):
        return _number(value, hint, path)
    if hint is str and isinstance(value, str):
        return _text(value, path)
    if hint is bool and isinstance(value, bool):
        return value
    raise ProtocolError(f"{path}: {_shown(value)} instead of {NAMES.get(origin or hint, 'text')}")


def _plain(value: Any, path: str, depth: int) -> Any:
    """Return a value of a field that may hold anything that the store and every view can show."""
    if depth > DEEPEST:
        raise ProtocolError(f"{path}: more than {DEEPEST} levels of lists and objects")
    if isinstance(value, dict):
        return {_text(key, path): _plain(item, path, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, path, depth + 1) for item in value]
    if isinstance(value, str):
        return _unicode(value, path)
    if value is None or isinstance(value, bool) or (isinstance(value, int | float) and _fits(value)):
        return value
    raise ProtocolError(f"{path}: {_shown(value)} instead of a finite number")


def _fits(value: float) -> bool:
    return -LARGEST <= value <= LARGEST if isinstance(value, int) else math.isfinite(value)


def _number(value: Any, kind: type, path: str) -> Any:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if (whole or (kind is float and isinstance(value, float) and math.isfinite(value))) and 0 <= value <= LARGEST:
        return value
    what = "a whole number" if kind is int else "a finite number"
    raise ProtocolError(f"{path}: {_shown(value)} instead of {what} from 0 on")


def _text(value: str, path: str) -> str:
    if len(value) > LONGEST:
        raise ProtocolError(f"{path}: {len(value):,} characters, where {LONGEST:,} are the most")
    return _unicode(value, path)


def _unicode(value: str, path: str) -> str:
    """Return a text. Raises ProtocolError if neither the store nor a terminal can hold it: half of a surrogate pair."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ProtocolError(f"{path}: {_shown(value)} instead of Unicode text") from None
    return value


def _shown(value: Any) -> str:
    return ascii(value)[:40]


def _listed(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value
