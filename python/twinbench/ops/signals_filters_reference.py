"""The references of the ops that filter signals: designs by their formulas, filtering by its definition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twinbench.ops import signals_filters as t

    Array = NDArray[Any]


def fir_design(p: t.Fir) -> Arrays:
    """Returns ``taps``."""
    import numpy as np

    n = np.arange(p.taps)
    m = n - (p.taps - 1) / 2
    edges = [0.0, *(2 * f / p.rate_hz for f in p.cutoff_hz)] if p.band == "lowpass" else []
    edges = edges or [2 * f / p.rate_hz for f in p.cutoff_hz] + ([1.0] if p.band == "highpass" else [])
    low, high = edges
    middle = {"lowpass": 0.0, "highpass": 1.0, "bandpass": (low + high) / 2}[p.band]
    window = 0.54 - 0.46 * np.cos(2 * np.pi * n / (p.taps - 1))
    taps = (high * np.sinc(high * m) - low * np.sinc(low * m)) * window
    return {"taps": taps / np.sum(taps * np.cos(np.pi * middle * m))}


def fir_filter(p: t.Fir, arrays: Arrays) -> Arrays:
    """The first samples of the full convolution."""
    import numpy as np

    taps, x = fir_design(p)["taps"], arrays["x"]
    y = np.empty_like(x, dtype=np.float64)
    for record, filtered in zip(x, y, strict=True):
        filtered[:] = np.convolve(record, taps)[: len(record)]
    return arrays | {"x": y}


def butterworth(p: t.Butterworth) -> tuple[Array, Array, float]:
    """Zeros, poles and gain in the z plane."""
    import numpy as np

    n, twice = p.order, 2 * p.rate_hz
    prototype = np.exp(1j * np.pi * (2 * np.arange(n) + n + 1) / (2 * n))
    prototype[n // 2 : (n + 1) // 2] = -1  # of an odd order one is real, which its formula only nearly says
    warped = [twice * np.tan(np.pi * f / p.rate_hz) for f in p.cutoff_hz]
    if p.band == "lowpass":
        zeros, poles, gain = np.zeros(0), prototype * warped[0], warped[0] ** n
    elif p.band == "highpass":
        zeros, poles, gain = np.zeros(n), warped[0] / prototype, 1.0
    else:
        half = prototype * (warped[1] - warped[0]) / 2
        root = np.sqrt(half**2 - warped[0] * warped[1])
        zeros, poles, gain = np.zeros(n), np.concatenate([half + root, half - root]), (warped[1] - warped[0]) ** n
    gain *= np.real(np.prod(twice - zeros) / np.prod(twice - poles))
    infinite = -np.ones(len(poles) - len(zeros))
    return np.append((twice + zeros) / (twice - zeros), infinite), (twice + poles) / (twice - poles), gain


def butterworth_design(p: t.ButterworthDesign) -> Arrays:
    """Returns ``frequency`` and ``response``."""
    import numpy as np

    zeros, poles, gain = butterworth(p)
    frequency = np.arange(p.points) * p.rate_hz / (2 * p.points)
    z = np.exp(2j * np.pi * frequency / p.rate_hz)[:, None]
    return {"frequency": frequency, "response": gain * np.prod((z - zeros) / (z - poles), axis=1)}


def sections(p: t.Butterworth) -> Array:
    """Second-order sections, ``(sections, 6)``."""
    from scipy.signal import zpk2sos

    return zpk2sos(*butterworth(p))  # type: ignore[no-any-return]


def butterworth_filter(p: t.Butterworth, arrays: Arrays) -> Arrays:
    """From rest."""
    from scipy.signal import sosfilt

    return arrays | {"x": sosfilt(sections(p), arrays["x"])}


def zero_phase(p: t.Butterworth, arrays: Arrays) -> Arrays:
    """Extended, there and back, and cut to the record again."""
    import numpy as np
    from scipy.signal import sosfilt, sosfilt_zi

    sos, x = sections(p), arrays["x"]
    rest = sosfilt_zi(sos)
    samples = x.shape[1]
    pad = min(6 * len(sos), samples - 1)
    before, after = 2 * x[:, :1] - x[:, pad:0:-1], 2 * x[:, -1:] - x[:, -2 : -pad - 2 : -1]
    y = np.concatenate([before, x, after], axis=1)
    for _ in range(2):
        state = rest[:, None, :] * y[:, 0][:, None]
        y = sosfilt(sos, y, zi=state)[0][:, ::-1]
    return arrays | {"x": y[:, pad : pad + samples]}


def convolve_givens(p: t.Convolve, arrays: Arrays) -> Arrays:
    """``kernel``: noise that falls by 60 dB over its length, of energy 1."""
    import numpy as np

    noise = np.random.default_rng(p.seed).standard_normal(p.length)
    kernel = noise * 10.0 ** (-3 * np.arange(p.length) / p.length)
    return {"kernel": kernel / np.sqrt(np.sum(kernel**2))}


def fft_convolve(p: t.Convolve, arrays: Arrays, given: Arrays) -> Arrays:
    """One transform of a power of two."""
    import numpy as np

    x, kernel = arrays["x"], given["kernel"]
    length = x.shape[1] + len(kernel) - 1
    n = 1 << (length - 1).bit_length()
    y = np.fft.irfft(np.fft.rfft(x, n) * np.fft.rfft(kernel, n), n) if n > 1 else x * kernel
    return arrays | {"x": y[:, :length]}


def resample_givens(p: t.Resample, arrays: Arrays) -> Arrays:
    """``taps``: Kaiser-windowed sinc."""
    import numpy as np

    widest = max(p.up, p.down)
    m = np.arange(-10 * widest, 10 * widest + 1)
    taps = np.sinc(m / widest) * np.kaiser(len(m), 5.0)
    return {"taps": taps / taps.sum()}


def resample(p: t.Resample, arrays: Arrays, given: Arrays) -> Arrays:
    """Zeros in between, filtered, and one of so many kept; no time is spent on the zeros."""
    import numpy as np
    from scipy.signal import upfirdn

    x, taps = arrays["x"], given["taps"]
    half = (len(taps) - 1) // 2
    late = -half % p.down  # so many zeros before the taps make the delay a multiple of `down`
    delay = (half + late) // p.down
    count = -(-x.shape[1] * p.up // p.down)
    filtered = upfirdn(p.up * np.concatenate([np.zeros(late), taps]), x, p.up, p.down)
    y = np.zeros((len(x), count))
    kept = filtered[:, delay : delay + count]
    y[:, : kept.shape[1]] = kept
    return arrays | {"x": y}
