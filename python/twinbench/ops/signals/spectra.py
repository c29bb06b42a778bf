"""The ops that analyse signals: spectra, envelopes, autocorrelation and peaks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Op, OutsideContract, Tolerance
from twinbench.ops.signals.conditions import SIGNAL, check_rate, largest, records, require_frames, require_records

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Frames:
    """``rate_hz``: the sampling rate.

    ``frame``: length of a frame, in samples. ``hop``: distance between the starts of two consecutive frames, in
    samples; at most ``frame``.
    """

    rate_hz: float
    frame: int
    hop: int

    def __post_init__(self) -> None:
        check_rate(self.rate_hz)
        if self.frame < 2 or not 1 <= self.hop <= self.frame:
            raise ValueError("frame must be at least 2, and hop must lie between 1 and frame")


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Autocorrelation:
    """``lags``: the largest lag, in samples."""

    lags: int

    def __post_init__(self) -> None:
        if self.lags < 0:
            raise ValueError("lags must be at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class FindPeaks:
    """``prominence``: smallest prominence of a peak. ``distance``: smallest distance between two peaks, in samples."""

    prominence: float
    distance: int = 1

    def __post_init__(self) -> None:
        if not self.prominence >= 0 or self.distance < 1:
            raise ValueError("prominence must be at least 0, and distance at least 1")


def frames(x: Array, frame: int, hop: int) -> Array:
    """Return views of the frames of each record, ``(records, frames, frame)``.

    Raise ValueError if not even one fits.
    """
    import numpy as np

    return np.lib.stride_tricks.sliding_window_view(x, frame, axis=-1)[:, ::hop]


def hann(frame: int) -> Array:
    """Return the periodic Hann window."""
    import numpy as np

    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame))


def densities(p: Frames, spectra: Array) -> Array:
    """Convert the DFTs of windowed frames to one-sided power spectral densities."""
    import numpy as np

    scale = np.full(spectra.shape[-1], 2.0)
    scale[0] = 1.0
    if p.frame % 2 == 0:
        scale[-1] = 1.0
    return np.asarray(np.abs(spectra) ** 2 * (scale / (p.rate_hz * np.sum(hann(p.frame) ** 2))))


def axes(p: Frames, count: int) -> Arrays:
    """Return ``frequency`` in Hz and ``time`` in s."""
    import numpy as np

    frequency = np.arange(p.frame // 2 + 1) * p.rate_hz / p.frame
    return {"frequency": frequency, "time": (np.arange(count) * p.hop + p.frame / 2) / p.rate_hz}


def stft(p: Frames, arrays: Arrays) -> Arrays:
    """Transform each frame, and add ``frequency`` and ``time``."""
    import numpy as np

    spectra = np.fft.rfft(frames(arrays["x"], p.frame, p.hop) * hann(p.frame))
    return arrays | {"x": spectra} | axes(p, spectra.shape[1])


def spectrogram(p: Frames, arrays: Arrays) -> Arrays:
    """Compute the density of each frame, and add ``frequency`` and ``time``."""
    transformed = stft(p, arrays)
    return transformed | {"x": densities(p, transformed["x"])}


def welch(p: Frames, arrays: Arrays) -> Arrays:
    """Average the densities of all frames, and add ``frequency``."""
    power = spectrogram(p, arrays)
    return arrays | {"x": power["x"].mean(axis=1), "frequency": power["frequency"]}


def scale_stft(p: Frames, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest sum of magnitudes that a bin can be; the axes are exact to rounding."""
    import numpy as np

    exact = {name: np.zeros(()) for name in ("frequency", "time")}
    return {"x": largest(arrays["x"])[..., None] * hann(p.frame).sum()} | exact


def scale_density(p: Frames, output: Arrays, arrays: Arrays) -> Arrays:
    """Return what a density changes by where a bin of the DFT changes by its largest sum of magnitudes, times `atol`.

    With P the density and H the one of that sum, it is 2 sqrt(P H) + atol H: the root of a density is what is known.
    """
    import numpy as np

    window = hann(p.frame)
    highest = (largest(arrays["x"]) * window.sum()) ** 2 * 2 / (p.rate_hz * np.sum(window**2))
    highest = highest.reshape(-1, *[1] * (output["x"].ndim - 1))
    exact = {name: np.zeros(()) for name in ("frequency", "time")}
    return {"x": 2 * np.sqrt(output["x"] * highest) + SIGNAL.atol * highest} | exact


