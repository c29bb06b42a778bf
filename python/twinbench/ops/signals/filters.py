"""The ops of FIR filters: the design by the windowed sinc, and filtering with it; and the bands of every filter."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import Arrays, Op
from twinbench.ops.signals.conditions import SIGNAL, check_rate, largest, require_records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


Band = Literal["lowpass", "highpass", "bandpass"]
"""What a filter passes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fir:
    """``taps``: number of taps; odd, and 4n + 1 for a highpass.

    ``cutoff_hz``: one band edge, or two for a bandpass. ``rate_hz``: the sampling rate. ``band``: what the filter
    passes.
    """

    taps: int
    cutoff_hz: tuple[float, ...]
    rate_hz: float
    band: Band = "lowpass"

    def __post_init__(self) -> None:
        if self.taps < 3 or self.taps % 2 == 0:
            raise ValueError("taps must be odd and at least 3")
        if self.band == "highpass" and self.taps % 4 == 3:
            raise ValueError("taps must be 4n + 1 for a highpass: for other numbers libraries disagree about the sign")
        check_edges(self.cutoff_hz, self.rate_hz, self.band)


def check_edges(cutoff_hz: tuple[float, ...], rate_hz: float, band: Band) -> None:
    """Raise ValueError unless the band has all its edges, ascending between 0 and half the sampling rate."""
    check_rate(rate_hz)
    edges = (0.0, *cutoff_hz, rate_hz / 2)
    ascending = all(low < high for low, high in pairwise(edges))
    if len(cutoff_hz) != (2 if band == "bandpass" else 1) or not ascending:
        raise ValueError("cutoff_hz must hold one edge, two ascending ones for bandpass, between 0 and rate_hz / 2")


def fir_terms(p: Fir) -> tuple[Array, Array]:
    """Return the taps, and the magnitudes of the two terms of which each tap is the difference.

    The difference of two sincs is taken as a product of a sine and a cosine, which doesn't cancel in a narrow band.
    """
    import numpy as np

    n = np.arange(p.taps)
    m = n - (p.taps - 1) / 2
    edges = [2 * f / p.rate_hz for f in p.cutoff_hz]
    low, high = {"lowpass": [0.0, *edges], "highpass": [*edges, 1.0], "bandpass": edges}[p.band]
    middle = {"lowpass": 0.0, "highpass": 1.0, "bandpass": (low + high) / 2}[p.band]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * n / (p.taps - 1))
    half = (high - low) / 2
    taps = 2 * half * np.sinc(half * m) * np.cos(np.pi * (low + high) / 2 * m) * window
    gain = np.sum(taps * np.cos(np.pi * middle * m))
    return taps / gain, (np.abs(high * np.sinc(high * m)) + np.abs(low * np.sinc(low * m))) * window / abs(gain)


def fir_design(p: Fir) -> Arrays:
    """Return ``taps``."""
    return {"taps": fir_terms(p)[0]}


def scale_fir_design(p: Fir, output: Arrays) -> Arrays:
    """Return the largest term of a tap."""
    return {"taps": fir_terms(p)[1].max()}


def fir_filter(p: Fir, arrays: Arrays) -> Arrays:
    """Take the first samples of the full convolution."""
    import numpy as np

    taps, x = fir_terms(p)[0], arrays["x"]
    y = np.empty_like(x, dtype=np.float64)
    for record, filtered in zip(x, y, strict=True):
        filtered[:] = np.convolve(record, taps)[: len(record)]
    return arrays | {"x": y}


def scale_fir_filter(p: Fir, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest sum of magnitudes that a sample of each record can be."""
    return {"x": largest(arrays["x"]) * fir_terms(p)[1].sum()}


FIR_DESIGN = Op(
    name="signals.fir_design",
    params=Fir,
    inputs=(),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc.",
    semantics="""Output: `taps` float64 (T,). With m = n - (T - 1) / 2 and c = cutoff / (rate / 2), the ideal impulse
response is c sinc(c m) for lowpass, sinc(m) - c sinc(c m) for highpass, and c2 sinc(c2 m) - c1 sinc(c1 m) for bandpass,
where sinc(x) = sin(pi x) / (pi x). It is multiplied by the symmetric Hamming window 0.54 - 0.46 cos(2 pi n / (T - 1)),
then divided by its own gain in the middle of the pass band: at 0 Hz, at rate / 2, or halfway between the two edges.
Unit of the absolute tolerance: the largest |c2 sinc(c2 m)| + |c1 sinc(c1 m)| of a tap, windowed and divided alike.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.5; scipy.signal.firwin",
    reference=fir_design,
    tolerance=SIGNAL,
    scale=scale_fir_design,
)


FIR_FILTER = Op(
    name="signals.fir_filter",
    params=Fir,
    inputs=("arrays",),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc, and filter with it.",
    semantics="""The taps h are those of `signals.fir_design`. y[n] = sum_k h[k] x[n - k], with x = 0 before the record
begins, for every sample n of the record: the output is as long as the input, and delayed by (T - 1) / 2 samples. It may
be computed directly or by FFT. Unit of the absolute tolerance: the largest magnitude of the record times the sum of the
magnitudes of the terms of the taps.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 6.1; scipy.signal.lfilter",
    reference=fir_filter,
    requires=require_records,
    tolerance=SIGNAL,
    scale=scale_fir_filter,
)
