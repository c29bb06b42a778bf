"""Ops of other packages, found through entry points. A broken one is left out with the reason, and named."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, is_dataclass
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any, get_args, get_type_hints

from twinbench import plugins
from twinbench.ops.contract import Kind, Op, Role, Tolerance
from twinbench.plugins import LONGEST_EXCERPT, Broken

GROUP = "twinbench.ops"
"""Group of the entry points that name an `Op`, several of them, or a module with ops in it."""

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}\.[a-z][a-z0-9_-]{0,63}")
"""Pattern of an op's name: the modality, a dot, and what the op does."""


@dataclass(frozen=True, slots=True)
class Plugged:
    """The ops of other packages."""

    ops: dict[str, Op]
    """Ops by name."""
    entries: dict[str, str]
    """Value of the entry point by op."""
    left_out: list[str]
    """For each plug-in or op that is left out, the reason, in one line."""


def load(own: Iterable[str]) -> Plugged:
    """Load every plug-in whose import does no harm. ``own``: names of twinbench's ops, which no plug-in may take."""
    ops: dict[str, Op] = {}
    entries: dict[str, str] = {}
    taken = dict.fromkeys(own, "an op of twinbench's own has it")

    def accept(op: Any, entry: EntryPoint, who: str) -> None:
        _check(op)
        if op.name in taken:
            raise Broken(f"its name '{op.name}' is taken: {taken[op.name]}; rename it")
        ops[op.name] = op
        entries[op.name] = entry.value
        taken[op.name] = f"an op of {who} has it"

    return Plugged(ops, entries, plugins.load(GROUP, accept, _of_module))


def load_one(name: str, value: str) -> Op:
    """Load the op of this name from the entry point of this value, which was tried before. Raises KeyError."""
    op: Op = plugins.load_one(GROUP, name, value, _of_module)
    return op


def _of_module(module: ModuleType) -> list[Any]:
    """Return the ops of a module: its ``OPS``, or else all ops that it holds."""
    held = getattr(module, "OPS", None)
    ops = list(held) if held is not None else [value for value in vars(module).values() if isinstance(value, Op)]
    if not ops:
        raise Broken("its module holds no Op")
    return ops


def _check(op: object) -> None:
    """Check that an op can be listed, planned and called. Raises Broken."""
    if not isinstance(op, Op):
        raise Broken(f"it holds a value of type {type(op).__name__}, and not an Op")
    if not isinstance(op.name, str) or not NAME.fullmatch(op.name):
        raise Broken(f"the name {str(op.name)[:LONGEST_EXCERPT]!r} is not one of an op, such as 'text.tokens'")
    wrong = next((field for field, is_valid in _FIELDS.items() if not is_valid(getattr(op, field))), None)
    if wrong is not None:
        value = getattr(op, wrong)
        raise Broken(f"{op.name}.{wrong} is {str(value)[:LONGEST_EXCERPT]!r}, which no op can have")
    if op.role not in get_args(Role) or op.role in ("export", "load"):
        raise Broken(f"{op.name}.role is {op.role!r}, and roles of a plug-in's ops are split, train and score")
    get_type_hints(op.params)  # raises where a type isn't there


def _text(value: object) -> bool:
    return isinstance(value, str)


def _or_none(is_valid: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or is_valid(value)


def _kinds(value: object) -> bool:
    return isinstance(value, tuple) and all(kind in get_args(Kind) for kind in value)


_FIELDS: dict[str, Callable[[object], bool]] = {
    "params": lambda value: isinstance(value, type) and is_dataclass(value),
    "inputs": _kinds,
    "output": lambda value: value in get_args(Kind) and value != "file",
    **dict.fromkeys(("summary", "semantics", "source", "file_param"), _text),
    **dict.fromkeys(("reference", "requires", "canonical", "in_order", "is_request"), callable),
    **dict.fromkeys(("tolerance_of", "scale", "givens", "derived", "parts_at", "equivalent"), _or_none(callable)),
    "tolerance": lambda value: isinstance(value, Tolerance),
    **dict.fromkeys(("isolated", "keeps_rows", "keeps_framework"), lambda value: isinstance(value, bool)),
}
"""By field of an op, the check of a value that a plug-in gave; a data class checks none."""
