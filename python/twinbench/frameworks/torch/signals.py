"""The signal ops in PyTorch, in float64: ``torch.stft``, ``torch.fft``, and frames as unfolded views.

PyTorch itself has no recursive filter, no peak finder and no reader of WAV files.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twinbench.frameworks.api import Ops
from twinbench.ops import signals as t

if TYPE_CHECKING:
    import torch

    Tensors = dict[str, torch.Tensor]


def load() -> None:
    """Import PyTorch."""
    global torch
    import torch


BLOCK = 1 << 13
"""Shortest FFT of a block convolution, in samples: its working set fits into a core's cache."""


def fir_design(p: t.Fir) -> Tensors:
    """Design with ``torch.sinc`` and the symmetric Hamming window."""
    m = torch.arange(p.taps, dtype=torch.float64) - (p.taps - 1) / 2
    edges = [2 * edge / p.rate_hz for edge in p.cutoff_hz]
    low, high = {"lowpass": [0.0, *edges], "highpass": [*edges, 1.0], "bandpass": edges}[p.band]
    taps = (high * torch.sinc(high * m) - low * torch.sinc(low * m)) * torch.signal.windows.hamming(
        p.taps, dtype=torch.float64
    )
    middle = {"lowpass": 0.0, "highpass": 1.0, "bandpass": (low + high) / 2}[p.band]
    return {"taps": taps / (taps @ torch.cos(math.pi * middle * m))}


