"""The contracts of the ops that filter signals. The references behind them are in ``signals_filters_reference``."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd
from typing import Literal

from twinbench.ops import signals_filters_reference as reference
from twinbench.ops.contract import ROUNDING, Op, Tolerance

Band = Literal["lowpass", "highpass", "bandpass"]

SIGNAL = Tolerance(rtol=1e-9, atol=1e-9)
"""Rounding, for signals of the order of 1: a sum that cancels is as exact as its terms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fir:
    """``taps``: how many; odd, and 4n + 1 for a highpass. ``cutoff_hz``: one edge, or two for a band.

    ``rate_hz``: the sampling rate.
    """

    taps: int
    cutoff_hz: tuple[float, ...]
    rate_hz: float
    band: Band = "lowpass"

    def __post_init__(self) -> None:
        if self.taps < 3 or self.taps % 2 == 0:
            raise ValueError("taps must be odd and at least 3")
        if self.band == "highpass" and self.taps % 4 == 3:
            raise ValueError("taps must be 4n + 1 for a highpass: of others, libraries disagree about the sign")
        check_edges(self.cutoff_hz, self.rate_hz, self.band)


@dataclass(frozen=True, slots=True, kw_only=True)
class Butterworth:
    """``order``: of the prototype. ``cutoff_hz``: one edge, or two for a band. ``rate_hz``: the sampling rate."""

    order: int
    cutoff_hz: tuple[float, ...]
    rate_hz: float
    band: Band = "lowpass"

    def __post_init__(self) -> None:
        if not 1 <= self.order <= 12:
            raise ValueError("order must lie between 1 and 12")
        check_edges(self.cutoff_hz, self.rate_hz, self.band)


