"""The contracts of the ops that look into signals: spectra, envelopes, correlation and peaks.

The references behind them are in ``signals_spectra_reference``.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops import signals_spectra_reference as reference
from twinbench.ops.contract import ROUNDING, Op, Tolerance
from twinbench.ops.signals_filters import SIGNAL

FRAMES = """Frames of `frame` samples begin every `hop` samples, at the record's first one; what is left at its end is
dropped, and nothing is padded: F = floor((samples - frame) / hop) + 1 of them, at least one. Each is multiplied by the
periodic Hann window w[n] = 0.5 - 0.5 cos(2 pi n / frame)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """``frame`` and ``hop``: in samples. ``rate_hz``: the sampling rate."""

    rate_hz: float
    frame: int
    hop: int

    def __post_init__(self) -> None:
        if self.frame < 2 or not 1 <= self.hop <= self.frame:
            raise ValueError("frame must be at least 2, and hop must lie between 1 and frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autocorrelation:
    """``lags``: the largest one, in samples."""

    lags: int

    def __post_init__(self) -> None:
        if self.lags < 0:
            raise ValueError("lags must be at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPeaks:
    """``prominence``: the least one that counts. ``distance``: the least one between two peaks, in samples."""

    prominence: float
    distance: int = 1

    def __post_init__(self) -> None:
        if self.prominence < 0 or self.distance < 1:
            raise ValueError("prominence must be at least 0, and distance at least 1")


WELCH = Op(
    name="signals.welch",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Estimate the power spectral density by Welch's method.",
    semantics=f"""{FRAMES} No detrending. With X the DFT of a windowed frame, `x` becomes the mean over the frames of
|X[k]|^2 / (rate sum w^2), in V^2/Hz if the signal was in V, for k = 0 .. floor(frame / 2), doubled but for 0 Hz and,
where frame is even, rate / 2: one-sided. float64 (records, bins). `frequency` float64 (bins,), k rate / frame in Hz,
comes along.""",
    source="Welch 1967, https://doi.org/10.1109/TAU.1967.1161901",
    reference=reference.welch,
    tolerance=Tolerance(rtol=1e-9, atol=1e-15),
)
STFT = Op(
    name="signals.stft",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Short-time Fourier transform.",
    semantics=f"""{FRAMES} `x` becomes X[f, k] = sum_n w[n] x[f hop + n] exp(-2 pi i k n / frame), k = 0 ..
floor(frame / 2), unscaled: complex128 (records, frames, bins). `frequency` float64 (bins,), k rate / frame in Hz, and
`time` float64 (frames,), the middle (f hop + frame / 2) / rate of each frame in s, come along.""",
    source="Allen & Rabiner 1977, https://doi.org/10.1109/PROC.1977.10770",
    reference=reference.stft,
    tolerance=SIGNAL,
)
SPECTROGRAM = Op(
    name="signals.spectrogram",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Power spectral density of each frame.",
    semantics=f"""{FRAMES} No detrending. `x` becomes |X[f, k]|^2 / (rate sum w^2), one-sided as in `signals.welch`, in
V^2/Hz if the signal was in V: float64 (records, frames, bins). `frequency` and `time` come along as in
`signals.stft`.""",
    source="scipy.signal.spectrogram, DSP.jl spectrogram",
    reference=reference.spectrogram,
    tolerance=Tolerance(rtol=1e-9, atol=1e-15),
)
ENVELOPE = Op(
    name="signals.envelope",
    params=Envelope,
    inputs=("arrays",),
    output="arrays",
    summary="Envelope by the Hilbert transform.",
    semantics="""`x` becomes |z|, with z the inverse DFT of the record's DFT, whose negative frequencies are set to 0
and positive ones doubled (0 Hz and, for an even number of samples, rate / 2 are kept). The DFT is as long as the
record: no padding.""",
    source="Marple 1999, https://doi.org/10.1109/78.782222; scipy.signal.hilbert",
    reference=reference.envelope,
    tolerance=SIGNAL,
)
AUTOCORRELATION = Op(
    name="signals.autocorrelation",
    params=Autocorrelation,
    inputs=("arrays",),
    output="arrays",
    summary="Autocovariance at the first lags, biased.",
    semantics="""`x` becomes r[k] = (1 / N) sum_{n = 0}^{N - 1 - k} (x[n] - m)(x[n + k] - m) for k = 0 .. lags, with N
samples and their mean m; 0 for k >= N. float64 (records, lags + 1). By FFT, zero-padded so that nothing wraps around,
or directly.""",
    source="Box & Jenkins, Time Series Analysis, 2.1",
    reference=reference.autocorrelation,
    tolerance=SIGNAL,
)
FIND_PEAKS = Op(
    name="signals.find_peaks",
    params=FindPeaks,
    inputs=("arrays",),
    output="arrays",
    summary="Find peaks by distance and prominence.",
    semantics="""A peak is a sample that is greater than both neighbours; the first and the last sample are none. From
the highest peak down, all lower ones nearer than `distance` samples to a kept one go. Then peaks of a prominence below
`prominence` go: the height over the higher of the two lowest values between the peak and the nearest higher sample, or
the record's end, on either side. No two peaks are equally high, and none is flat: there libraries differ. Output, for
the records one after the other, in order of time: `record` and `position` int64, counted from 0, `height` and
`prominence` float64. Other arrays are left behind.""",
    source="scipy.signal.find_peaks, https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.find_peaks.html",
    reference=reference.find_peaks,
    tolerance=ROUNDING,
    isolated=True,
)

OPS: tuple[Op, ...] = (WELCH, STFT, SPECTROGRAM, ENVELOPE, AUTOCORRELATION, FIND_PEAKS)
