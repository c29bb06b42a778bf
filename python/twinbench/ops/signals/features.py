"""The ops that turn recordings into features of frames, and those into one row for each record."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor, log10
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Op, OutsideContract
from twinbench.ops.signals.conditions import LEAST, MOST, SIGNAL, array, check_rate, largest, records, require_frames
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
        check_rate(self.rate_hz)
        if not 2 <= self.frame < 2**31 or not 1 <= self.hop <= self.frame:
            raise ValueError("frame must be at least 2 and below 2**31, and hop must lie between 1 and frame")
        if not 1 <= self.coefficients <= self.bands:
            raise ValueError("coefficients must lie between 1 and bands")
        width = self.rate_hz / self.fft_length
        ends = ((self._edge_hz(band), self._edge_hz(band + 2)) for band in range(self.bands))
        if self.bands > self.fft_length or any(floor(low / width) + 1 >= ceil(high / width) for low, high in ends):
            raise ValueError("bands must be so few that each holds a frequency of the DFT")

    @property
    def fft_length(self) -> int:
        """The smallest power of two that is at least the length of a frame."""
        return 1 << (self.frame - 1).bit_length()

    def edges_hz(self) -> list[float]:
        """Return the frequencies at which bands begin, peak and end, in Hz: two more than there are bands."""
        return [self._edge_hz(i) for i in range(self.bands + 2)]

    def _edge_hz(self, i: int) -> float:
        step = 2595 * log10(1 + self.rate_hz / 2 / 700) / (self.bands + 1)
        return float(700 * (10 ** (i * step / 2595) - 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Summarise:
    """No parameters."""


def shares(p: ShortTerm, arrays: Arrays) -> tuple[Array, Array, Array, Array]:
    """Return frames, magnitudes X of their spectra, running sums of X^2, and the whole sum of X^2 of each frame."""
    import numpy as np

    x, bins = frames(arrays["x"], p.frame, p.hop), p.frame // 2
    spectrum = np.abs(np.fft.rfft(x)[..., :bins]) / bins
    running = (spectrum**2).cumsum(axis=-1)
    return x, spectrum, running, running[..., -1]


def short_term_features(p: ShortTerm, arrays: Arrays) -> Arrays:
    """Compute each feature by its formula in the contract."""
    import numpy as np

    x, spectrum, running, whole = shares(p, arrays)
    crossings = np.abs(np.diff(np.sign(x))).sum(axis=-1) / 2 / (p.frame - 1)
    energy = (x**2).sum(axis=-1) / p.frame

    bins = p.frame // 2
    highest = spectrum.max(axis=-1, keepdims=True)
    y = np.divide(spectrum, highest, out=np.zeros_like(spectrum), where=highest > 0)
    k = np.arange(1, bins + 1) / bins
    weight = y.sum(axis=-1) + EPS
    centroid = (k * y).sum(axis=-1) / weight
    spread = np.sqrt(((k - centroid[..., None]) ** 2 * y).sum(axis=-1) / weight)

    share = _block_shares(spectrum, whole)
    entropy = -(share * np.log2(share + EPS)).sum(axis=-1)
    above = running + EPS > ROLLOFF * whole[..., None]
    rolloff = above.argmax(axis=-1) / bins

    features = [crossings, energy, centroid, spread, entropy, rolloff]
    return arrays | {"x": np.stack(features, axis=-1)}


def require_loud_frames(p: ShortTerm, arrays: Arrays) -> None:
    """Refuse records that no signal op takes, and frames that are nearly silent: their squares are no exact float64."""
    import numpy as np

    magnitudes = np.abs(frames(records(arrays, p.frame), p.frame, p.hop)).max(axis=-1)
    wrong = np.argwhere((magnitudes > 0) & (magnitudes < LEAST))
    if len(wrong):
        record, frame = wrong[0]
        raise OutsideContract(
            f"record {record + 1}, frame {frame + 1}: the largest magnitude is {magnitudes[record, frame]:g}, and must "
            f"be 0 or at least {LEAST:g}; set such samples to 0"
        )


def _block_shares(spectrum: Array, whole: Array) -> Array:
    block = spectrum.shape[-1] // BLOCKS
    blocks = spectrum[..., : BLOCKS * block].reshape(*whole.shape, BLOCKS, block)
    return (blocks**2).sum(axis=-1) / (whole[..., None] + EPS)  # type: ignore[no-any-return]


def scale_short_term_features(p: ShortTerm, output: Arrays, arrays: Arrays) -> Arrays:
    """Return what float64 knows of each feature; for the rolloff, the bins of which each fulfils its criterion.

    The spread is a root, of which the square is known. The rolloff is decided at the bins whose running sum is nearer
    to the share of the whole than rounding: any of them, and the one after them, may be taken for the first above.
    """
    import numpy as np

    _, spectrum, running, whole = shares(p, arrays)
    spread, none, bins = output["x"][..., 3], np.zeros(whole.shape), p.frame // 2
    share = _block_shares(spectrum, whole)
    entropy = (share * (1 + np.abs(np.log2(share + EPS)))).sum(axis=-1)
    doubt = SIGNAL.atol * (whole[..., None] + EPS)
    distance = running + EPS - ROLLOFF * whole[..., None]
    first, last = ((distance > d).argmax(axis=-1) for d in (-doubt, doubt))
    energy = SIGNAL.atol * largest(arrays["x"]) ** 2 + none
    units = [none, energy, none + 1, 1 / np.maximum(spread, SIGNAL.atol**0.5), entropy]
    return {"x": np.stack([*units, np.abs(last - first) / bins / SIGNAL.atol], axis=-1)}


def mel_bands(p: Mfcc, fft_length: int) -> Array:
    """Return the triangular filters, ``(bands, fft_length / 2)``."""
    import numpy as np

    highest = 2595 * np.log10(1 + p.rate_hz / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, highest, p.bands + 2) / 2595) - 1)
    f = np.arange(fft_length // 2) * p.rate_hz / fft_length
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    return np.maximum(0, np.minimum((f - left) / (middle - left), (right - f) / (right - middle)))


def band_energies(p: Mfcc, arrays: Arrays) -> tuple[Array, Array]:
    """Return the magnitudes |X[k]| of the frames, and the energies E[b] of their bands."""
    import numpy as np

    window = hamming(p)
    spectrum = np.abs(np.fft.rfft(frames(arrays["x"], p.frame, p.hop) * window, p.fft_length)[..., : p.fft_length // 2])
    power = 2 * (2.0**30 * spectrum**2 + p.frame) / (p.rate_hz * np.sum(window**2))
    return spectrum, power @ mel_bands(p, p.fft_length).T


def hamming(p: Mfcc) -> Array:
    """Return the symmetric Hamming window."""
    import numpy as np

    return np.asarray(0.54 - 0.46 * np.cos(2 * np.pi * np.arange(p.frame) / (p.frame - 1)))


def cosines(p: Mfcc) -> Array:
    """Return the orthonormal DCT-II, ``(coefficients, bands)``."""
    import numpy as np

    i, b = np.arange(p.coefficients)[:, None], np.arange(1, p.bands + 1)
    dct = np.sqrt(2 / p.bands) * np.cos(np.pi * i * (b - 0.5) / p.bands)
    dct[0] /= np.sqrt(2)
    return np.asarray(dct)


def mfcc(p: Mfcc, arrays: Arrays) -> Arrays:
    """Compute the coefficients by the formulas in the contract."""
    import numpy as np

    return arrays | {"x": np.log(band_energies(p, arrays)[1]) @ cosines(p).T}


def scale_mfcc(p: Mfcc, output: Arrays, arrays: Arrays) -> Arrays:
    """Return what float64 knows of each coefficient: of the logarithms, and of the spectrum under them."""
    import numpy as np

    window, bands = hamming(p), mel_bands(p, p.fft_length)
    spectrum, energy = band_energies(p, arrays)
    known = largest(arrays["x"])[..., None] * window.sum()
    change = 2 * known * (spectrum @ bands.T) + SIGNAL.atol * known**2 * bands.sum(axis=1)
    relative = change * 2.0**31 / (p.rate_hz * np.sum(window**2)) / energy
    return {"x": (relative + 1 + np.abs(np.log(energy))) @ np.abs(cosines(p)).T}


def summarise(p: Summarise, arrays: Arrays) -> Arrays:
    """Compute the means, then the standard deviations."""
    import numpy as np

    x = arrays["x"]
    return arrays | {"x": np.concatenate([x.mean(axis=1), x.std(axis=1)], axis=1)}


def scale_summarise(p: Summarise, output: Arrays, arrays: Arrays) -> Arrays:
    """Return the largest magnitude of each feature for its mean, and for its deviation what a plain mean may be off."""
    import numpy as np

    magnitude = np.abs(np.nan_to_num(arrays["x"])).max(axis=1)
    return {"x": np.concatenate([magnitude, magnitude * (1 + arrays["x"].shape[1] / 100)], axis=1)}


def require_features(p: Summarise, arrays: Arrays) -> None:
    """Refuse another input than features of frames, and an infinite feature."""
    import numpy as np

    x = array(arrays, "records, frames, features")
    wrong = np.argwhere(np.isinf(x) | (np.abs(x) > MOST))
    if len(wrong):
        record, frame, feature = wrong[0]
        raise OutsideContract(
            f"record {record + 1}, frame {frame + 1}, feature {feature + 1}: {x[record, frame, feature]} is beyond "
            f"{MOST:g}; leave out the record"
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
exceeds 0.9 of the sum of all X_k^2, divided by K; 0 where no bin does. Units of the absolute tolerance: 0 for the
crossings, 2^-43 of the record's largest square for the energy, 1 for the centroid, 1 / max(spread, 2^-21.5) for the
spread, whose square is known, and sum s_j (1 + |log2(s_j + eps)|) for the entropy. The rolloff is exact, except where a
running sum plus eps equals 0.9 of the sum to within 2^-43 of the sum plus eps: there each bin from the first that may
exceed it to the first that must is right. A frame is silent, or its largest magnitude is at least 1e-100.""",
    source="Giannakopoulos & Pikrakis, Introduction to Audio Analysis, 2014, chapter 4; pyAudioAnalysis",
    reference=short_term_features,
    requires=require_loud_frames,
    tolerance=SIGNAL,
    scale=scale_short_term_features,
    isolated=True,
)


