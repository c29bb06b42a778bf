"""Features."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from math import ceil, floor, log10
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import EXACT, ROUNDED_SUM, Arrays, Op
from twinbench.ops.signals.spectra import frames

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[Any]


BLOCKS = 10
"""Into which the spectral entropy divides a spectrum."""


ROLLOFF = 0.9
"""The share of a spectrum's energy below the rolloff."""


EPS = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWav:
    """``folder``: which of the dataset's. ``samples``: how many of each file."""

    folder: str
    samples: int

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError("samples must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortTerm:
    """``frame`` and ``hop``: in samples."""

    frame: int
    hop: int

    def __post_init__(self) -> None:
        if self.frame < 2 or self.hop < 1:
            raise ValueError("frame must be at least 2, and hop at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mfcc:
    """``frame`` and ``hop``: in samples. ``bands``: mel filters. ``coefficients``: how many are kept."""

    rate_hz: float
    frame: int
    hop: int
    bands: int = 26
    coefficients: int = 13

    def __post_init__(self) -> None:
        if self.frame < 2 or not 1 <= self.hop <= self.frame:
            raise ValueError("frame must be at least 2, and hop must lie between 1 and frame")
        if not 1 <= self.coefficients <= self.bands:
            raise ValueError("coefficients must lie between 1 and bands")
        width, edges = self.rate_hz / self.fft_length, self.edges_hz()
        if any(floor(low / width) + 1 >= ceil(high / width) for low, high in zip(edges, edges[2:], strict=False)):
            raise ValueError("bands must be so few that each holds a frequency of the DFT")

    @property
    def fft_length(self) -> int:
        """The least power of two that a frame fits in."""
        return 1 << (self.frame - 1).bit_length()

    def edges_hz(self) -> list[float]:
        """Where bands begin, culminate and end: two more than there are bands."""
        step = 2595 * log10(1 + self.rate_hz / 2 / 700) / (self.bands + 1)
        return [700 * (10 ** (i * step / 2595) - 1) for i in range(self.bands + 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarise:
    """No parameters."""


def read_wav(p: ReadWav, path: str) -> Arrays:
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


def short_term_features(p: ShortTerm, arrays: Arrays) -> Arrays:
    """Each formula as the contract has it."""
    import numpy as np

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


def mel_bands(p: Mfcc, fft_length: int) -> Array:
    """The triangles, ``(bands, fft_length / 2)``."""
    import numpy as np

    highest = 2595 * np.log10(1 + p.rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, p.bands + 2) / 2595) - 1)
    f = np.arange(fft_length // 2) * p.rate_hz / fft_length
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))


def mfcc(p: Mfcc, arrays: Arrays) -> Arrays:
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


def summarise(p: Summarise, arrays: Arrays) -> Arrays:
    """Means, then standard deviations."""
    import numpy as np

    x = arrays["x"]
    return arrays | {"x": np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)}


READ_WAV = Op(
    name="signals.read_wav",
    params=ReadWav,
    inputs=("file",),
    output="arrays",
    summary="Read a folder of WAV files.",
    semantics="""The path is a folder that holds the folders `train` and `test`, each with files `LABEL-*.wav`: RIFF
WAVE, 16-bit PCM, one channel, all at one sampling rate. Records are the files of `train`, then those of `test`, each
sorted by name by code point. Output: `x` float64 (records, samples), each sample's integer / 32768, from the start of
the file, cut or filled with zeros at the end; `y` int64 (records,), the integer LABEL before the first hyphen; `test`
uint8 (records,), 1 for files of `test`. Files are read from the page cache.""",
    source="Multimedia Programming Interface and Data Specifications 1.0, IBM and Microsoft, 1991",
    reference=read_wav,
    tolerance=EXACT,
    file_param="folder",
)