def envelope(p: Envelope, arrays: Arrays) -> Arrays:
    """Take the magnitude of the analytic signal."""
    import numpy as np

    x = arrays["x"]
    n = x.shape[1]
    weight = np.zeros(n)
    weight[0] = 1.0
    weight[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        weight[n // 2] = 1.0
    return arrays | {"x": np.abs(np.fft.ifft(np.fft.fft(x) * weight))}


def scale_envelope(p: Envelope, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest magnitude of each record."""
    return {"x": largest(arrays["x"])}


def autocorrelation(p: Autocorrelation, arrays: Arrays) -> Arrays:
    """Transform back the power spectrum of the zero-padded record."""
    import numpy as np

    x = arrays["x"]
    n = x.shape[1]
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(x - x.mean(axis=1, keepdims=True), length)
    r = np.fft.irfft(np.abs(spectrum) ** 2, length)[:, : min(n, p.lags + 1)] / n
    return arrays | {"x": np.pad(r, ((0, 0), (0, p.lags + 1 - r.shape[1])))}


def scale_autocorrelation(p: Autocorrelation, output: Arrays, arrays: Arrays) -> Arrays:
    """Return what a covariance changes by where samples and mean change by the largest magnitude, times `atol`.

    With s the standard deviation and m the largest magnitude of N samples, it is s^2 + s m + atol (m + m N / 100)^2: a
    plain mean rounds at every sample.
    """
    x = arrays["x"]
    deviation, magnitude = x.std(axis=1, keepdims=True), largest(x)
    return {"x": deviation**2 + deviation * magnitude + SIGNAL.atol * (magnitude * (1 + x.shape[1] / 100)) ** 2}


def require_different_peaks(p: FindPeaks, arrays: Arrays) -> None:
    """Refuse flat peaks and peaks of equal height."""
    import numpy as np

    for number, record in enumerate(records(arrays), start=1):
        starts = np.flatnonzero(np.concatenate([[True], record[1:] != record[:-1]]))
        levels = record[starts]
        tops = 1 + np.flatnonzero((levels[1:-1] > levels[:-2]) & (levels[1:-1] > levels[2:]))
        lengths = np.diff(np.append(starts, len(record)))
        advice = "add seeded noise below the resolution of the samples, or filter the records before it"
        flat = tops[lengths[tops] > 1]
        if len(flat):
            first, last = starts[flat[0]] + 1, starts[flat[0]] + lengths[flat[0]]
            raise OutsideContract(
                f"record {number}, samples {first} to {last}: a flat peak of {levels[flat[0]]:g}, where libraries "
                f"differ; {advice}"
            )
        heights, positions = levels[tops], starts[tops]
        order = np.argsort(heights, kind="stable")
        equal = np.flatnonzero(np.diff(heights[order]) == 0)
        if len(equal):
            one, other = positions[order[equal[0]]] + 1, positions[order[equal[0] + 1]] + 1
            raise OutsideContract(
                f"record {number}, samples {one} and {other}: two peaks of {record[one - 1]:g}, of which libraries "
                f"prefer either; {advice}"
            )


def find_peaks(p: FindPeaks, arrays: Arrays) -> Arrays:
    """Return ``record``, ``position``, ``height`` and ``prominence``, by SciPy's peak finder."""
    import numpy as np
    from scipy.signal import find_peaks

    x = np.ascontiguousarray(arrays["x"], dtype=np.float64)
    found = [find_peaks(record, prominence=p.prominence, distance=p.distance) for record in x]
    counts = [len(position) for position, _ in found]
    none = np.zeros(0)
    return {
        "record": np.repeat(np.arange(len(x)), counts),
        "position": np.concatenate([none.astype(np.int64), *(position for position, _ in found)]),
        "height": np.concatenate([none, *(x[i, position] for i, (position, _) in enumerate(found))]),
        "prominence": np.concatenate([none, *(facts["prominences"] for _, facts in found)]),
    }


FRAMES = """Frames of `frame` samples begin every `hop` samples, from the first sample of the record on; a remainder at
the end is dropped, and nothing is padded: there are F = floor((samples - frame) / hop) + 1 frames, at least one. Each
frame is multiplied by the periodic Hann window w[n] = 0.5 - 0.5 cos(2 pi n / frame)."""


UNIT_OF_DENSITY = """Unit of the absolute tolerance: 2 sqrt(P H) + 2^-43 H, where P is the density and H the one of a
bin with the magnitude sum w times the largest magnitude of the record."""


WELCH = Op(
    name="signals.welch",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Estimate the power spectral density by Welch's method.",
    semantics=f"""{FRAMES} There is no detrending. With X the DFT of a windowed frame, `x` becomes the mean over all
frames of |X[k]|^2 / (rate sum w^2), for k = 0 .. floor(frame / 2), where all bins are doubled except 0 Hz and, for an
even `frame`, rate / 2. This is a one-sided density, in V^2/Hz if the signal is in V: float64 (records, bins). The
output also has `frequency` float64 (bins,), k rate / frame in Hz. {UNIT_OF_DENSITY}""",
    source="Welch 1967, https://doi.org/10.1109/TAU.1967.1161901",
    reference=welch,
    requires=require_frames,
    tolerance=SIGNAL,
    scale=scale_density,
)


STFT = Op(
    name="signals.stft",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Compute the short-time Fourier transform.",
    semantics=f"""{FRAMES} `x` becomes X[f, k] = sum_n w[n] x[f hop + n] exp(-2 pi i k n / frame), k = 0 .. floor(frame
/ 2), unscaled: complex128 (records, frames, bins). The output also has `frequency` float64 (bins,), k rate / frame in
Hz, and `time` float64 (frames,), the middle (f hop + frame / 2) / rate of each frame in s. Unit of the absolute
tolerance: the largest magnitude of the record times sum w.""",
    source="Allen & Rabiner 1977, https://doi.org/10.1109/PROC.1977.10770",
    reference=stft,
    requires=require_frames,
    tolerance=SIGNAL,
    scale=scale_stft,
)


SPECTROGRAM = Op(
    name="signals.spectrogram",
    params=Frames,
    inputs=("arrays",),
    output="arrays",
    summary="Compute the power spectral density of each frame.",
    semantics=f"""{FRAMES} There is no detrending. `x` becomes |X[f, k]|^2 / (rate sum w^2), one-sided as in
`signals.welch`, in V^2/Hz if the signal is in V: float64 (records, frames, bins). The output also has `frequency` and
`time`, as in `signals.stft`. {UNIT_OF_DENSITY}""",
    source="scipy.signal.spectrogram, DSP.jl spectrogram",
    reference=spectrogram,
    requires=require_frames,
    tolerance=SIGNAL,
    scale=scale_density,
)


ENVELOPE = Op(
    name="signals.envelope",
    params=Envelope,
    inputs=("arrays",),
    output="arrays",
    summary="Compute the envelope by the Hilbert transform.",
    semantics="""`x` becomes |z|, where z is the analytic signal: the inverse DFT of the record's DFT with its negative
frequencies set to 0 and its positive frequencies doubled (0 Hz and, for an even number of samples, rate / 2 are
unchanged). The DFT is as long as the record: there is no padding. Unit of the absolute tolerance: the largest magnitude
of the record.""",
    source="Marple 1999, https://doi.org/10.1109/78.782222; scipy.signal.hilbert",
    reference=envelope,
    requires=require_records,
    tolerance=SIGNAL,
    scale=scale_envelope,
)


AUTOCORRELATION = Op(
    name="signals.autocorrelation",
    params=Autocorrelation,
    inputs=("arrays",),
    output="arrays",
    summary="Compute the biased autocovariance at the first lags.",
    semantics="""`x` becomes r[k] = (1 / N) sum_{n = 0}^{N - 1 - k} (x[n] - m)(x[n + k] - m) for k = 0 .. lags, where N
is the number of samples and m their mean; r[k] = 0 for k >= N. float64 (records, lags + 1). It may be computed
directly, or by FFT with enough zero padding that nothing wraps around. Unit of the absolute tolerance: s^2 + s M +
2^-43 (M + M N / 100)^2, with s the standard deviation and M the largest magnitude of the record.""",
    source="Box & Jenkins, Time Series Analysis, 2.1",
    reference=autocorrelation,
    requires=require_records,
    tolerance=SIGNAL,
    scale=scale_autocorrelation,
)


FIND_PEAKS = Op(
    name="signals.find_peaks",
    params=FindPeaks,
    inputs=("arrays",),
    output="arrays",
    summary="Find peaks, selected by distance and prominence.",
    semantics="""A peak is a sample that is greater than both of its neighbours; the first and the last sample are never
peaks. First, from the highest peak down, each peak that is still there removes all lower peaks nearer than `distance`
samples. Then peaks with a prominence below `prominence` are removed. The prominence of a peak is its height above the
higher of two minima: on either side, the lowest value between the peak and the nearest higher sample, or the end of the
record. No two peaks of a record are equally high and no peak is flat, because libraries differ there. Output, for one
record after the other, in order of time: `record` and `position` int64, counted from 0, `height` and `prominence`
float64. Other arrays of the input are dropped.""",
    source="scipy.signal.find_peaks, https://docs.scipy.org/doc/scipy/reference/generated/scipy.signal.find_peaks.html",
    reference=find_peaks,
    requires=require_different_peaks,
    tolerance=Tolerance(rtol=1e-9),
    isolated=True,
)
