"""The signal ops in NumPy: ``np.fft``, ``np.convolve``, and frames as strided views.

There is no recursive filter and no peak finder: without SciPy a NumPy user would have to loop over samples in Python.
"""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Ops
from twinbench.ops import signals as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


BLOCK = 1 << 13
"""Shortest FFT of a block convolution, in samples: its working set fits into a core's cache."""


def load() -> None:
    """Import NumPy."""
    global np
    import numpy as np


def fir_design(p: t.Fir) -> Arrays:
    """Design with ``np.sinc`` and ``np.hamming``."""
    m = np.arange(p.taps) - (p.taps - 1) / 2
    edges = [2 * edge / p.rate_hz for edge in p.cutoff_hz]
    low, high = {"lowpass": [0.0, *edges], "highpass": [*edges, 1.0], "bandpass": edges}[p.band]
    taps = (high * np.sinc(high * m) - low * np.sinc(low * m)) * np.hamming(p.taps)
    middle = {"lowpass": 0.0, "highpass": 1.0, "bandpass": (low + high) / 2}[p.band]
    return {"taps": taps / (taps @ np.cos(np.pi * middle * m))}


def fir_filter(p: t.Fir, arrays: Arrays) -> Arrays:
    """Filter with ``np.convolve``, record by record; a single record isn't copied."""
    taps, x = fir_design(p)["taps"], arrays["x"]
    rows = [np.convolve(record, taps)[: x.shape[1]] for record in x]
    return arrays | {"x": rows[0][None] if len(rows) == 1 else np.stack(rows)}


def butterworth_design(p: t.ButterworthDesign) -> Arrays:
    """Compute the poles by their formula, and the response in the s plane from transformed frequencies."""
    frequency = np.linspace(0, p.rate_hz / 2, p.points, endpoint=False)
    s = 1j * np.tan(np.pi * frequency / p.rate_hz)
    edges = [np.tan(np.pi * edge / p.rate_hz) for edge in p.cutoff_hz]
    poles = np.exp(0.5j * np.pi * ((2 * np.arange(p.order) + 1) / p.order + 1))
    numerator, denominator = s, np.ones_like(s)
    if p.band == "highpass":
        numerator, denominator = np.full_like(s, edges[0]), s
    elif p.band == "bandpass":
        numerator, denominator = s**2 + edges[0] * edges[1], s * (edges[1] - edges[0])
    else:
        denominator = denominator * edges[0]
    response = denominator**p.order / np.prod(numerator[:, None] - poles * denominator[:, None], axis=1)
    return {"frequency": frequency, "response": response}