SHORT_TERM_FEATURES = Op(
    name="signals.short_term_features",
    params=ShortTerm,
    inputs=("arrays",),
    output="arrays",
    summary="Energy, zero crossings and the shape of the spectrum, frame by frame.",
    semantics="""Frames of L = `frame` samples begin every `hop` samples, at the record's first one; what is left at its
end is dropped: F = floor((samples - L) / hop) + 1, at least one. No window. `x` becomes float64 (records, frames, 6):
1. zero-crossing rate, sum |sgn x[n] - sgn x[n - 1]| / 2 / (L - 1) with sgn 0 = 0. 2. Energy, sum x[n]^2 / L. With K =
floor(L / 2), eps = 2^-52 and X_k = |DFT of the frame at k - 1| / K, k = 1 .. K (so the highest bin is left out, and
the first one counts as k = 1), and Y = X / max X, or 0 if all X are 0: 3. spectral centroid, C = sum (k / K) Y_k / (sum
Y + eps), in units of half the sampling rate. 4. Spectral spread, sqrt(sum (k / K - C)^2 Y_k / (sum Y + eps)). 5.
Spectral entropy, with s_j = (sum X_k^2 over block j) / (sum of all X_k^2 + eps) for 10 blocks of floor(K / 10) bins
each from the first one on: -sum s_j log2(s_j + eps). 6. Spectral rolloff, the number of bins before the first one at
which the running sum of X_k^2, plus eps, exceeds 0.9 of the whole, divided by K; 0 where none does.""",
    source="Giannakopoulos & Pikrakis, Introduction to Audio Analysis, 2014, chapter 4; pyAudioAnalysis",
    reference=short_term_features,
    tolerance=ROUNDED_SUM,
    isolated=True,
)


MFCC = Op(
    name="signals.mfcc",
    params=Mfcc,
    inputs=("arrays",),
    output="arrays",
    summary="Mel-frequency cepstral coefficients as in HTK, frame by frame.",
    semantics="""Frames of L = `frame` samples begin every `hop` samples, at the record's first one; what is left at its
end is dropped: F = floor((samples - L) / hop) + 1, at least one. Symmetric Hamming window w[n] = 0.54 - 0.46 cos(2 pi n
/ (L - 1)), no pre-emphasis. X = DFT of the windowed frame, zero-padded to the least power of two N >= L. P[k] = 2 (2^30
|X[k]|^2 + L) / (rate sum w^2): the one-sided density of 16-bit samples, plus the noise of one level, so that silence
has a logarithm. With mel(f) = 2595 log10(1 + f / 700) and B = `bands`, band b = 1 .. B is the triangle of height 1 over
f[b - 1], f[b], f[b + 1], where f[i] are B + 2 frequencies equally spaced in mel from 0 to rate / 2, at the frequencies
k rate / N, k = 0 .. N / 2 - 1; E[b] is the sum of P times it. `x` becomes the first `coefficients` of the orthonormal
DCT-II of ln E: c[i] = sqrt(2 / B) sum_b ln E[b] cos(pi i (b - 1/2) / B), c[0] divided by sqrt(2): float64 (records,
frames, coefficients). No liftering. The bands are so few that each holds a frequency of the DFT.""",
    source="Davis & Mermelstein 1980, https://doi.org/10.1109/TASSP.1980.1163420; The HTK Book 3.4, 5.6; MFCC.jl",
    reference=mfcc,
    tolerance=ROUNDED_SUM,
)


SUMMARISE = Op(
    name="signals.summarise",
    params=Summarise,
    inputs=("arrays",),
    output="arrays",
    summary="Mean and standard deviation of each feature over the frames.",
    semantics="""Input: `x` float64 (records, frames, features), with one frame at least. `x` becomes (records, 2
features): the means over the frames, then the standard deviations with divisor F (ddof 0). NaN in any frame of a
feature makes both NaN.""",
    source="Giannakopoulos & Pikrakis, Introduction to Audio Analysis, 2014, chapter 4: mid-term statistics",
    reference=summarise,
    tolerance=ROUNDED_SUM,
)
