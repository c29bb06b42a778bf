"""The ops that turn WAV files into one row of features for each record."""

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
"""Number of blocks into which the spectral entropy divides a spectrum."""


ROLLOFF = 0.9
"""Fraction of the energy of a spectrum that lies below its rolloff."""


EPS = 2.0**-52
"""Machine epsilon of float64, added so that silence neither divides by 0 nor takes the logarithm of 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadWav:
    """``folder``: name of the folder in the dataset. ``samples``: number of samples of each record."""

    folder: str
    samples: int

    def __post_init__(self) -> None:
        if self.samples < 1:
            raise ValueError("samples must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortTerm:
    """``frame``: length of a frame, in samples.

    ``hop``: distance between the starts of two consecutive frames, in samples.
    """

    frame: int
    hop: int

    def __post_init__(self) -> None:
        if self.frame < 2 or self.hop < 1:
            raise ValueError("frame must be at least 2, and hop at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mfcc:
    """``rate_hz``: the sampling rate.

    ``frame``: length of a frame, in samples. ``hop``: distance between the starts of two consecutive frames, in
    samples; at most ``frame``. ``bands``: number of mel filters. ``coefficients``: number of cepstral coefficients that
    are kept.
    """

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
        """The smallest power of two that is at least the length of a frame."""
        return 1 << (self.frame - 1).bit_length()

    def edges_hz(self) -> list[float]:
        """Return the frequencies at which bands begin, peak and end, in Hz: two more than there are bands."""
        step = 2595 * log10(1 + self.rate_hz / 2 / 700) / (self.bands + 1)
        return [700 * (10 ** (i * step / 2595) - 1) for i in range(self.bands + 2)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarise:
    """No parameters."""


def read_wav(p: ReadWav, path: str) -> Arrays:
    """Return ``x``, ``y`` and ``test``."""
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
    """Compute each feature by its formula in the contract."""
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
    """Return the triangular filters, ``(bands, fft_length / 2)``."""
    import numpy as np

    highest = 2595 * np.log10(1 + p.rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, p.bands + 2) / 2595) - 1)
    f = np.arange(fft_length // 2) * p.rate_hz / fft_length
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))


def mfcc(p: Mfcc, arrays: Arrays) -> Arrays:
    """Compute the coefficients by the formulas in the contract."""
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
    """Compute the means, then the standard deviations."""
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
WAVE, 16-bit PCM, one channel, all at one sampling rate. The records are the files in `train`, then those in `test`,
each sorted by name, by code point. Output: `x` float64 (records, samples), the integer samples / 32768 from the start
of each file, truncated or padded with zeros at the end; `y` int64 (records,), the integer LABEL before the first
hyphen; `test` uint8 (records,), 1 for files in `test`. Files are read from the page cache.""",
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
    summary="Compute energy, zero crossings and the shape of the spectrum, frame by frame.",
    semantics="""Frames of L = `frame` samples begin every `hop` samples, from the first sample of the record on; a
remainder at the end is dropped: there are F = floor((samples - L) / hop) + 1 frames, at least one. No window is
applied. `x` becomes float64 (records, frames, 6). 1. Zero-crossing rate: sum |sgn x[n] - sgn x[n - 1]| / 2 / (L - 1),
with sgn 0 = 0. 2. Energy: sum x[n]^2 / L. The other features are computed from K = floor(L / 2), eps = 2^-52, X_k =
|DFT of the frame at k - 1| / K for k = 1 .. K (so the highest bin is left out, and k = 1 is the bin at 0 Hz), and Y = X
/ max X, or 0 if all X are 0. 3. Spectral centroid: C = sum (k / K) Y_k / (sum Y + eps), in units of half the sampling
rate. 4. Spectral spread: sqrt(sum (k / K - C)^2 Y_k / (sum Y + eps)). 5. Spectral entropy: -sum s_j log2(s_j + eps),
where s_j = (sum X_k^2 over block j) / (sum of all X_k^2 + eps) for 10 blocks of floor(K / 10) bins each, from the first
bin on. 6. Spectral rolloff: the number of bins before the first bin at which the running sum of X_k^2, plus eps,
exceeds 0.9 of the sum of all X_k^2, divided by K; 0 where no bin does.""",
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
    summary="Compute mel-frequency cepstral coefficients as in HTK, frame by frame.",
    semantics="""Frames of L = `frame` samples begin every `hop` samples, from the first sample of the record on; a
remainder at the end is dropped: there are F = floor((samples - L) / hop) + 1 frames, at least one. There is no
pre-emphasis. Each frame is multiplied by the symmetric Hamming window w[n] = 0.54 - 0.46 cos(2 pi n / (L - 1)), and
zero-padded to N, the smallest power of two with N >= L; X is its DFT. P[k] = 2 (2^30 |X[k]|^2 + L) / (rate sum w^2):
the one-sided density of 16-bit samples, plus the noise of one quantisation level, so that silence has a finite
logarithm. With mel(f) = 2595 log10(1 + f / 700) and B = `bands`, f[i] are B + 2 frequencies equally spaced in mel from
0 to rate / 2. Band b = 1 .. B is the triangle of height 1 over f[b - 1], f[b], f[b + 1], evaluated at the frequencies k
rate / N, k = 0 .. N / 2 - 1; E[b] is the sum of P weighted by the band. `x` becomes the first `coefficients` of the
orthonormal DCT-II of ln E: c[i] = sqrt(2 / B) sum_b ln E[b] cos(pi i (b - 1/2) / B), with c[0] divided by sqrt(2):
float64 (records, frames, coefficients). There is no liftering. Every band holds at least one frequency of the DFT.""",
    source="Davis & Mermelstein 1980, https://doi.org/10.1109/TASSP.1980.1163420; The HTK Book 3.4, 5.6; MFCC.jl",
    reference=mfcc,
    tolerance=ROUNDED_SUM,
)


SUMMARISE = Op(
    name="signals.summarise",
    params=Summarise,
    inputs=("arrays",),
    output="arrays",
    summary="Summarise each feature by its mean and standard deviation over the frames.",
    semantics="""Input: `x` float64 (records, frames, features), with at least one frame. `x` becomes (records, 2
features): the means over the F frames, then the standard deviations with divisor F (ddof 0). NaN in any frame of a
feature makes both of its statistics NaN.""",
    source="Giannakopoulos & Pikrakis, Introduction to Audio Analysis, 2014, chapter 4: mid-term statistics",
    reference=summarise,
    tolerance=ROUNDED_SUM,
)
