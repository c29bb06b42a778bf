"""NumPy, as its users work: arrays, and what they build from them. One module per modality.

These files know NumPy and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping

from twinbench.frameworks.api import Framework
from twinbench.frameworks.numpy import signals, tables
from twinbench.ops.contract import Arrays, Kind


def load(threads: int) -> None:
    """Imports NumPy, whose BLAS takes its threads from the environment."""
    tables.load()
    signals.load()


def prepare(value: Arrays, kind: Kind) -> Arrays:
    """The neutral form is NumPy's."""
    return value


def extract(value: Arrays, kind: Kind) -> Arrays:
    """The neutral form is NumPy's."""
    return value


def threads() -> Mapping[str, int]:
    """Of the BLAS libraries in the process."""
    import threadpoolctl

    pools = threadpoolctl.ThreadpoolController().select(user_api="blas")
    return {pool["internal_api"]: pool["num_threads"] for pool in pools.info()}


def facts(value: Arrays, kind: Kind) -> Mapping[str, str]:
    """Dtype and memory order by array."""
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'F'}" for name, v in value.items()}


FRAMEWORKS = (
    Framework(
        name="NumPy",
        language="python",
        summary="Arrays, and what a NumPy user builds from them",
        packages=("numpy",),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={**tables.OPS, **signals.OPS},
    ),
)
