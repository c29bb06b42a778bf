"""SciPy on NumPy arrays. One module per modality.

These files know SciPy and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping

from twinbench.frameworks import neutral
from twinbench.frameworks.api import Framework
from twinbench.frameworks.scipy import images, signals
from twinbench.ops.contract import Arrays, Kind


def load(threads: int) -> None:
    """Import SciPy, whose FFT uses one worker unless a call asks for more."""
    images.load()
    signals.load(threads)


def threads() -> Mapping[str, int]:
    """Return the threads of the BLAS libraries in the process, and of the FFT."""
    return neutral.blas_threads() | {"fft": signals.workers()}


def facts(value: Arrays, kind: Kind) -> Mapping[str, str]:
    """Describe dtype and memory order of each array."""
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'strided'}" for name, v in value.items()}


FRAMEWORKS = (
    Framework(
        name="SciPy",
        language="python",
        summary="scipy.signal, scipy.fft and scipy.ndimage on NumPy arrays",
        packages=("scipy", "numpy"),
        load=load,
        prepare=neutral.unchanged,
        extract=neutral.unchanged,
        threads=threads,
        facts=facts,
        ops={**signals.OPS, **images.OPS},
        notes=images.NOTES,
    ),
)