@dataclass(frozen=True, slots=True, kw_only=True)
class ButterworthDesign(Butterworth):
    """``points``: frequencies at which the response is asked for, besides what a filter is designed by."""

    points: int = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolve:
    """``length``: of the kernel, in samples. ``seed``: of the kernel."""

    length: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError("length must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Resample:
    """``up`` and ``down``: the new rate is up / down of the old one; they differ and have no common divisor."""

    up: int
    down: int

    def __post_init__(self) -> None:
        if min(self.up, self.down) < 1 or self.up == self.down or gcd(self.up, self.down) != 1:
            raise ValueError("up and down must be positive, differ, and have no common divisor")


def check_edges(cutoff_hz: tuple[float, ...], rate_hz: float, band: Band) -> None:
    """Raises ValueError unless the edges ascend between 0 and half the sampling rate, as many as the band has."""
    edges = (0.0, *cutoff_hz, rate_hz / 2)
    if len(cutoff_hz) != (2 if band == "bandpass" else 1) or list(edges) != sorted(set(edges)):
        raise ValueError("cutoff_hz must hold one edge, two ascending ones for bandpass, between 0 and rate_hz / 2")


FIR_DESIGN = Op(
    name="signals.fir_design",
    params=Fir,
    inputs=(),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc.",
    semantics="""Output: `taps` float64 (T,). With m = n - (T - 1) / 2 and c = cutoff / (rate / 2) the ideal response is
c sinc(c m) for lowpass, sinc(m) - c sinc(c m) for highpass, and c2 sinc(c2 m) - c1 sinc(c1 m) for bandpass, where
sinc(x) = sin(pi x) / (pi x). It is multiplied by the symmetric Hamming window 0.54 - 0.46 cos(2 pi n / (T - 1)), then
divided by its own gain in the middle of the pass band: at 0 Hz, at rate / 2, or halfway between the two edges.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.5; scipy.signal.firwin",
    reference=reference.fir_design,
    tolerance=ROUNDING,
)
FIR_FILTER = Op(
    name="signals.fir_filter",
    params=Fir,
    inputs=("arrays",),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc, and filter with it.",
    semantics="""The taps h are those of `signals.fir_design`. y[n] = sum_k h[k] x[n - k], with x = 0 before the record
begins, for the samples of the record: the output is as long as the input and (T - 1) / 2 samples late. Directly or by
FFT.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 6.1; scipy.signal.lfilter",
    reference=reference.fir_filter,
    tolerance=SIGNAL,
)
BUTTERWORTH_DESIGN = Op(
    name="signals.butterworth_design",
    params=ButterworthDesign,
    inputs=(),
    output="arrays",
    summary="Design a Butterworth filter, and tell its frequency response.",
    semantics="""The prototype of order n has the poles exp(i pi (2k + n + 1) / (2n)), k = 0 .. n - 1, and gain 1. An
edge f becomes W = 2 rate tan(pi f / rate). Lowpass: s -> s / W. Highpass: s -> W / s. Bandpass (order 2n): s -> (s^2 +
W1 W2) / (s (W2 - W1)). Then the bilinear transform s = 2 rate (z - 1) / (z + 1). The filter is held as second-order
sections, paired and ordered as the library likes. Output: `frequency` float64 (points,), j rate / (2 points) in Hz for
j = 0 .. points - 1, and `response` complex128 (points,), H(exp(2 pi i f / rate)).""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.2; scipy.signal.butter",
    reference=reference.butterworth_design,
    tolerance=SIGNAL,
)
BUTTERWORTH_FILTER = Op(
    name="signals.butterworth_filter",
    params=Butterworth,
    inputs=("arrays",),
    output="arrays",
    summary="Design a Butterworth filter as second-order sections, and filter with it.",
    semantics="""The filter is that of `signals.butterworth_design`, run as a cascade of second-order sections with zero
initial state: y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2] in each. The output is as long as the
input. Sections may be in any order and the gain anywhere.""",
    source="scipy.signal.sosfilt, https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.sosfilt.html",
    reference=reference.butterworth_filter,
    tolerance=SIGNAL,
)
ZERO_PHASE = Op(
    name="signals.zero_phase",
    params=Butterworth,
    inputs=("arrays",),
    output="arrays",
    summary="Filter forwards and backwards with a Butterworth filter, so that no phase is shifted.",
    semantics="""The filter is that of `signals.butterworth_design` as S = ceil(order / 2) second-order sections (S =
order for bandpass). Each record is extended at both ends by P = min(6 S, samples - 1) samples with odd symmetry, 2 x[0]
- x[P .. 1] before it and 2 x[-1] - x[-2 .. -P-1] after it; filtered from the state in which the cascade rests at a
constant input of the extended record's first value; reversed, filtered in the same way, reversed; and the extensions
are dropped.""",
    source="Gustafsson 1996, https://doi.org/10.1109/78.492552; DSP.jl filtfilt, scipy.signal.sosfiltfilt with padlen",
    reference=reference.zero_phase,
    tolerance=SIGNAL,
)
FFT_CONVOLVE = Op(
    name="signals.fft_convolve",
    params=Convolve,
    inputs=("arrays",),
    output="arrays",
    summary="Convolve with a long kernel by FFT.",
    semantics="""The givens hold `kernel` float64 (K,). Full convolution: y[n] = sum_k kernel[k] x[n - k] for n = 0 ..
samples + K - 2, with x = 0 outside the record. By FFT, whole or in overlapping blocks, zero-padded so that nothing
wraps around. The kernel is decaying noise of energy 1, like a room's response.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 8.7; scipy.signal.fftconvolve",
    reference=reference.fft_convolve,
    givens=reference.convolve_givens,
    tolerance=SIGNAL,
)
RESAMPLE = Op(
    name="signals.resample",
    params=Resample,
    inputs=("arrays",),
    output="arrays",
    summary="Change the sampling rate by a rational factor with a polyphase filter.",
    semantics="""The givens hold `taps` float64 (T,), T odd: a windowed sinc with gain 1 at 0 Hz, as long as 20 max(up,
down) + 1, Kaiser window with beta 5, edge at 1 / max(up, down) of half the rate that is up times the old one. y[m] = up
sum_k taps[(T - 1) / 2 + m down - k up] x[k] for m = 0 .. ceil(samples up / down) - 1, with x = 0 outside the record and
taps = 0 outside 0 .. T - 1: no delay, gain 1.""",
    source="Crochiere & Rabiner, Multirate Digital Signal Processing, 2.3; scipy.signal.resample_poly, DSP.jl resample",
    reference=reference.resample,
    givens=reference.resample_givens,
    tolerance=SIGNAL,
)

OPS: tuple[Op, ...] = (
    FIR_DESIGN,
    FIR_FILTER,
    BUTTERWORTH_DESIGN,
    BUTTERWORTH_FILTER,
    ZERO_PHASE,
    FFT_CONVOLVE,
    RESAMPLE,
)
