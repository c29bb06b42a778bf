"""The ops of Butterworth filters: the design, filtering with it, and filtering without a shift of the phase.

The warped frequencies and the s plane are in units of twice the sampling rate, which cancels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Op, OutsideContract
from twinbench.ops.signals.conditions import RECURSIVE, largest, records
from twinbench.ops.signals.filters import Band, check_edges

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]

WORST_CONDITION = 1e9
"""Largest condition of a Butterworth filter: beyond it float64 knows less than 1e-5 of a record's largest magnitude."""


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

    def __post_init__(self) -> None:
        Butterworth.__post_init__(self)
        if self.points < 1:
            raise ValueError("points must be at least 1")


def warped(f: Array | float, rate: float) -> Array:
    """Return tan(pi f / rate), exact to rounding also near half the rate."""
    import numpy as np

    f = np.asarray(f, dtype=np.float64)
    upper = f > rate / 4
    tangent = np.tan(np.pi * np.where(upper, rate / 2 - f, f) / rate)
    return np.where(upper, 1 / np.where(upper, tangent, 1.0), tangent)


def prototype(order: int) -> Array:
    """Return the poles of the prototype on and above the real axis; the real one, of an odd order, is the last."""
    import numpy as np

    poles = np.exp(1j * np.pi * (2 * np.arange(order // 2) + order + 1) / (2 * order)).conj()
    return np.append(poles, -1.0) if order % 2 else poles


def width(p: Butterworth) -> float:
    """Return the distance of the two warped edges, exact to rounding for a narrow band, too."""
    import numpy as np

    low, high = (float(warped(edge, p.rate_hz)) for edge in p.cutoff_hz)
    return float(np.sin(np.pi * (p.cutoff_hz[1] - p.cutoff_hz[0]) / p.rate_hz) * np.hypot(1, low) * np.hypot(1, high))


def pole_pairs(p: Butterworth) -> list[tuple[complex, ...]]:
    """Return the poles in the z plane: pairs of conjugate or of real poles, and one alone for an odd order."""
    import numpy as np

    edges, found = [float(warped(edge, p.rate_hz)) for edge in p.cutoff_hz], []
    for pole in prototype(p.order):
        if p.band != "bandpass":
            moved = pole * edges[0] if p.band == "lowpass" else edges[0] / pole
            found.append((moved,) if pole.imag == 0 else (moved, moved.conjugate()))
            continue
        half = pole * width(p) / 2
        root = np.sqrt(half**2 - edges[0] * edges[1])
        far = half + root if (half * root.conjugate()).real >= 0 else half - root
        near = edges[0] * edges[1] / far
        if pole.imag == 0:
            found.append((far, near))
        else:
            found += [(far, far.conjugate()), (near, near.conjugate())]
    pairs = [tuple((1 + s) / (1 - s) for s in pair) for pair in found]
    return [tuple(z.real for z in pair) if pair[0].imag == 0 else pair for pair in pairs]


def passed(p: Butterworth) -> complex:
    """Return a point of the unit circle at which the gain is 1."""
    if p.band != "bandpass":
        return 1.0 if p.band == "lowpass" else -1.0
    low, high = (float(warped(edge, p.rate_hz)) for edge in p.cutoff_hz)
    middle = 1j * math.sqrt(low * high)
    return (1 + middle) / (1 - middle)


def condition(p: Butterworth, z: Array) -> Array:
    """Return what a rounding of the filter's coefficients does to the response, at points of the unit circle.

    It is the sum of 1 / (|z - q| |z - r|) over the pairs (q, r) of poles, + 1; and for a bandpass + the ratio of its
    warped edges, because the formula of its poles cancels where this ratio is large.
    """
    import numpy as np

    pairs = [(pair * 2)[:2] for pair in pole_pairs(p)]
    edges = [float(warped(edge, p.rate_hz)) for edge in p.cutoff_hz]
    with np.errstate(divide="ignore"):  # a pole that rounds onto the unit circle
        return np.asarray(edges[-1] / edges[0] + sum(1 / (np.abs(z - q) * np.abs(z - r)) for q, r in pairs))


def worst_condition(p: Butterworth) -> float:
    """Return the largest condition on the unit circle: it is reached near a pole, or at 0 Hz or half the rate."""
    import numpy as np

    poles = np.array([q for pair in pole_pairs(p) for q in (*pair, *np.conj(pair))])
    near = [q / abs(q) for q in poles if abs(q) > 0]
    return float(condition(p, np.array([1.0, -1.0, *near])).max())


def require_exact(p: Butterworth, arrays: Arrays | None = None) -> None:
    """Refuse a filter whose sections float64 can't hold, then records that no signal op takes."""
    if (worst := worst_condition(p)) > WORST_CONDITION:
        raise OutsideContract(
            f"cutoff_hz: {', '.join(f'{edge:g}' for edge in p.cutoff_hz)} at a rate of {p.rate_hz:g} has the condition "
            f"{worst:.2g}, and float64 holds sections up to {WORST_CONDITION:g}; put signals.resample before it, to a "
            "rate that is nearer to the band, or choose a wider band"
        )
    if arrays is not None:
        records(arrays)


def butterworth_design(p: ButterworthDesign) -> Arrays:
    """Return ``frequency`` and ``response``, computed on the imaginary axis of the s plane."""
    import numpy as np

    frequency = np.arange(p.points) * p.rate_hz / (2 * p.points)
    t, edges = warped(frequency, p.rate_hz), [float(warped(edge, p.rate_hz)) for edge in p.cutoff_hz]
    above, below = t, np.full(p.points, edges[0])
    if p.band == "highpass":
        above, below = -below, t
    elif p.band == "bandpass":
        from_low = np.sin(np.pi * (frequency - p.cutoff_hz[0]) / p.rate_hz) * np.hypot(1, t) * np.hypot(1, edges[0])
        below = t * width(p)
        above = from_low * (t + edges[1]) - below
    response = np.ones(p.points, dtype=np.complex128)
    for pole in prototype(p.order):
        for q in (pole, pole.conjugate()) if pole.imag else (pole,):
            response *= below / (1j * above - q * below)
    return {"frequency": frequency, "response": response}


def scale_butterworth_design(p: ButterworthDesign, output: Arrays) -> Arrays:
    """Return the condition at each frequency."""
    import numpy as np

    return {
        "frequency": np.zeros(()),
        "response": condition(p, np.exp(2j * np.pi * output["frequency"] / p.rate_hz)),
    }


def _run(p: Butterworth, x: Array, steady: bool) -> Array:
    """Filter by a cascade of complex sections of order 1, which are better conditioned than those of order 2.

    ``steady``: begin with the steady state for a constant input that equals the first sample.
    """
    import numpy as np
    from scipy.signal import lfilter

    zeros = {"lowpass": (-1.0, -1.0), "highpass": (1.0, 1.0), "bandpass": (1.0, -1.0)}[p.band]
    z0, y = passed(p), np.asarray(x)
    for pair in pole_pairs(p):
        for zero, pole in zip(zeros, pair, strict=False):
            gain = abs((z0 - pole) / (z0 - zero))
            b, a = [gain, -gain * zero], [1.0, -pole]
            if steady:
                state = (gain * (1 - zero) / (1 - pole) - gain) * y[:, :1]
                y = lfilter(b, a, y, zi=state)[0]
            else:
                y = lfilter(b, a, y)
        y = y.real
    return y


def butterworth_filter(p: Butterworth, arrays: Arrays) -> Arrays:
    """Filter from zero initial state."""
    return arrays | {"x": _run(p, arrays["x"], steady=False)}


def scale_recursive(p: Butterworth, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest magnitude of each record times the worst condition of the filter."""
    return {"x": largest(arrays["x"]) * worst_condition(p)}


def zero_phase(p: Butterworth, arrays: Arrays) -> Arrays:
    """Extend each record, filter it forwards and backwards, and drop the extensions."""
    import numpy as np

    x = arrays["x"]
    samples = x.shape[1]
    sections = p.order if p.band == "bandpass" else -(-p.order // 2)
    pad = min(6 * sections, samples - 1)
    before, after = 2 * x[:, :1] - x[:, pad:0:-1], 2 * x[:, -1:] - x[:, -2 : -pad - 2 : -1]
    y = np.concatenate([before, x, after], axis=1)
    for _ in range(2):
        y = _run(p, y, steady=True)[:, ::-1]
    return arrays | {"x": y[:, pad : pad + samples]}


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
rate / (2 points) in Hz for j = 0 .. points - 1, and `response` complex128 (points,), H(exp(2 pi i f / rate)). The
coefficients of a section are float64, so that near its poles the filter is only known up to a condition: W2 / W1 for a
bandpass and 1 for others, + the sum of 1 / (|z - q| |z - r|) over the sections, which have the poles q and r. On the
unit circle the condition is at most 1e9: an edge that is nearer to 0 Hz asks for a lower rate. Unit of the absolute
tolerance: the condition at a frequency.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 7.2; scipy.signal.butter",
    reference=butterworth_design,
    requires=require_exact,
    tolerance=RECURSIVE,
    scale=scale_butterworth_design,
)


BUTTERWORTH_FILTER = Op(
    name="signals.butterworth_filter",
    params=Butterworth,
    inputs=("arrays",),
    output="arrays",
    summary="Design a Butterworth filter as second-order sections, and filter with it.",
    semantics="""The filter is that of `signals.butterworth_design`, run as a cascade of second-order sections with zero
initial state; in each section y[n] = b0 x[n] + b1 x[n-1] + b2 x[n-2] - a1 y[n-1] - a2 y[n-2]. The output is as long as
the input. The sections may be in any order, and the gain may be in any of them. Unit of the absolute tolerance: the
largest magnitude of the record times the largest condition on the unit circle (see `signals.butterworth_design`).""",
    source="scipy.signal.sosfilt, https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.sosfilt.html",
    reference=butterworth_filter,
    requires=require_exact,
    tolerance=RECURSIVE,
    scale=scale_recursive,
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
the first value of what the pass filters. Finally the extensions are dropped. Unit of the absolute tolerance: as for
`signals.butterworth_filter`.""",
    source="Gustafsson 1996, https://doi.org/10.1109/78.492552; DSP.jl filtfilt, scipy.signal.sosfiltfilt with padlen",
    reference=zero_phase,
    requires=require_exact,
    tolerance=RECURSIVE,
    scale=scale_recursive,
)
