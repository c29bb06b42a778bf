"""Plausible mistakes in signal processing, each of which the agreement check that users run must reject."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import signal

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.run.agree.agreement import check_agreement

X = {"x": np.random.default_rng(8).normal(size=(2, 400)) + 0.3}
FRAMES = {"rate_hz": 1000.0, "frame": 64, "hop": 32}
BUTTER = {"order": 4, "cutoff_hz": [100.0], "rate_hz": 1000.0}
FIR = {"taps": 31, "cutoff_hz": [100.0], "rate_hz": 1000.0}
MFCC = FRAMES | {"bands": 6, "coefficients": 4}
PEAKS = {"prominence": 1.0, "distance": 7}


def right(name: str, p: Any, *inputs: Arrays) -> Arrays:
    return ops.get(f"signals.{name}").reference(p, *inputs)


def shifted(name: str, **change: Any) -> Callable[..., Arrays]:
    return lambda p, *inputs: right(name, replace(p, **change), *inputs)


def kaiser_taps(p: Any) -> Arrays:
    return {"taps": signal.firwin(p.taps, p.cutoff_hz, window=("kaiser", 5.0), fs=p.rate_hz)}


def unscaled_taps(p: Any) -> Arrays:
    return {"taps": signal.firwin(p.taps, p.cutoff_hz, scale=False, fs=p.rate_hz)}


def centred_filter(p: Any, arrays: Arrays) -> Arrays:
    taps = right("fir_design", p)["taps"]
    return {"x": np.stack([np.convolve(x, taps, "same") for x in arrays["x"]])}


def bilinear_without_prewarping(p: Any, arrays: Arrays) -> Arrays:
    zpk = signal.butter(p.order, 2 * np.pi * p.cutoff_hz[0], analog=True, output="zpk")
    return {"x": signal.sosfilt(signal.zpk2sos(*signal.bilinear_zpk(*zpk, p.rate_hz)), arrays["x"])}


def starts_at_rest(p: Any, arrays: Arrays) -> Arrays:
    sos = signal.butter(p.order, p.cutoff_hz[0], fs=p.rate_hz, output="sos")
    rest = signal.sosfilt_zi(sos)[:, None] * arrays["x"][None, :, :1]
    return {"x": signal.sosfilt(sos, arrays["x"], zi=rest)[0]}


def scipys_own_padding(p: Any, arrays: Arrays) -> Arrays:
    return {"x": signal.sosfiltfilt(signal.butter(p.order, p.cutoff_hz[0], fs=p.rate_hz, output="sos"), arrays["x"])}


def even_padding(p: Any, arrays: Arrays) -> Arrays:
    sos = signal.butter(p.order, p.cutoff_hz[0], fs=p.rate_hz, output="sos")
    return {"x": signal.sosfiltfilt(sos, arrays["x"], padtype="even", padlen=12)}


def circular_convolution(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    n = arrays["x"].shape[1]
    return {"x": np.fft.irfft(np.fft.rfft(arrays["x"]) * np.fft.rfft(given["kernel"], n), n)}


def float32_convolution(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    whole = right("fft_convolve", p, arrays, given)["x"]
    return {"x": whole.astype(np.float32).astype(np.float64)}


def delayed_resampling(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    return {"x": np.roll(right("resample", p, arrays, given)["x"], 1, axis=1)}


def resampling_without_gain(p: Any, arrays: Arrays, given: Arrays) -> Arrays:
    return {"x": right("resample", p, arrays, given)["x"] / p.up}


def symmetric_window(p: Any, arrays: Arrays) -> Arrays:
    f, x = signal.welch(arrays["x"], p.rate_hz, np.hanning(64), 64, 32, detrend=False)
    return {"x": x, "frequency": f}


def detrended(p: Any, arrays: Arrays) -> Arrays:
    f, x = signal.welch(arrays["x"], p.rate_hz, nperseg=64)
    return {"x": x, "frequency": f}


def spectrum_for_density(p: Any, arrays: Arrays) -> Arrays:
    f, x = signal.welch(arrays["x"], p.rate_hz, nperseg=64, detrend=False, scaling="spectrum")
    return {"x": x, "frequency": f}


def two_sided(p: Any, arrays: Arrays) -> Arrays:
    out = right("welch", p, arrays)
    return out | {"x": out["x"] / 2}


def centred_frames(p: Any, arrays: Arrays) -> Arrays:
    return right("stft", p, {"x": np.pad(arrays["x"], ((0, 0), (32, 32)), mode="reflect")})


def conjugate(p: Any, arrays: Arrays) -> Arrays:
    out = right("stft", p, arrays)
    return out | {"x": out["x"].conj()}


def magnitude(p: Any, arrays: Arrays) -> Arrays:
    out = right("spectrogram", p, arrays)
    return out | {"x": np.sqrt(out["x"])}


def padded_envelope(p: Any, arrays: Arrays) -> Arrays:
    return {"x": np.abs(signal.hilbert(arrays["x"], 512))[:, :400]}


def unbiased(p: Any, arrays: Arrays) -> Arrays:
    return {"x": right("autocorrelation", p, arrays)["x"] * 400 / (400 - np.arange(21))}


def mean_left_in(p: Any, arrays: Arrays) -> Arrays:
    x = arrays["x"]
    return {"x": np.stack([[np.sum(r[: 400 - k] * r[k:]) / 400 for k in range(21)] for r in x])}


def distance_ignored(p: Any, arrays: Arrays) -> Arrays:
    return right("find_peaks", replace(p, distance=1), arrays)


def counted_from_one(p: Any, arrays: Arrays) -> Arrays:
    out = right("find_peaks", p, arrays)
    return out | {"position": out["position"] + 1}


def bins_counted_from_zero(p: Any, arrays: Arrays) -> Arrays:
    x = right("short_term_features", p, arrays)["x"].copy()
    x[..., 2] -= 1 / (p.frame // 2)
    return {"x": x}


def natural_entropy(p: Any, arrays: Arrays) -> Arrays:
    x = right("short_term_features", p, arrays)["x"].copy()
    x[..., 4] *= np.log(2)
    return {"x": x}


def another_level(p: Any, arrays: Arrays) -> Arrays:
    return right("mfcc", p, {"x": arrays["x"] * (1 + 1e-7)})


def liftered(p: Any, arrays: Arrays) -> Arrays:
    return {"x": right("mfcc", p, arrays)["x"] * (1 + 11 * np.sin(np.pi * np.arange(p.coefficients) / 22))}


def sample_deviation(p: Any, arrays: Arrays) -> Arrays:
    x = arrays["x"]
    return {"x": np.concatenate([x.mean(axis=1), x.std(axis=1, ddof=1)], axis=1)}


def labels_lost(p: Any, arrays: Arrays) -> Arrays:
    return {"x": right("envelope", p, arrays)["x"]}


WRONG: list[tuple[str, dict[str, Any], Callable[..., Arrays]]] = [
    ("fir_design", FIR, kaiser_taps),
    ("fir_design", FIR, unscaled_taps),
    ("fir_filter", FIR, centred_filter),
    ("fir_filter", FIR, shifted("fir_filter", taps=33)),
    ("butterworth_filter", BUTTER, bilinear_without_prewarping),
    ("butterworth_filter", BUTTER, starts_at_rest),
    ("zero_phase", BUTTER, scipys_own_padding),
    ("zero_phase", BUTTER, even_padding),
    ("fft_convolve", {"length": 50}, circular_convolution),
    ("fft_convolve", {"length": 50}, float32_convolution),
    ("resample", {"up": 3, "down": 2}, delayed_resampling),
    ("resample", {"up": 3, "down": 2}, resampling_without_gain),
    ("welch", FRAMES, symmetric_window),
    ("welch", FRAMES, detrended),
    ("welch", FRAMES, spectrum_for_density),
    ("welch", FRAMES, two_sided),
    ("stft", FRAMES, centred_frames),
    ("stft", FRAMES, conjugate),
    ("spectrogram", FRAMES, magnitude),
    ("envelope", {}, padded_envelope),
    ("autocorrelation", {"lags": 20}, unbiased),
    ("autocorrelation", {"lags": 20}, mean_left_in),
    ("find_peaks", PEAKS, distance_ignored),
    ("find_peaks", PEAKS, counted_from_one),
    ("short_term_features", {"frame": 64, "hop": 32}, bins_counted_from_zero),
    ("short_term_features", {"frame": 64, "hop": 32}, natural_entropy),
    ("mfcc", MFCC, shifted("mfcc", frame=65)),
    ("mfcc", MFCC, another_level),
    ("mfcc", MFCC, liftered),
]


@pytest.mark.parametrize(("name", "values", "wrong"), WRONG, ids=[f"{n}-{w.__name__}" for n, _, w in WRONG])
def test_a_wrong_implementation_is_rejected(name: str, values: dict[str, Any], wrong: Callable[..., Arrays]):
    op = ops.get(f"signals.{name}")
    params = op.build(values)
    inputs = [X] if op.inputs else []
    extra = [op.givens(params, *inputs)] if op.givens else []
    want = op.reference(params, *inputs, *extra)
    scale = op.scale(params, want, *inputs, *extra) if op.scale else None
    assert all(finding.ok for finding in check_agreement(op, want, want, None, params, scale))
    assert not all(
        finding.ok for finding in check_agreement(op, wrong(params, *inputs, *extra), want, None, params, scale)
    )


def test_wrong_statistics_and_lost_labels_are_rejected():
    summarise, envelope = ops.get("signals.summarise"), ops.get("signals.envelope")
    features = {"x": np.random.default_rng(0).normal(size=(3, 9, 2))}
    want = summarise.reference(None, features)
    assert not all(finding.ok for finding in check_agreement(summarise, sample_deviation(None, features), want))
    labelled = X | {"y": np.arange(2)}
    want = envelope.reference(None, labelled)
    assert not all(finding.ok for finding in check_agreement(envelope, labels_lost(None, labelled), want))


def test_another_filter_bank_is_another_mfcc():
    """pyAudioAnalysis's own bank of 13 linear and 27 logarithmic filters, where the contract has HTK's."""
    module = pytest.importorskip("pyAudioAnalysis.ShortTermFeatures")
    op = ops.get("signals.mfcc")
    params = op.build({"rate_hz": 16_000.0, "frame": 400, "hop": 160})
    x = np.random.default_rng(0).normal(size=(1, 400))
    bank, _ = module.mfcc_filter_banks(16_000, 200)
    own = module.mfcc(np.abs(np.fft.fft(x[0]))[:200] / 200, bank, 13)
    want = op.reference(params, {"x": x})
    scale = op.scale(params, want, {"x": x})
    assert not all(f.ok for f in check_agreement(op, {"x": own.reshape(1, 1, 13)}, want, None, params, scale))
