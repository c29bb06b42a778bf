"""The ops that filter signals: FIR and Butterworth designs, and filtering with them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import ROUNDED_SUM, ROUNDING, Arrays, Op

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Butterworth:
    """``order``: order of the lowpass prototype, from 1 to 12.

    ``cutoff_hz``: one band edge, or two for a bandpass. ``rate_hz``: the sampling rate. ``band``: what the filter
    passes.
    """

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
    """``points``: number of frequencies at which the response is evaluated."""

    points: int = 512


def check_edges(cutoff_hz: tuple[float, ...], rate_hz: float, band: Band) -> None:
    """Raise ValueError unless the band has all its edges, ascending between 0 and half the sampling rate."""
    edges = (0.0, *cutoff_hz, rate_hz / 2)
    if len(cutoff_hz) != (2 if band == "bandpass" else 1) or list(edges) != sorted(set(edges)):
        raise ValueError("cutoff_hz must hold one edge, two ascending ones for bandpass, between 0 and rate_hz / 2")


def fir_design(p: Fir) -> Arrays:
    """Return ``taps``."""
    import numpy as np

    n = np.arange(p.taps)
    m = n - (p.taps - 1) / 2
    edges = [0.0, *(2 * f / p.rate_hz for f in p.cutoff_hz)] if p.band == "lowpass" else []
    edges = edges or [2 * f / p.rate_hz for f in p.cutoff_hz] + ([1.0] if p.band == "highpass" else [])
    low, high = edges
    middle = {"lowpass": 0.0, "highpass": 1.0, "bandpass": (low + high) / 2}[p.band]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * n / (p.taps - 1))
    taps = (high * np.sinc(high * m) - low * np.sinc(low * m)) * window
    return {"taps": taps / np.sum(taps * np.cos(np.pi * middle * m))}


def fir_filter(p: Fir, arrays: Arrays) -> Arrays:
    """Take the first samples of the full convolution."""
    import numpy as np

    taps, x = fir_design(p)["taps"], arrays["x"]
    y = np.empty_like(x, dtype=np.float64)
    for record, filtered in zip(x, y, strict=True):
        filtered[:] = np.convolve(record, taps)[: len(record)]
    return arrays | {"x": y}


def butterworth(p: Butterworth) -> tuple[Array, Array, float]:
    """Return the zeros, the poles and the gain in the z plane."""
    import numpy as np

    n, twice = p.order, 2 * p.rate_hz
    prototype = np.exp(1j * np.pi * (2 * np.arange(n) + n + 1) / (2 * n))
    prototype[n // 2 : (n + 1) // 2] = -1  # real for an odd order, which the formula gives only up to rounding
    warped = [twice * np.tan(np.pi * f / p.rate_hz) for f in p.cutoff_hz]
    if p.band == "lowpass":
        zeros, poles, gain = np.zeros(0), prototype * warped[0], warped[0] ** n
    elif p.band == "highpass":
        zeros, poles, gain = np.zeros(n), warped[0] / prototype, 1.0
    else:
        half = prototype * (warped[1] - warped[0]) / 2
        root = np.sqrt(half**2 - warped[0] * warped[1])
        zeros, poles, gain = np.zeros(n), np.concatenate([half + root, half - root]), (warped[1] - warped[0]) ** n
    gain *= np.real(np.prod(twice - zeros) / np.prod(twice - poles))
    infinite = -np.ones(len(poles) - len(zeros))
    return np.append((twice + zeros) / (twice - zeros), infinite), (twice + poles) / (twice - poles), gain


def butterworth_design(p: ButterworthDesign) -> Arrays:
    """Return ``frequency`` and ``response``."""
    import numpy as np

    zeros, poles, gain = butterworth(p)
    frequency = np.arange(p.points) * p.rate_hz / (2 * p.points)
    z = np.exp(2j * np.pi * frequency / p.rate_hz)[:, None]
    return {"frequency": frequency, "response": gain * np.prod((z - zeros) / (z - poles), axis=1)}


def sections(p: Butterworth) -> Array:
    """Return the filter as second-order sections, ``(sections, 6)``."""
    from scipy.signal import zpk2sos

    return zpk2sos(*butterworth(p))  # type: ignore[no-any-return]


def butterworth_filter(p: Butterworth, arrays: Arrays) -> Arrays:
    """Filter from zero initial state."""
    from scipy.signal import sosfilt

    return arrays | {"x": sosfilt(sections(p), arrays["x"])}


def zero_phase(p: Butterworth, arrays: Arrays) -> Arrays:
    """Extend each record, filter it forwards and backwards, and drop the extensions."""
    import numpy as np
    from scipy.signal import sosfilt, sosfilt_zi

    sos, x = sections(p), arrays["x"]
    rest = sosfilt_zi(sos)
    samples = x.shape[1]
    pad = min(6 * len(sos), samples - 1)
    before, after = 2 * x[:, :1] - x[:, pad:0:-1], 2 * x[:, -1:] - x[:, -2 : -pad - 2 : -1]
    y = np.concatenate([before, x, after], axis=1)
    for _ in range(2):
        state = rest[:, None, :] * y[:, 0][:, None]
        y = sosfilt(sos, y, zi=state)[0][:, ::-1]
    return arrays | {"x": y[:, pad : pad + samples]}


FIR_DESIGN = Op(
    name="signals.fir_design",
    params=Fir,
    inputs=(),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc.",
    semantics="""Output: `taps` float64 (T,). With m = n - (T - 1) / 2 and c = cutoff / (rate / 2), the ideal impulse
