"""Ops: language-neutral contracts with their references, one module per modality."""

from __future__ import annotations

import importlib

from twinbench.ops.contract import Op

MODULES = {
    "tables": "twinbench.ops.tables",
    "signals": "twinbench.ops.signals",
    "images": "twinbench.ops.images",
    "training": "twinbench.ops.training",
    "probe": "twinbench.ops.probe",
}
"""Modality to module. ``probe`` holds the ops by which the harness measures itself."""


def get(name: str) -> Op:
    """The op of this name. Raises KeyError."""
    for op in of_modality(name.partition(".")[0]):
        if op.name == name:
            return op
    raise KeyError(name)


def of_modality(modality: str) -> tuple[Op, ...]:
    """A modality's ops in order; none for an unknown modality."""
    if modality not in MODULES:
        return ()
    ops: tuple[Op, ...] = importlib.import_module(MODULES[modality]).OPS
    return ops


def all_ops() -> list[Op]:
    """Every op, by modality, in order."""
    return [op for modality in MODULES for op in of_modality(modality)]
