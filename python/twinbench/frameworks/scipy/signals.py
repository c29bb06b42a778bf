"""The signal ops in SciPy: ``scipy.signal`` where it has the op, ``scipy.fft`` on frames where it has not."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Ops
from twinbench.ops import signals as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy import fft, signal
    from scipy.io import wavfile

    Array = NDArray[Any]

entered: Any = None
"""Context that sets the FFT's threads; a reference is kept, because the setting ends with the object."""


def load(threads: int) -> None:
    """Import SciPy's modules, and set the FFT's threads if they differ from its default of one."""
    global entered, fft, np, signal, wavfile
    import numpy as np
    from scipy import fft, signal
    from scipy.io import wavfile

    warnings.filterwarnings("ignore", "Chunk .non-data. not understood", wavfile.WavFileWarning)
    if workers() != threads:
        entered = fft.set_workers(threads)
        entered.__enter__()


def workers() -> int:
    """Return the threads of the FFT."""
    return int(fft.get_workers())


def fir_design(p: t.Fir) -> Arrays:
    """Design with ``firwin``, whose default window is Hamming's."""
    return {"taps": signal.firwin(p.taps, p.cutoff_hz, pass_zero=p.band, fs=p.rate_hz)}


def fir_filter(p: t.Fir, arrays: Arrays) -> Arrays:
    """Filter directly, which is faster than by FFT up to a few hundred taps."""
    return arrays | {"x": signal.lfilter(fir_design(p)["taps"], 1.0, arrays["x"])}


def _sections(p: t.Butterworth) -> Array:
    edges = p.cutoff_hz if p.band == "bandpass" else p.cutoff_hz[0]
    return signal.butter(p.order, edges, p.band, fs=p.rate_hz, output="sos")  # type: ignore[no-any-return]


def butterworth_design(p: t.ButterworthDesign) -> Arrays:
    """Compute the response of the sections at ``p.points`` frequencies below half the rate."""
    frequency, response = signal.freqz_sos(_sections(p), worN=p.points, fs=p.rate_hz)
    return {"frequency": frequency, "response": response}


def butterworth_filter(p: t.Butterworth, arrays: Arrays) -> Arrays:
    """Filter with ``sosfilt``, from a state of zeros."""
    return arrays | {"x": signal.sosfilt(_sections(p), arrays["x"])}


def zero_phase(p: t.Butterworth, arrays: Arrays) -> Arrays:
    """Filter with ``sosfiltfilt`` and the contract's padding, because SciPy's default is longer by 3 samples."""
    sos = _sections(p)
    return arrays | {"x": signal.sosfiltfilt(sos, arrays["x"], padlen=min(6 * len(sos), arrays["x"].shape[1] - 1))}


def fft_convolve(p: t.Convolve, arrays: Arrays, given: Arrays) -> Arrays:
    """Convolve in overlapping blocks, whose FFTs fit into the cache."""
    return arrays | {"x": signal.oaconvolve(arrays["x"], given["kernel"][None, :], axes=-1)}


def resample(p: t.Resample, arrays: Arrays, given: Arrays) -> Arrays:
    """Resample with ``resample_poly``, with the given taps as the window."""
    return arrays | {"x": signal.resample_poly(arrays["x"], p.up, p.down, axis=-1, window=given["taps"])}


def welch(p: t.Frames, arrays: Arrays) -> Arrays:
    """Estimate with ``signal.welch``, whose default window is the periodic Hann window."""
    frequency, x = signal.welch(arrays["x"], p.rate_hz, nperseg=p.frame, noverlap=p.frame - p.hop, detrend=False)
    return arrays | {"x": x, "frequency": frequency}


def stft(p: t.Frames, arrays: Arrays) -> Arrays:
    """Transform without padding, and undo the scale of 1 / sum(w), which can't be turned off."""
    frequency, time, x = signal.stft(
        arrays["x"], p.rate_hz, nperseg=p.frame, noverlap=p.frame - p.hop, boundary=None, padded=False
    )
    x *= p.frame / 2  # the sum of a periodic Hann window
    return arrays | {"x": x.swapaxes(1, 2), "frequency": frequency, "time": time}


def spectrogram(p: t.Frames, arrays: Arrays) -> Arrays:
    """Transform with the contract's window and without detrending, which are not the defaults."""
    frequency, time, x = signal.spectrogram(
        arrays["x"], p.rate_hz, "hann", nperseg=p.frame, noverlap=p.frame - p.hop, detrend=False
    )
    return arrays | {"x": x.swapaxes(1, 2), "frequency": frequency, "time": time}


def envelope(p: t.Envelope, arrays: Arrays) -> Arrays:
    """Compute the magnitude of the analytic signal."""
    return arrays | {"x": np.abs(signal.hilbert(arrays["x"]))}


def autocorrelation(p: t.Autocorrelation, arrays: Arrays) -> Arrays:
    """Compute the power spectrum, padded to a fast length, because only a few lags are needed."""
    x = arrays["x"]
    samples = x.shape[1]
    kept = min(samples, p.lags + 1)
    length = fft.next_fast_len(samples + kept - 1, real=True)
    spectrum = fft.rfft(x - x.mean(axis=1, keepdims=True), length)
    r = fft.irfft(spectrum.real**2 + spectrum.imag**2, length, overwrite_x=True)
    out = np.zeros((len(x), p.lags + 1))
    np.divide(r[:, :kept], samples, out=out[:, :kept])
    return arrays | {"x": out}