response is c sinc(c m) for lowpass, sinc(m) - c sinc(c m) for highpass, and c2 sinc(c2 m) - c1 sinc(c1 m) for bandpass,
where sinc(x) = sin(pi x) / (pi x). It is multiplied by the symmetric Hamming window 0.54 - 0.46 cos(2 pi n / (T - 1)),
then divided by its own gain in the middle of the pass band: at 0 Hz, at rate / 2, or halfway between the two edges.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.5; scipy.signal.firwin",
    reference=fir_design,
    tolerance=ROUNDING,
)


FIR_FILTER = Op(
    name="signals.fir_filter",
    params=Fir,
    inputs=("arrays",),
    output="arrays",
    summary="Design an FIR filter by the windowed sinc, and filter with it.",
    semantics="""The taps h are those of `signals.fir_design`. y[n] = sum_k h[k] x[n - k], with x = 0 before the record
begins, for every sample n of the record: the output is as long as the input, and delayed by (T - 1) / 2 samples. It may
be computed directly or by FFT.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 6.1; scipy.signal.lfilter",
    reference=fir_filter,
    tolerance=ROUNDED_SUM,
)


BUTTERWORTH_DESIGN = Op(
    name="signals.butterworth_design",
    params=ButterworthDesign,
    inputs=(),
    output="arrays",
    summary="Design a Butterworth filter, and evaluate its frequency response.",
    semantics="""The prototype of order n has the poles exp(i pi (2k + n + 1) / (2n)), k = 0 .. n - 1, and gain 1. A
band edge f is prewarped to W = 2 rate tan(pi f / rate). Lowpass: s -> s / W. Highpass: s -> W / s. Bandpass (order 2n):
s -> (s^2 + W1 W2) / (s (W2 - W1)). Then the bilinear transform s = 2 rate (z - 1) / (z + 1) is applied. The filter is
held as second-order sections, which the library may pair and order in any way. Output: `frequency` float64 (points,), j
rate / (2 points) in Hz for j = 0 .. points - 1, and `response` complex128 (points,), H(exp(2 pi i f / rate)).""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.2; scipy.signal.butter",
    reference=butterworth_design,
    tolerance=ROUNDED_SUM,
)


BUTTERWORTH_FILTER = Op(
    name="signals.butterworth_filter",
    params=Butterworth,
    inputs=("arrays",),
    output="arrays",
    summary="Design a Butterworth filter as second-order sections, and filter with it.",
    semantics="""The filter is that of `signals.butterworth_design`, run as a cascade of second-order sections with zero
initial state; in each section y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]. The output is as long as
the input. The sections may be in any order, and the gain may be in any of them.""",
    source="scipy.signal.sosfilt, https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.sosfilt.html",
    reference=butterworth_filter,
    tolerance=ROUNDED_SUM,
)


ZERO_PHASE = Op(
    name="signals.zero_phase",
    params=Butterworth,
    inputs=("arrays",),
    output="arrays",
    summary="Filter forwards and backwards with a Butterworth filter, so that the phase is not shifted.",
    semantics="""The filter is that of `signals.butterworth_design` as S = ceil(order / 2) second-order sections (S =
order for bandpass). Each record is extended at both ends by P = min(6 S, samples - 1) samples with odd symmetry: 2 x[0]
- x[P .. 1] before it and 2 x[-1] - x[-2 .. -P-1] after it. The extended record is filtered, reversed, filtered again
and reversed again. Each of the two passes starts from the steady state of the cascade for a constant input that equals
the first value of what the pass filters. Finally the extensions are dropped.""",
    source="Gustafsson 1996, https://doi.org/10.1109/78.492552; DSP.jl filtfilt, scipy.signal.sosfiltfilt with padlen",
    reference=zero_phase,
    tolerance=ROUNDED_SUM,
)
