"""The references of the ops from WAV files to one row of features per record, in plain NumPy."""

from __future__ import annotations

import wave
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays
from twinbench.ops.signals_spectra_reference import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import signals_features as t

    Array = NDArray[Any]


def read_wav(p: t.ReadWav, path: str) -> Arrays:
    """Returns ``x``, ``y`` and ``test``."""
    import numpy as np

    files = [file for part in ("train", "test") for file in sorted((Path(path) / part).glob("*.wav"))]
    x = np.zeros((len(files), p.samples))
    for record, file in zip(x, files, strict=True):
        with wave.open(str(file)) as sound:
            samples = np.frombuffer(sound.readframes(p.samples), dtype="<i2")
        record[: len(samples)] = samples / 32768
    return {
        "x": x,
        "y": np.array([int(file.name.partition("-")[0]) for file in files], dtype=np.int64),
        "test": np.array([file.parent.name == "test" for file in files], dtype=np.uint8),
    }


def short_term_features(p: t.ShortTerm, arrays: Arrays) -> Arrays:
    """Each formula as the contract has it."""
    import numpy as np

    from twinbench.ops.signals_features import BLOCKS, EPS, ROLLOFF

    x = frames(arrays["x"], p.frame, p.hop)
    crossings = np.abs(np.diff(np.sign(x))).sum(axis=-1) / 2 / (p.frame - 1)
    energy = (x**2).sum(axis=-1) / p.frame

    bins = p.frame // 2
    spectrum = np.abs(np.fft.rfft(x)[..., :bins]) / bins
    highest = spectrum.max(axis=-1, keepdims=True)
    y = np.divide(spectrum, highest, out=np.zeros_like(spectrum), where=highest > 0)
    k = np.arange(1, bins + 1) / bins
    weight = y.sum(axis=-1) + EPS
    centroid = (k * y).sum(axis=-1) / weight
    spread = np.sqrt(((k - centroid[..., None]) ** 2 * y).sum(axis=-1) / weight)

    power = spectrum**2
    whole = power.sum(axis=-1)
    block = bins // BLOCKS
    blocks = power[..., : BLOCKS * block].reshape(*whole.shape, BLOCKS, block).sum(axis=-1)
    share = blocks / (whole[..., None] + EPS)
    entropy = -(share * np.log2(share + EPS)).sum(axis=-1)
    above = power.cumsum(axis=-1) + EPS > ROLLOFF * whole[..., None]
    rolloff = above.argmax(axis=-1) / bins

    features = [crossings, energy, centroid, spread, entropy, rolloff]
    return arrays | {"x": np.stack(features, axis=-1)}


def mel_bands(p: t.Mfcc, fft_length: int) -> Array:
    """The triangles, ``(bands, fft_length / 2)``."""
    import numpy as np

    highest = 2595 * np.log10(1 + p.rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, p.bands + 2) / 2595) - 1)
    f = np.arange(fft_length // 2) * p.rate_hz / fft_length
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))


def mfcc(p: t.Mfcc, arrays: Arrays) -> Arrays:
    """Each formula as the contract has it."""
    import numpy as np

    n = 1 << (p.frame - 1).bit_length()
    window = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(p.frame) / (p.frame - 1))
    spectrum = np.fft.rfft(frames(arrays["x"], p.frame, p.hop) * window, n)[..., : n // 2]
    power = 2 * (2.0**30 * np.abs(spectrum) ** 2 + p.frame) / (p.rate_hz * np.sum(window**2))
    energy = power @ mel_bands(p, n).T
    i, b = np.arange(p.coefficients)[:, None], np.arange(1, p.bands + 1)
    dct = np.sqrt(2 / p.bands) * np.cos(np.pi * i * (b - 0.5) / p.bands)
    dct[0] /= np.sqrt(2)
    return arrays | {"x": np.log(energy) @ dct.T}


def summarise(p: t.Summarise, arrays: Arrays) -> Arrays:
    """Means, then standard deviations."""
    import numpy as np

    x = arrays["x"]
    return arrays | {"x": np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)}
