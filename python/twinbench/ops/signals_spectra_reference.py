"""The references of the ops that look into signals: plain NumPy, and SciPy's peak finder."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import signals_spectra as t

    Array = NDArray[Any]


def frames(x: Array, frame: int, hop: int) -> Array:
    """Views of a record's frames, ``(records, frames, frame)``. Raises ValueError if not even one fits."""
    import numpy as np

    return np.lib.stride_tricks.sliding_window_view(x, frame, axis=-1)[:, ::hop]


def hann(frame: int) -> Array:
    """The periodic Hann window."""
    import numpy as np

    return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(frame) / frame))


def densities(p: t.Frames, spectra: Array) -> Array:
    """One-sided power spectral densities of windowed frames' DFTs."""
    import numpy as np

    scale = np.full(spectra.shape[-1], 2.0)
    scale[0] = 1.0
    if p.frame % 2 == 0:
        scale[-1] = 1.0
    return np.asarray(np.abs(spectra) ** 2 * (scale / (p.rate_hz * np.sum(hann(p.frame) ** 2))))


def axes(p: t.Frames, count: int) -> Arrays:
    """``frequency`` in Hz and ``time`` in s."""
    import numpy as np

    frequency = np.arange(p.frame // 2 + 1) * p.rate_hz / p.frame
    return {"frequency": frequency, "time": (np.arange(count) * p.hop + p.frame / 2) / p.rate_hz}


def stft(p: t.Frames, arrays: Arrays) -> Arrays:
    """Adds ``frequency`` and ``time``."""
    import numpy as np

    spectra = np.fft.rfft(frames(arrays["x"], p.frame, p.hop) * hann(p.frame))
    return arrays | {"x": spectra} | axes(p, spectra.shape[1])


def spectrogram(p: t.Frames, arrays: Arrays) -> Arrays:
    """Adds ``frequency`` and ``time``."""
    transformed = stft(p, arrays)
    return transformed | {"x": densities(p, transformed["x"])}


def welch(p: t.Frames, arrays: Arrays) -> Arrays:
    """Adds ``frequency``."""
    power = spectrogram(p, arrays)
    return arrays | {"x": power["x"].mean(axis=1), "frequency": power["frequency"]}


def envelope(p: t.Envelope, arrays: Arrays) -> Arrays:
    """By the analytic signal."""
    import numpy as np

    x = arrays["x"]
    n = x.shape[1]
    weight = np.zeros(n)
    weight[0] = 1.0
    weight[1 : (n + 1) // 2] = 2.0
    if n % 2 == 0:
        weight[n // 2] = 1.0
    return arrays | {"x": np.abs(np.fft.ifft(np.fft.fft(x) * weight))}


def autocorrelation(p: t.Autocorrelation, arrays: Arrays) -> Arrays:
    """By the power spectrum of the zero-padded record."""
    import numpy as np

    x = arrays["x"]
    n = x.shape[1]
    length = 1 << (2 * n - 1).bit_length()
    spectrum = np.fft.rfft(x - x.mean(axis=1, keepdims=True), length)
    r = np.fft.irfft(np.abs(spectrum) ** 2, length)[:, : min(n, p.lags + 1)] / n
    return arrays | {"x": np.pad(r, ((0, 0), (0, p.lags + 1 - r.shape[1])))}


def find_peaks(p: t.FindPeaks, arrays: Arrays) -> Arrays:
    """Returns ``record``, ``position``, ``height`` and ``prominence``."""
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
