"""Ops: language-neutral contracts with their references, one module or package per modality."""

from __future__ import annotations

import importlib

from twinbench.modalities import MODALITIES
from twinbench.ops.contract import Op, Role


def get(name: str) -> Op:
    """Return the op of this name. Raises KeyError for an unknown name."""
    for op in of_modality(name.partition(".")[0]):
        if op.name == name:
            return op
    raise KeyError(name)


def of_modality(modality: str) -> tuple[Op, ...]:
    """Return a modality's ops in order; empty for an unknown modality."""
    if modality not in MODALITIES:
        return ()
    ops: tuple[Op, ...] = importlib.import_module(f"twinbench.ops.{modality}").OPS
    return ops


def all_ops() -> list[Op]:
    """Every op, by modality, in order."""
    return [op for modality in MODALITIES for op in of_modality(modality)]


def of_role(role: Role) -> list[Op]:
    """Return the ops that the harness uses for ``role``, in order."""
    return [op for op in all_ops() if op.role == role]
