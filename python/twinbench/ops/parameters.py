"""Descriptions of the parameters of ops, for readers of contracts. A worker never imports this module."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, get_args, get_type_hints


def described(params: type[Any]) -> dict[str, Any]:
    """Describe the parameters of an op.

    ``meaning``: one or more sentences. ``fields``: ``name``, ``type``, ``required`` and ``default`` of each field.
    ``choices``: descriptions, by name, of the data classes that a field may be.
    """
    hints = get_type_hints(params)
    nested = [kind for field in fields(params) for kind in _classes(hints[field.name])]
    return {
        "meaning": _meaning(params),
        "fields": [_field(field, hints[field.name]) for field in fields(params)],
        "choices": {kind.__name__: described(kind) for kind in nested},
    }


def _classes(hint: Any) -> Iterator[type[Any]]:
    """Return the data classes in a type, which may be a union."""
    return (kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and is_dataclass(kind))


def _meaning(params: type[Any]) -> str:
    """Join the docstrings of a data class and of those that it inherits from."""
    docstrings = [kind.__doc__ or "" for kind in params.__mro__ if is_dataclass(kind)]
    return " ".join(" ".join(docstrings).split())


def _field(field: Field[Any], hint: Any) -> dict[str, Any]:
    built = None if field.default_factory is MISSING else field.default_factory()
    default = built if field.default is MISSING else field.default
    return {
        "name": field.name,
        "type": re.sub(r"\b(typing|twinbench[\w.]*)\.", "", inspect.formatannotation(hint)),
        "required": field.default is MISSING and field.default_factory is MISSING,
        "default": asdict(default) if is_dataclass(default) and not isinstance(default, type) else default,
    }
