"""Python as the user writes it: it has no ops of its own, and runs the user's functions, on values in neutral form."""

from __future__ import annotations

from typing import Any

from twinbench.frameworks import neutral
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Kind
from twinbench.usercode import values


def load(threads: int) -> None:
    """Import NumPy, in whose arrays the functions get their inputs; the user's files import everything else."""
    import numpy  # noqa: F401  only the import's effect is needed


def extract(value: Any, kind: Kind) -> Arrays:
    """Return the arrays of a function's output. Raises UserCodeError for an output of another kind."""
    return values.neutral(value, kind)


def facts(value: Any, kind: Kind) -> dict[str, str]:
    """Describe the arrays of a function's output."""
    return dict(neutral.array_facts(values.neutral(value, kind)))


FRAMEWORKS = (
    Framework(
        name="Python",
        language="python",
        summary="Your own functions in Python, on NumPy arrays",
        packages=("numpy",),
        load=load,
        prepare=neutral.unchanged,
        extract=extract,
        threads=neutral.blas_threads,
        facts=facts,
        ops={},
    ),
)