def _fast_length(n: int) -> int:
    """Return the least 2^a 3^b 5^c, b < 4 and c < 3, that is at least n: a length at which ``np.fft`` is fast."""
    return min(odd << (-(-n // odd) - 1).bit_length() for odd in (1, 3, 5, 9, 15, 25, 27, 45, 75, 135, 225, 675))


def fft_convolve(p: t.Convolve, arrays: Arrays, given: Arrays) -> Arrays:
    """Convolve in blocks whose overlaps are added, because a block's FFT fits into the cache."""
    x, kernel = arrays["x"], given["kernel"]
    records, samples, taps = *x.shape, len(kernel)
    n = max(BLOCK, 1 << (4 * taps - 1).bit_length())
    if samples + taps - 1 <= n:
        n = _fast_length(samples + taps - 1)
    step = n - taps + 1
    blocks = -(-samples // step)
    framed = np.pad(x, ((0, 0), (0, blocks * step - samples))).reshape(records, blocks, step)
    spectrum = np.fft.rfft(framed, n)
    spectrum *= np.fft.rfft(kernel, n)
    pieces = np.fft.irfft(spectrum, n)
    out = np.zeros((records, blocks * step + taps - 1))
    out[:, : blocks * step] = pieces[..., :step].reshape(records, -1)
    if taps > 1:
        tails = np.lib.stride_tricks.sliding_window_view(out[:, step:], taps - 1, axis=-1, writeable=True)
        tails[:, ::step] += pieces[..., step:]
    return arrays | {"x": out[:, : samples + taps - 1]}


def resample(p: t.Resample, arrays: Arrays, given: Arrays) -> Arrays:
    """Multiply strided windows by taps: output samples of the same phase share their taps."""
    x, taps = arrays["x"], p.up * given["taps"]
    half, per_phase = (len(taps) - 1) // 2, -(-len(taps) // p.up)
    count = -(-x.shape[1] * p.up // p.down)
    bank = np.pad(taps, (0, per_phase * p.up - len(taps))).reshape(per_phase, p.up)[::-1].T.copy()
    last = (half + (count - 1) * p.down) // p.up
    padded = np.pad(x, ((0, 0), (per_phase - 1, max(0, last + 1 - x.shape[1]))))
    windows = np.lib.stride_tricks.sliding_window_view(padded, per_phase, axis=-1)
    y = np.empty((len(x), count))
    for first in range(min(p.up, count)):
        newest, phase = divmod(half + first * p.down, p.up)
        target = y[:, first :: p.up]
        target[:] = windows[:, newest :: p.down][:, : target.shape[1]] @ bank[phase]
    return arrays | {"x": y}


def _frames(x: Array, frame: int, hop: int) -> Array:
    return np.lib.stride_tricks.sliding_window_view(x, frame, axis=-1)[:, ::hop]


def _hann(frame: int) -> Array:
    return np.hanning(frame + 1)[:-1]


def _axes(p: t.Frames, count: int) -> Arrays:
    time = (np.arange(count) * p.hop + p.frame / 2) / p.rate_hz
    return {"frequency": np.fft.rfftfreq(p.frame, 1 / p.rate_hz), "time": time}


def _spectra(p: t.Frames, x: Array) -> Array:
    return np.fft.rfft(_frames(x, p.frame, p.hop) * _hann(p.frame))


def _power(spectrum: Array) -> Array:
    return spectrum.real**2 + spectrum.imag**2  # type: ignore[no-any-return]


def _one_sided(p: t.Frames) -> Array:
    """Return the factor of each bin's |X|^2."""
    scale = np.full(p.frame // 2 + 1, 2 / (p.rate_hz * np.sum(_hann(p.frame) ** 2)))
    scale[0] /= 2
    if p.frame % 2 == 0:
        scale[-1] /= 2
    return scale


def welch(p: t.Frames, arrays: Arrays) -> Arrays:
    """Average over the frames first, so that fewer numbers are scaled."""
    spectrum = _spectra(p, arrays["x"])
    x = _power(spectrum).mean(axis=1) * _one_sided(p)
    return arrays | {"x": x, "frequency": np.fft.rfftfreq(p.frame, 1 / p.rate_hz)}


def stft(p: t.Frames, arrays: Arrays) -> Arrays:
    """Transform all frames with ``np.fft.rfft``."""
    spectrum = _spectra(p, arrays["x"])
    return arrays | {"x": spectrum} | _axes(p, spectrum.shape[1])


def spectrogram(p: t.Frames, arrays: Arrays) -> Arrays:
    """Transform all frames, and scale in centre."""
    power = _power(_spectra(p, arrays["x"]))
    power *= _one_sided(p)
    return arrays | {"x": power} | _axes(p, power.shape[1])


def envelope(p: t.Envelope, arrays: Arrays) -> Arrays:
    """Compute the analytic signal from half a spectrum."""
    x = arrays["x"]
    n = x.shape[1]
    spectrum = np.zeros(x.shape, dtype=np.complex128)
    spectrum[:, : n // 2 + 1] = np.fft.rfft(x)
    spectrum[:, 1 : (n + 1) // 2] *= 2
    return arrays | {"x": np.abs(np.fft.ifft(spectrum))}


def autocorrelation(p: t.Autocorrelation, arrays: Arrays) -> Arrays:
    """Compute the autocorrelation from the power spectrum."""
    x = arrays["x"]
    samples = x.shape[1]
    kept = min(samples, p.lags + 1)
    n = _fast_length(samples + kept - 1)
    r = np.fft.irfft(_power(np.fft.rfft(x - x.mean(axis=1, keepdims=True), n)), n)
    out = np.zeros((len(x), p.lags + 1))
    np.divide(r[:, :kept], samples, out=out[:, :kept])
    return arrays | {"x": out}


def read_wav(p: t.ReadWav, path: str) -> Arrays:
    """Read with the standard library's ``wave``, and ``np.frombuffer``."""
    files = [file for part in ("train", "test") for file in sorted((Path(path) / part).glob("*.wav"))]
    x = np.zeros((len(files), p.samples))
    for record, file in zip(x, files, strict=True):
        with wave.open(str(file), "rb") as sound:
            samples = np.frombuffer(sound.readframes(p.samples), dtype="<i2")
        np.divide(samples, 32768, out=record[: len(samples)])
    return {
        "x": x,
        "y": np.array([file.name.partition("-")[0] for file in files], dtype=np.int64),
        "test": np.array([file.parent.name == "test" for file in files], dtype=np.uint8),
    }


def short_term_features(p: t.ShortTerm, arrays: Arrays) -> Arrays:
    """Compute the features of all frames at once."""
    x = _frames(arrays["x"], p.frame, p.hop)
    steps = np.abs(np.diff(np.sign(arrays["x"])))
    crossings = _frames(steps, p.frame - 1, p.hop)[:, : x.shape[1]].sum(axis=-1) / (2 * (p.frame - 1))
    energy = np.einsum("rfn,rfn->rf", x, x) / p.frame
    bins = p.frame // 2
    power = _power(np.fft.rfft(x)[..., :bins])
    power /= bins**2
    return arrays | {"x": np.stack([crossings, energy, *_shape(power)], axis=-1)}


def _shape(power: Array) -> tuple[Array, Array, Array, Array]:
    """Return centroid, spread, entropy and rolloff of power spectra."""
    bins = power.shape[-1]
    magnitude = np.sqrt(power)
    magnitude /= np.maximum(magnitude.max(axis=-1, keepdims=True), np.finfo(np.float64).tiny)
    k = np.arange(1, bins + 1) / bins
    weight = magnitude.sum(axis=-1) + t.EPS
    centroid = magnitude @ k / weight
    distance = k - centroid[..., None]
    distance *= distance
    spread = np.sqrt(np.einsum("rfk,rfk->rf", distance, magnitude) / weight)
    whole = power.sum(axis=-1, keepdims=True)
    block = bins // t.BLOCKS
    blocks = power[..., : t.BLOCKS * block].reshape(*power.shape[:2], t.BLOCKS, block).sum(axis=-1)
    share = blocks / (whole + t.EPS)
    entropy = -np.einsum("rfb,rfb->rf", share, np.log2(share + t.EPS))
    above = np.cumsum(power, axis=-1) + t.EPS > t.ROLLOFF * whole
    return centroid, spread, entropy, above.argmax(axis=-1) / bins


def _bank(p: t.Mfcc, length: int) -> tuple[Array, Array]:
    """Return the triangles (length / 2, bands) and the cosines (bands, coefficients)."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + p.rate_hz / 1400), p.bands + 2) / 2595) - 1)
    frequency = np.fft.rfftfreq(length, 1 / p.rate_hz)[:-1, None]
    slopes = (frequency - edges[:-1]) / np.diff(edges)
    triangles = np.maximum(0, np.minimum(slopes[:, :-1], 1 - slopes[:, 1:]))
    centre = (np.arange(p.bands) + 0.5) / p.bands
    cosines = np.cos(np.pi * np.outer(centre, np.arange(p.coefficients))) * np.sqrt(2 / p.bands)
    cosines[:, 0] /= np.sqrt(2)
    return triangles, cosines


def mfcc(p: t.Mfcc, arrays: Arrays) -> Arrays:
    """Transform with ``np.fft.rfft``, then multiply by two matrices: NumPy has no cosine transform."""
    window = np.hamming(p.frame)
    length = 1 << (p.frame - 1).bit_length()
    triangles, cosines = _bank(p, length)
    power = _power(np.fft.rfft(_frames(arrays["x"], p.frame, p.hop) * window, length)[..., : length // 2])
    scale = 2 / (p.rate_hz * np.sum(window**2))
    power *= scale * 2.0**30
    power += scale * p.frame
    return arrays | {"x": np.log(power @ triangles) @ cosines}


def summarise(p: t.Summarise, arrays: Arrays) -> Arrays:
    """Compute mean and standard deviation of each feature."""
    x = arrays["x"]
    return arrays | {"x": np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)}


OPS: Ops = {
    "signals.fir_design": fir_design,
    "signals.fir_filter": fir_filter,
    "signals.butterworth_design": butterworth_design,
    "signals.fft_convolve": fft_convolve,
    "signals.resample": resample,
    "signals.welch": welch,
    "signals.stft": stft,
    "signals.spectrogram": spectrogram,
    "signals.envelope": envelope,
    "signals.autocorrelation": autocorrelation,
    "signals.read_wav": read_wav,
    "signals.short_term_features": short_term_features,
    "signals.mfcc": mfcc,
    "signals.summarise": summarise,
}
