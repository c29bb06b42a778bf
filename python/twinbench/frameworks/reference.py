"""The references of all ops as one framework, so that references run in a worker as any implementation does."""

from __future__ import annotations

from collections.abc import Mapping

from twinbench import ops
from twinbench.frameworks import neutral
from twinbench.frameworks.api import Framework


def load(threads: int) -> None:
    """Import NumPy, which is all that a reference needs."""
    import numpy  # noqa: F401  only the import's effect is needed


def threads() -> Mapping[str, int]:
    """Return no pools: references are not measured."""
    return {}


FRAMEWORKS = (
    Framework(
        name="reference",
        language="python",
        summary="The contracts' own references, in plain NumPy",
        packages=("numpy",),
        load=load,
        prepare=neutral.unchanged,
        extract=neutral.unchanged,
        threads=threads,
        ops={op.name: op.reference for op in ops.all_ops()},
    ),
)
