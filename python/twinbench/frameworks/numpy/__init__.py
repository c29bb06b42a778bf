"""NumPy, as its users work: arrays, and what they build from them. One module per modality.

These files know NumPy and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from twinbench.frameworks import neutral
from twinbench.frameworks.api import Framework
from twinbench.frameworks.numpy import signals, tables


def load(threads: int) -> None:
    """Import NumPy, whose BLAS reads its threads from the environment."""
    tables.load()
    signals.load()


FRAMEWORKS = (
    Framework(
        name="NumPy",
        language="python",
        summary="Arrays, and what a NumPy user builds from them",
        packages=("numpy",),
        load=load,
        prepare=neutral.unchanged,
        extract=neutral.unchanged,
        threads=neutral.blas_threads,
        facts=lambda value, kind: neutral.array_facts(value),
        ops={**tables.OPS, **signals.OPS},
    ),
)
