"""The ops that convolve signals with a given kernel: convolution by FFT, and resampling."""

from __future__ import annotations

from dataclasses import dataclass
from math import gcd

from twinbench.ops.contract import Arrays, Op, check_seed
from twinbench.ops.signals.conditions import SIGNAL, largest, require_records


@dataclass(frozen=True, slots=True, kw_only=True)
class Convolve:
    """``length``: length of the kernel, in samples. ``seed``: seed of the noise in the kernel."""

    length: int
    seed: int = 0

    def __post_init__(self) -> None:
        if self.length < 1:
            raise ValueError("length must be at least 1")
        check_seed(self.seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resample:
    """``up`` and ``down``: the new rate is up / down times the old rate; they differ and have no common divisor."""

    up: int
    down: int

    def __post_init__(self) -> None:
        if min(self.up, self.down) < 1 or self.up == self.down or gcd(self.up, self.down) != 1:
            raise ValueError("up and down must be positive, differ, and have no common divisor")


def convolve_givens(p: Convolve, arrays: Arrays) -> Arrays:
    """Make ``kernel``: noise that decays by 60 dB over its length, with energy 1."""
    import numpy as np

    noise = np.random.default_rng(p.seed).standard_normal(p.length)
    kernel = noise * 10.0 ** (-3 * np.arange(p.length) / p.length)
    return {"kernel": kernel / np.sqrt(np.sum(kernel**2))}


def fft_convolve(p: Convolve, arrays: Arrays, given: Arrays) -> Arrays:
    """Multiply transforms whose length is a power of two."""
    import numpy as np

    x, kernel = arrays["x"], given["kernel"]
    length = x.shape[1] + len(kernel) - 1
    n = 1 << (length - 1).bit_length()
    y = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(kernel, n), n) if n > 1 else x * kernel
    return arrays | {"x": y[:, :length]}


def resample_givens(p: Resample, arrays: Arrays) -> Arrays:
    """Make ``taps``: a Kaiser-windowed sinc."""
    import numpy as np

    widest = max(p.up, p.down)
    m = np.arange(-10 * widest, 10 * widest + 1)
    taps = np.sinc(m / widest) * np.kaiser(len(m), 5.0)
    return {"taps": taps / taps.sum()}


def resample(p: Resample, arrays: Arrays, given: Arrays) -> Arrays:
    """Insert zeros, filter, and keep every ``down``-th sample; ``upfirdn`` spends no time on the zeros."""
    import numpy as np
    from scipy.signal import upfirdn

    x, taps = arrays["x"], given["taps"]
    half = (len(taps) - 1) // 2
    late = -half % p.down  # zeros before the taps, which make the delay a multiple of `down`
    delay = (half + late) // p.down
    count = -(-x.shape[1] * p.up // p.down)
    filtered = upfirdn(p.up * np.concatenate([np.zeros(late), taps]), x, p.up, p.down)
    y = np.zeros((len(x), count))
    kept = filtered[:, delay : delay + count]
    y[:, : kept.shape[1]] = kept
    return arrays | {"x": y}


def scale_convolve(p: Convolve, output: Arrays, arrays: Arrays, given: Arrays) -> Arrays:
    """Return the largest sum of magnitudes that a sample can be."""
    import numpy as np

    return {"x": largest(arrays["x"]) * np.abs(given["kernel"]).sum()}


def scale_resample(p: Resample, output: Arrays, arrays: Arrays, given: Arrays) -> Arrays:
    """Return the largest magnitude of each record."""
    return {"x": largest(arrays["x"])}


FFT_CONVOLVE = Op(
    name="signals.fft_convolve",
    params=Convolve,
    inputs=("arrays",),
    output="arrays",
    summary="Convolve with a long kernel by FFT.",
    semantics="""The givens hold `kernel` float64 (K,): decaying noise of energy 1, like the impulse response of a room.
The output is the full convolution: y[n] = sum_k kernel[k] x[n - k] for n = 0 .. samples + K - 2, with x = 0 outside the
record. It is computed by FFT, of the whole record or of overlapping blocks, with enough zero padding that nothing wraps
around. Unit of the absolute tolerance: the record's largest magnitude times the sum of the kernel's magnitudes.""",
    source="Oppenheim & Schafer, Discrete-Time Signal Processing, 8.7; scipy.signal.fftconvolve",
    reference=fft_convolve,
    requires=require_records,
    givens=convolve_givens,
    tolerance=SIGNAL,
    scale=scale_convolve,
)


RESAMPLE = Op(
    name="signals.resample",
    params=Resample,
    inputs=("arrays",),
    output="arrays",
    summary="Change the sampling rate by a rational factor with a polyphase filter.",
    semantics="""The givens hold `taps` float64 (T,), T odd: a windowed sinc of length 20 max(up, down) + 1 with gain 1
at 0 Hz, a Kaiser window with beta 5, and the band edge at 1 / max(up, down) of half the rate that is `up` times the old
rate. y[m] = up sum_k taps[(T - 1) / 2 + m down - k up] x[k] for m = 0 .. ceil(samples up / down) - 1, with x = 0
outside the record and taps = 0 outside 0 .. T - 1. There is no delay, and the gain is 1. Unit of the absolute
tolerance: the largest magnitude of the record.""",
    source="Crochiere & Rabiner, Multirate Digital Signal Processing, 2.3; scipy.signal.resample_poly, DSP.jl resample",
    reference=resample,
    requires=require_records,
    givens=resample_givens,
    tolerance=SIGNAL,
    scale=scale_resample,
)
