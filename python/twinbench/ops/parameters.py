"""The parameters of an op in words, as a contract has them: for readers, and never imported by a worker."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, asdict, fields, is_dataclass
from typing import Any, get_args, get_type_hints


def described(params: type[Any]) -> dict[str, Any]:
    """``meaning`` in a sentence or more; ``fields``: each one's ``name``, ``type``, ``required`` and ``default``.

    ``choices``: the same, by name, of the data classes that a field may be.
    """
    hints = get_type_hints(params)
    nested = [kind for field in fields(params) for kind in _classes(hints[field.name])]
    return {
        "meaning": _meaning(params),
        "fields": [_field(field, hints[field.name]) for field in fields(params)],
        "choices": {kind.__name__: described(kind) for kind in nested},
    }


def _classes(hint: Any) -> Iterator[type[Any]]:
    """The data classes of a type, which may be a union."""
    return (kind for kind in (hint, *get_args(hint)) if isinstance(kind, type) and is_dataclass(kind))


def _meaning(params: type[Any]) -> str:
    """What it says of itself, and what it inherits."""
    said = [kind.__doc__ or "" for kind in params.__mro__ if is_dataclass(kind)]
    return " ".join(" ".join(said).split())


def _field(field: Field[Any], hint: Any) -> dict[str, Any]:
    made = None if field.default_factory is MISSING else field.default_factory()
    default = made if field.default is MISSING else field.default
    return {
        "name": field.name,
        "type": re.sub(r"\b(typing|twinbench[\w.]*)\.", "", inspect.formatannotation(hint)),
        "required": field.default is MISSING and field.default_factory is MISSING,
        "default": asdict(default) if is_dataclass(default) and not isinstance(default, type) else default,
    }
