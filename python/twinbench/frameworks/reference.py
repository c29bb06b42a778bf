"""The references of all ops as one framework, so that they run in a worker like everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from twinbench import ops
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Kind


def load(threads: int) -> None:
    """NumPy is all that a reference needs."""
    import numpy  # noqa: F401  the import is what is wanted


def same(value: Any, kind: Kind) -> Any:
    """Neutral values are native here."""
    return value


def threads() -> Mapping[str, int]:
    """References are not measured."""
    return {}


FRAMEWORKS = (
    Framework(
        name="reference",
        language="python",
        summary="The contracts' own references, in plain NumPy",
        packages=("numpy",),
        load=load,
        prepare=same,
        extract=same,
        threads=threads,
        ops={op.name: op.reference for op in ops.all_ops()},
    ),
)
