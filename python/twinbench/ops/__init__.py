"""Ops: language-neutral contracts with their references, one module or package per modality.

Other packages bring further ops through entry points (`twinbench.ops.plugged`).
"""

from __future__ import annotations

import importlib
from functools import cache

from twinbench.modalities import MODALITIES
from twinbench.ops.contract import Op, Role


def get(name: str) -> Op:
    """Return the op of this name. Raises KeyError for an unknown name."""
    for op in of_modality(name.partition(".")[0]):
        if op.name == name:
            return op
    return _plugged()[0][name]


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
    return [*ours(), *_plugged()[0].values()]


def of_role(role: Role) -> list[Op]:
    """Return our ops that the harness uses for ``role``, in order."""
    return [op for op in ours() if op.role == role]


def left_out() -> list[str]:
    """Return, for each plug-in that couldn't be used, its name and the reason; empty before plug-ins were needed."""
    return _plugged()[1] if _plugged.cache_info().currsize else []


@cache
def _plugged() -> tuple[dict[str, Op], list[str]]:
    from twinbench.ops import plugged  # when an op isn't ours

    return plugged.load(op.name for op in ours())