def _fast_length(n: int) -> int:
    """Return the least 2^a 3^b 5^c, b < 4 and c < 3, that is at least n: a length at which the FFT is fast."""
    return min(odd << (-(-n // odd) - 1).bit_length() for odd in (1, 3, 5, 9, 15, 25, 27, 45, 75, 135, 225, 675))


def _convolve(x: torch.Tensor, kernel: torch.Tensor) -> torch.Tensor:
    """Convolve by FFT, in blocks whose overlaps are added. ``conv1d`` in float64 takes ten times as long."""
    samples, taps = x.shape[1], len(kernel)
    n = max(BLOCK, 1 << (4 * taps - 1).bit_length())
    if samples + taps - 1 <= n:
        n = _fast_length(samples + taps - 1)
    step = n - taps + 1
    blocks = -(-samples // step)
    framed = torch.nn.functional.pad(x, (0, blocks * step - samples)).view(len(x), blocks, step)
    pieces = torch.fft.irfft(torch.fft.rfft(framed, n) * torch.fft.rfft(kernel, n), n)
    out = x.new_zeros(len(x), blocks * step + taps - 1)
    out[:, : blocks * step] = pieces[..., :step].flatten(1)
    if taps > 1:
        out[:, step:].unfold(1, taps - 1, step).add_(pieces[..., step:])
    return out[:, : samples + taps - 1]


def fir_filter(p: t.Fir, arrays: Tensors) -> Tensors:
    """Filter by FFT."""
    x = arrays["x"]
    return arrays | {"x": _convolve(x, fir_design(p)["taps"])[:, : x.shape[1]]}


def fft_convolve(p: t.Convolve, arrays: Tensors, given: Tensors) -> Tensors:
    """Convolve by FFT."""
    return arrays | {"x": _convolve(arrays["x"], given["kernel"])}


def resample(p: t.Resample, arrays: Tensors, given: Tensors) -> Tensors:
    """Multiply strided windows by taps: output samples of the same phase share their taps."""
    x, taps = arrays["x"], p.up * given["taps"]
    half, per_phase = (len(taps) - 1) // 2, -(-len(taps) // p.up)
    count = -(-x.shape[1] * p.up // p.down)
    bank = torch.nn.functional.pad(taps, (0, per_phase * p.up - len(taps))).view(per_phase, p.up).flip(0).T.contiguous()
    last = (half + (count - 1) * p.down) // p.up
    padded = torch.nn.functional.pad(x, (per_phase - 1, max(0, last + 1 - x.shape[1])))
    windows = padded.unfold(1, per_phase, 1)
    y = x.new_empty(len(x), count)
    for first in range(min(p.up, count)):
        newest, phase = divmod(half + first * p.down, p.up)
        target = y[:, first :: p.up]
        target.copy_(windows[:, newest :: p.down][:, : target.shape[1]] @ bank[phase])
    return arrays | {"x": y}


def _hann(frame: int) -> torch.Tensor:
    return torch.hann_window(frame, dtype=torch.float64)


def _axes(p: t.Frames, count: int) -> Tensors:
    time = (torch.arange(count, dtype=torch.float64) * p.hop + p.frame / 2) / p.rate_hz
    return {"frequency": torch.fft.rfftfreq(p.frame, 1 / p.rate_hz, dtype=torch.float64), "time": time}


def _one_sided(p: t.Frames) -> torch.Tensor:
    """Return the factor of each bin's |X|^2."""
    scale = torch.full((p.frame // 2 + 1,), 2.0, dtype=torch.float64)
    scale[0] = 1.0
    if p.frame % 2 == 0:
        scale[-1] = 1.0
    return scale / (p.rate_hz * _hann(p.frame).square().sum())


def _power(spectrum: torch.Tensor) -> torch.Tensor:
    squared: torch.Tensor = spectrum.real.square() + spectrum.imag.square()
    return squared


def _spectra(p: t.Frames, x: torch.Tensor) -> torch.Tensor:
    """Transform with ``torch.stft`` without centring, to (records, frames, bins)."""
    transformed = torch.stft(x, p.frame, p.hop, window=_hann(p.frame), center=False, return_complex=True)
    return transformed.transpose(1, 2)


def welch(p: t.Frames, arrays: Tensors) -> Tensors:
    """Average over the frames first, so that fewer numbers are scaled."""
    x = _power(_spectra(p, arrays["x"])).mean(1) * _one_sided(p)
    return arrays | {"x": x, "frequency": _axes(p, 0)["frequency"]}


def stft(p: t.Frames, arrays: Tensors) -> Tensors:
    """Transform with ``torch.stft``."""
    spectrum = _spectra(p, arrays["x"])
    return arrays | {"x": spectrum} | _axes(p, spectrum.shape[1])


def spectrogram(p: t.Frames, arrays: Tensors) -> Tensors:
    """Transform with ``torch.stft``, then square and scale in centre."""
    power = _power(_spectra(p, arrays["x"])).mul_(_one_sided(p))
    return arrays | {"x": power} | _axes(p, power.shape[1])


def envelope(p: t.Envelope, arrays: Tensors) -> Tensors:
    """Compute the analytic signal from half a spectrum; ``ifft`` fills the rest with zeros."""
    x = arrays["x"]
    spectrum = torch.fft.rfft(x)
    spectrum[:, 1 : (x.shape[1] + 1) // 2] *= 2
    return arrays | {"x": torch.fft.ifft(spectrum, x.shape[1]).abs()}


def autocorrelation(p: t.Autocorrelation, arrays: Tensors) -> Tensors:
    """Compute the autocorrelation from the power spectrum, padded to a fast length."""
    x = arrays["x"]
    samples = x.shape[1]
    kept = min(samples, p.lags + 1)
    n = _fast_length(samples + kept - 1)
    r = torch.fft.irfft(_power(torch.fft.rfft(x - x.mean(1, keepdim=True), n)), n)
    return arrays | {"x": torch.nn.functional.pad(r[:, :kept] / samples, (0, p.lags + 1 - kept))}


def short_term_features(p: t.ShortTerm, arrays: Tensors) -> Tensors:
    """Compute the features of all frames at once."""
    x = arrays["x"].unfold(1, p.frame, p.hop)
    steps = arrays["x"].sign().diff().abs().unfold(1, p.frame - 1, p.hop)[:, : x.shape[1]]
    bins = p.frame // 2
    power = _power(torch.fft.rfft(x)[..., :bins]) / bins**2
    parts = [steps.sum(-1) / (2 * (p.frame - 1)), x.square().mean(-1), *_shape(power)]
    return arrays | {"x": torch.stack(parts, -1)}


def _shape(power: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return centroid, spread, entropy and rolloff of power spectra."""
    bins = power.shape[-1]
    magnitude = power.sqrt()
    magnitude /= magnitude.amax(-1, keepdim=True).clamp_(min=torch.finfo(torch.float64).tiny)
    k = torch.arange(1, bins + 1, dtype=torch.float64) / bins
    weight = magnitude.sum(-1) + t.EPS
    centroid = magnitude @ k / weight
    spread = ((k - centroid.unsqueeze(-1)).square_().mul_(magnitude).sum(-1) / weight).sqrt_()
    whole = power.sum(-1, keepdim=True)
    block = bins // t.BLOCKS
    blocks = power[..., : t.BLOCKS * block].reshape(*power.shape[:2], t.BLOCKS, block).sum(-1)
    share = blocks / (whole + t.EPS)
    entropy = -(share * (share + t.EPS).log2()).sum(-1)
    above = power.cumsum(-1).add_(t.EPS) > t.ROLLOFF * whole
    return centroid, spread, entropy, above.to(torch.uint8).argmax(-1) / torch.tensor(float(bins), dtype=torch.float64)


def _bank(p: t.Mfcc, length: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the triangles (length / 2, bands) and the cosines (bands, coefficients)."""
    mel = torch.linspace(0, 2595 * math.log10(1 + p.rate_hz / 1400), p.bands + 2, dtype=torch.float64)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequency = torch.arange(length // 2, dtype=torch.float64).unsqueeze(1) * (p.rate_hz / length)
    slopes = (frequency - edges[:-1]) / edges.diff()
    triangles = torch.minimum(slopes[:, :-1], 1 - slopes[:, 1:]).clamp_(min=0)
    centre = (torch.arange(p.bands, dtype=torch.float64) + 0.5) / p.bands
    cosines = torch.outer(centre, math.pi * torch.arange(p.coefficients, dtype=torch.float64)).cos() * math.sqrt(
        2 / p.bands
    )
    cosines[:, 0] /= math.sqrt(2)
    return triangles, cosines


def mfcc(p: t.Mfcc, arrays: Tensors) -> Tensors:
    """Transform with ``torch.fft.rfft``, then multiply by two matrices: PyTorch has no cosine transform."""
    window = torch.hamming_window(p.frame, periodic=False, dtype=torch.float64)
    length = 1 << (p.frame - 1).bit_length()
    triangles, cosines = _bank(p, length)
    framed = arrays["x"].unfold(1, p.frame, p.hop) * window
    scale = 2 / (p.rate_hz * float(window.square().sum()))
    power = _power(torch.fft.rfft(framed, length)[..., : length // 2]).mul_(scale * 2.0**30).add_(scale * p.frame)
    return arrays | {"x": (power @ triangles).log_() @ cosines}


def summarise(p: t.Summarise, arrays: Tensors) -> Tensors:
    """Compute mean and standard deviation in one call."""
    deviation, mean = torch.std_mean(arrays["x"], 1, correction=0)
    return arrays | {"x": torch.cat([mean, deviation], 1)}


OPS: Ops = {
    "signals.fir_design": fir_design,
    "signals.fir_filter": fir_filter,
    "signals.fft_convolve": fft_convolve,
    "signals.resample": resample,
    "signals.welch": welch,
    "signals.stft": stft,
    "signals.spectrogram": spectrogram,
    "signals.envelope": envelope,
    "signals.autocorrelation": autocorrelation,
    "signals.short_term_features": short_term_features,
    "signals.mfcc": mfcc,
    "signals.summarise": summarise,
}
