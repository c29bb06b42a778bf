"""pyAudioAnalysis: its reader and its short-term features, frame by frame as the library works.

Its own loop, ``feature_extraction``, computes 34 features where six are asked for, so the frames go straight to the
functions that it calls.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.frameworks import neutral
from twinbench.frameworks.api import Framework
from twinbench.ops import signals as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from pyAudioAnalysis import ShortTermFeatures, audioBasicIO
    from scipy.fftpack import fft

    Array = NDArray[Any]


LOUDER = 2.0**40
"""Factor of the powers that go into the library's ``mfcc``."""


def load(threads: int) -> None:
    """Import the library, which imports SciPy, Matplotlib and a reader of MP3 tags."""
    global ShortTermFeatures, audioBasicIO, fft, np
    import numpy as np
    from pyAudioAnalysis import ShortTermFeatures, audioBasicIO
    from scipy.fftpack import fft
    from scipy.io import wavfile

    warnings.filterwarnings("ignore", "Chunk .non-data. not understood", wavfile.WavFileWarning)


def read_wav(p: t.ReadWav, path: str) -> Arrays:
    """Read with the library's reader, which calls SciPy's and gives integers."""
    files = [file for part in ("train", "test") for file in sorted((Path(path) / part).glob("*.wav"))]
    x = np.zeros((len(files), p.samples))
    for record, file in zip(x, files, strict=True):
        _, samples = audioBasicIO.read_audio_file(str(file))
        kept = min(len(samples), p.samples)
        np.divide(samples[:kept], 32768, out=record[:kept])
    return {
        "x": x,
        "y": np.array([file.name.partition("-")[0] for file in files], dtype=np.int64),
        "test": np.array([file.parent.name == "test" for file in files], dtype=np.uint8),
    }


def short_term_features(p: t.ShortTerm, arrays: Arrays) -> Arrays:
    """Compute features frame by frame. Centroid and spread are in units of half the rate, so any rate does."""
    x = arrays["x"]
    starts = range(0, x.shape[1] - p.frame + 1, p.hop)
    out = np.empty((len(x), len(starts), 6))
    bins = p.frame // 2
    for record, rows in zip(x, out, strict=True):
        for start, row in zip(starts, rows, strict=True):
            frame = record[start : start + p.frame]
            spectrum = abs(fft(frame))[:bins] / bins
            row[0] = ShortTermFeatures.zero_crossing_rate(frame)
            row[1] = ShortTermFeatures.energy(frame)
            row[2], row[3] = ShortTermFeatures.spectral_centroid_spread(spectrum, 2.0)
            row[4] = ShortTermFeatures.spectral_entropy(spectrum, t.BLOCKS)
            row[5] = ShortTermFeatures.spectral_rolloff(spectrum, t.ROLLOFF)
    return arrays | {"x": out}


def _mel_bands(rate_hz: float, bands: int, length: int) -> Array:
    """Return triangles on HTK's mel scale, float64 (bands, length / 2)."""
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + rate_hz / 1400), bands + 2) / 2595) - 1)
    frequency = np.arange(length // 2) * rate_hz / length
    slopes = (frequency - edges[:-1, None]) / np.diff(edges)[:, None]
    return np.maximum(0, np.minimum(slopes[:-1], 1 - slopes[1:]))


def mfcc(p: t.Mfcc, arrays: Arrays) -> Arrays:
    """Call the library's ``mfcc``, which takes any filter bank and spectrum; its logarithm has the base 10.

    It adds 2^-52 to the energy of each band, so the powers are scaled up until that is less than a rounding.
    """
    x = arrays["x"]
    window = np.hamming(p.frame)
    length = 1 << (p.frame - 1).bit_length()
    bank = _mel_bands(p.rate_hz, p.bands, length)
    scale = 2 * LOUDER / (p.rate_hz * np.sum(window**2))
    starts = range(0, x.shape[1] - p.frame + 1, p.hop)
    out = np.empty((len(x), len(starts), p.coefficients))
    for record, rows in zip(x, out, strict=True):
        for start, row in zip(starts, rows, strict=True):
            spectrum = abs(fft(record[start : start + p.frame] * window, length))[: length // 2]
            power = scale * (2.0**30 * spectrum**2 + p.frame)
            row[:] = ShortTermFeatures.mfcc(power, bank, p.coefficients)
    out *= np.log(10)
    out[..., 0] -= np.log(LOUDER) * np.sqrt(p.bands)
    return arrays | {"x": out}


FRAMEWORKS = (
    Framework(
        name="pyAudioAnalysis",
        language="python",
        summary="Audio features, frame by frame in Python",
        packages=("pyAudioAnalysis", "numpy", "scipy"),
        extra="audio",
        load=load,
        prepare=neutral.unchanged,
        extract=neutral.unchanged,
        threads=neutral.blas_threads,
        ops={
            "signals.read_wav": read_wav,
            "signals.short_term_features": short_term_features,
            "signals.mfcc": mfcc,
        },
        notes={
            "signals.mfcc": "its own filter bank (13 linear and 27 logarithmic bands of magnitudes) is another one; "
            "here its function is given bands on HTK's mel scale and power spectra",
        },
    ),
)