MFCC = Op(
    name="signals.mfcc",
    params=Mfcc,
    inputs=("arrays",),
    output="arrays",
    summary="Compute mel-frequency cepstral coefficients on HTK's mel scale, frame by frame.",
    semantics="""Frames of L = `frame` samples begin every `hop` samples, from the first sample of the record on; a
remainder at the end is dropped: there are F = floor((samples - L) / hop) + 1 frames, at least one. There is no
pre-emphasis. Each frame is multiplied by the symmetric Hamming window w[n] = 0.54 - 0.46 cos(2 pi n / (L - 1)), and
zero-padded to N, the smallest power of two with N >= L; X is its DFT. P[k] = 2 (2^30 |X[k]|^2 + L) / (rate sum w^2):
the one-sided density of 16-bit samples, plus the noise of one quantisation level, so that silence has a finite
logarithm. With mel(f) = 2595 log10(1 + f / 700) and B = `bands`, f[i] are B + 2 frequencies equally spaced in mel from
0 to rate / 2: the scale of HTK. Band b = 1 .. B is the triangle of height 1 over f[b - 1], f[b], f[b + 1], straight in
Hz (HTK's own are straight in mel), evaluated at the frequencies k rate / N, k = 0 .. N / 2 - 1; E[b] is the sum of P
weighted by the band. `x` becomes the first `coefficients` of the orthonormal DCT-II of ln E: c[i] = sqrt(2 / B) sum_b
ln E[b] cos(pi i (b - 1/2) / B), with c[0] divided by sqrt(2): float64 (records, frames, coefficients). There is no
liftering. Every band holds at least one frequency of the DFT. Unit of the absolute tolerance of c[i]: sum_b |d_ib| (1 +
|ln E[b]| + e[b] / E[b]), with d_ib the weights of the DCT and e[b] the sum over the band of 2^31 (2 |X[k]| A + 2^-43
A^2) / (rate sum w^2), where A is sum w times the largest magnitude of the record.""",
    source="Davis & Mermelstein 1980, https://doi.org/10.1109/TASSP.1980.1163420; The HTK Book 3.4, 5.6; MFCC.jl",
    reference=mfcc,
    requires=require_frames,
    tolerance=SIGNAL,
    scale=scale_mfcc,
)


SUMMARISE = Op(
    name="signals.summarise",
    params=Summarise,
    inputs=("arrays",),
    output="arrays",
    summary="Summarise each feature by its mean and standard deviation over the frames.",
    semantics="""Input: `x` float64 (records, frames, features), with at least one frame. `x` becomes (records, 2
features): the means over the F frames, then the standard deviations with divisor F (ddof 0). NaN in any frame of a
feature makes both of its statistics NaN; no feature is beyond 1e100. Unit of the absolute tolerance: the largest
magnitude of the feature in the record, for the deviation times 1 + F / 100: a plain sum rounds at every frame.""",
    source="Giannakopoulos & Pikrakis, Introduction to Audio Analysis, 2014, chapter 4: mid-term statistics",
    reference=summarise,
    requires=require_features,
    tolerance=SIGNAL,
    scale=scale_summarise,
)
