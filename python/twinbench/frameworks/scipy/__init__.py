"""SciPy on NumPy arrays. One module per modality.

These files know SciPy and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping

from twinbench.frameworks.api import Framework
from twinbench.frameworks.scipy import images, signals
from twinbench.ops.contract import Arrays, Kind


def load(threads: int) -> None:
    """Imports SciPy, whose FFT takes one worker unless a call asks for more."""
    images.load()
    signals.load(threads)


def prepare(value: Arrays, kind: Kind) -> Arrays:
    """The neutral form is NumPy's."""
    return value


def extract(value: Arrays, kind: Kind) -> Arrays:
    """The neutral form is NumPy's."""
    return value


def threads() -> Mapping[str, int]:
    """Of the BLAS libraries in the process, and of the FFT."""
    import threadpoolctl

    pools = threadpoolctl.ThreadpoolController().select(user_api="blas")
    return {pool["internal_api"]: pool["num_threads"] for pool in pools.info()} | {"fft": signals.workers()}


def facts(value: Arrays, kind: Kind) -> Mapping[str, str]:
    """Dtype and memory order by array."""
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'strided'}" for name, v in value.items()}


FRAMEWORKS = (
    Framework(
        name="SciPy",
        language="python",
        summary="scipy.signal, scipy.fft and scipy.ndimage on NumPy arrays",
        packages=("scipy", "numpy"),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={**signals.OPS, **images.OPS},
        notes=images.NOTES,
    ),
)