def find_peaks(p: t.FindPeaks, arrays: Arrays) -> Arrays:
    """Find peaks record by record, then concatenate them."""
    peaks = [signal.find_peaks(record, prominence=p.prominence, distance=p.distance) for record in arrays["x"]]
    positions = [position for position, _ in peaks]
    return {
        "record": np.repeat(np.arange(len(peaks)), [len(position) for position in positions]),
        "position": np.concatenate([np.zeros(0, np.int64), *positions]),
        "height": np.concatenate([np.zeros(0), *(r[at] for r, at in zip(arrays["x"], positions, strict=True))]),
        "prominence": np.concatenate([np.zeros(0), *(properties["prominences"] for _, properties in peaks)]),
    }


def read_wav(p: t.ReadWav, path: str) -> Arrays:
    """Read with ``wavfile``, which gives integers."""
    files = [file for part in ("train", "test") for file in sorted((Path(path) / part).glob("*.wav"))]
    x = np.zeros((len(files), p.samples))
    for record, file in zip(x, files, strict=True):
        _, samples = wavfile.read(file)
        kept = min(len(samples), p.samples)
        np.divide(samples[:kept], 32768, out=record[:kept])
    return {
        "x": x,
        "y": np.array([file.name.partition("-")[0] for file in files], dtype=np.int64),
        "test": np.array([file.parent.name == "test" for file in files], dtype=np.uint8),
    }


def _frames(x: Array, frame: int, hop: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(x, frame, axis=-1)[:, ::hop]


def short_term_features(p: t.ShortTerm, arrays: Arrays) -> Arrays:
    """Compute the features of all frames at once."""
    x = _frames(arrays["x"], p.frame, p.hop)
    out = np.empty((*x.shape[:2], 6))
    sign = np.sign(arrays["x"])
    steps = np.abs(np.diff(sign))
    out[..., 0] = _frames(steps, p.frame - 1, p.hop)[:, : x.shape[1]].sum(axis=-1) / (2 * (p.frame - 1))
    out[..., 1] = np.einsum("rfn,rfn->rf", x, x) / p.frame
    bins = p.frame // 2
    power = _power(fft.rfft(x)[..., :bins])
    power /= bins**2
    _shape(out, power)
    return arrays | {"x": out}


def _power(spectrum: Array) -> Array:
    return spectrum.real**2 + spectrum.imag**2  # type: ignore[no-any-return]


def _shape(out: Array, power: Array) -> None:
    """Write centroid, spread, entropy and rolloff of power spectra into the last four features."""
    bins = power.shape[-1]
    magnitude = np.sqrt(power)
    magnitude /= np.maximum(magnitude.max(axis=-1, keepdims=True), np.finfo(np.float64).tiny)
    k = np.arange(1, bins + 1) / bins
    weight = magnitude.sum(axis=-1) + t.EPS
    centroid = magnitude @ k / weight
    distance = k - centroid[..., None]
    out[..., 2] = centroid
    out[..., 3] = np.sqrt(np.einsum("rfk,rfk,rfk->rf", distance, distance, magnitude) / weight)
    whole = power.sum(axis=-1, keepdims=True)
    block = bins // t.BLOCKS
    blocks = power[..., : t.BLOCKS * block].reshape(*power.shape[:2], t.BLOCKS, block).sum(axis=-1)
    share = blocks / (whole + t.EPS)
    out[..., 4] = -np.einsum("rfb,rfb->rf", share, np.log2(share + t.EPS))
    above = np.cumsum(power, axis=-1) + t.EPS > t.ROLLOFF * whole
    out[..., 5] = above.argmax(axis=-1) / bins


def _mel_bands(rate_hz: float, bands: int, length: int) -> Array:
    """Return the triangles, float64 (length / 2, bands)."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate_hz / 1400), bands + 2) / 2595) - 1)
    frequency = np.arange(length // 2)[:, None] * rate_hz / length
    slopes = (frequency - edges[:-1]) / np.diff(edges)
    return np.maximum(0, np.minimum(slopes[:, :-1], 1 - slopes[:, 1:]))


def mfcc(p: t.Mfcc, arrays: Arrays) -> Arrays:
    """Transform frames with ``fft.rfft``, multiply by the bands once, and transform with ``fft.dct``."""
    window = signal.windows.hamming(p.frame)
    length = 1 << (p.frame - 1).bit_length()
    spectrum = fft.rfft(_frames(arrays["x"], p.frame, p.hop) * window, length)[..., : length // 2]
    scale = 2 / (p.rate_hz * np.sum(window**2))
    power = _power(spectrum)
    power *= scale * 2.0**30
    power += scale * p.frame
    energy = power @ _mel_bands(p.rate_hz, p.bands, length)
    return arrays | {"x": fft.dct(np.log(energy), norm="ortho")[..., : p.coefficients]}


def summarise(p: t.Summarise, arrays: Arrays) -> Arrays:
    """Compute NumPy's mean and standard deviation."""
    x = arrays["x"]
    return arrays | {"x": np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)}


OPS: Ops = {
    "signals.fir_design": fir_design,
    "signals.fir_filter": fir_filter,
    "signals.butterworth_design": butterworth_design,
    "signals.butterworth_filter": butterworth_filter,
    "signals.zero_phase": zero_phase,
    "signals.fft_convolve": fft_convolve,
    "signals.resample": resample,
    "signals.welch": welch,
    "signals.stft": stft,
    "signals.spectrogram": spectrogram,
    "signals.envelope": envelope,
    "signals.autocorrelation": autocorrelation,
    "signals.find_peaks": find_peaks,
    "signals.read_wav": read_wav,
    "signals.short_term_features": short_term_features,
    "signals.mfcc": mfcc,
    "signals.summarise": summarise,
}
