"""Ops: language-neutral contracts with their references, one module or package per modality.

Other packages bring further ops through entry points (`twinbench.ops.plugged`).
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from twinbench.modalities import MODALITIES
from twinbench.ops.contract import Op, Role

if TYPE_CHECKING:
    from twinbench.ops.plugged import Plugged


def get(name: str, plugin: str | None = None) -> Op:
    """Return the op of this name. Raises KeyError for an unknown name.

    ``plugin``: its entry point, as `plugin_of` gave it to another process; no other plug-in is imported then.
    """
    for op in of_modality(name.partition(".")[0]):
        if op.name == name:
            return op
    if plugin is None:
        return _plugged().ops[name]
    from twinbench.ops import plugged

    return plugged.load_one(name, plugin)


def plugin_of(name: str) -> str | None:
    """Return the value of the entry point of a plug-in's op; None for an op of twinbench's own."""
    is_ours = any(op.name == name for op in of_modality(name.partition(".")[0]))
    return None if is_ours else _plugged().entries.get(name)


def of_modality(modality: str) -> tuple[Op, ...]:
    """Return our ops of a modality in order; empty for an unknown modality."""
    if modality not in MODALITIES:
        return ()
    ops: tuple[Op, ...] = importlib.import_module(f"twinbench.ops.{modality}").OPS
    return ops


def ours() -> list[Op]:
    """Return the ops that come with twinbench, by modality, in order."""
    return [op for modality in MODALITIES for op in of_modality(modality)]


def all_ops() -> list[Op]:
    """Return every op: `ours`, and then those of plug-ins."""
    return [*ours(), *_plugged().ops.values()]


def of_role(role: Role) -> list[Op]:
    """Return our ops that the harness uses for ``role``, in order."""
    return [op for op in ours() if op.role == role]


def left_out() -> list[str]:
    """Return, for each plug-in that couldn't be used, its name and the reason; empty before plug-ins were needed."""
    return _plugged().left_out if _plugged.cache_info().currsize else []


@cache
def _plugged() -> Plugged:
    from twinbench.ops import plugged  # when an op isn't ours

    return plugged.load(op.name for op in ours())
