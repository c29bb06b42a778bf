"""The references of the signal ops against textbook formulas, loops over their definitions, and SciPy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import fft, signal

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.ops.signals import convolution

RATE = 1000.0
RNG = np.random.default_rng(5)
X = RNG.normal(size=(2, 97))
EDGES: dict[str, list[float]] = {"lowpass": [120.0], "highpass": [120.0], "bandpass": [120.0, 230.0]}


SCIPYS = {band: edges if len(edges) > 1 else edges[0] for band, edges in EDGES.items()}


def done(name: str, values: dict[str, Any], *inputs: Arrays) -> Arrays:
    op = ops.get(f"signals.{name}")
    params = op.build(values)
    extra = [op.givens(params, *inputs)] if op.givens else []
    return op.reference(params, *inputs, *extra)


def banded(band: str, **more: Any) -> dict[str, Any]:
    return {"band": band, "cutoff_hz": EDGES[band], "rate_hz": RATE} | more


@pytest.mark.parametrize("band", EDGES)
def test_fir_taps_are_scipys_symmetric_and_half_at_an_edge(band: str):
    taps = done("fir_design", banded(band, taps=101))["taps"]
    np.testing.assert_allclose(taps, signal.firwin(101, EDGES[band], pass_zero=band, fs=RATE), atol=1e-15)
    np.testing.assert_allclose(taps, taps[::-1], atol=1e-15)
    _, response = signal.freqz(taps, worN=EDGES[band], fs=RATE)
    np.testing.assert_allclose(np.abs(response), 0.5, atol=0.01)


def test_fir_filtering_is_the_sum_of_its_definition():
    taps = done("fir_design", banded("lowpass", taps=9))["taps"]
    y = done("fir_filter", banded("lowpass", taps=9), {"x": X, "y": np.arange(2)})
    want = [[sum(taps[k] * x[n - k] for k in range(9) if n >= k) for n in range(97)] for x in X]
    np.testing.assert_allclose(y["x"], want, atol=1e-14)
    assert y["y"].tolist() == [0, 1]


@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_butterworth_response_falls_as_the_textbook_says(order: int):
    """|H|^2 = 1 / (1 + r^(2 order)), with r the ratio of the warped frequencies."""
    found = {band: done("butterworth_design", banded(band, order=order, points=50)) for band in EDGES}
    warped = np.tan(np.pi * found["lowpass"]["frequency"] / RATE)
    w1, w2 = (math.tan(math.pi * edge / RATE) for edge in EDGES["bandpass"])
    with np.errstate(divide="ignore"):
        ratios = {
            "lowpass": warped / w1,
            "highpass": w1 / warped,
            "bandpass": (warped**2 - w1 * w2) / (warped * (w2 - w1)),
        }
    for band, ratio in ratios.items():
        np.testing.assert_allclose(np.abs(found[band]["response"]) ** 2, 1 / (1 + ratio ** (2 * order)), atol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_an_edge_at_a_quarter_of_the_rate_puts_a_pole_at_zero_and_breaks_nothing(order: int):
    got = done("butterworth_filter", {"order": order, "cutoff_hz": [250.0], "rate_hz": RATE}, {"x": X})["x"]
    want = signal.sosfilt(signal.butter(order, 250.0, fs=RATE, output="sos"), X)
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("band", EDGES)
def test_butterworth_filtering_is_the_difference_equation(band: str):
    b, a = signal.butter(3, SCIPYS[band], band, fs=RATE)
    got = done("butterworth_filter", banded(band, order=3), {"x": X})["x"]
    want = np.zeros_like(X)
    for y, x in zip(want, X, strict=True):
        for n in range(len(x)):
            y[n] = sum(b[k] * x[n - k] for k in range(min(n + 1, len(b))))
            y[n] -= sum(a[k] * y[n - k] for k in range(1, min(n + 1, len(a))))
    np.testing.assert_allclose(got, want, atol=1e-12)


@pytest.mark.parametrize("band", EDGES)
@pytest.mark.parametrize("samples", [97, 10, 1])
def test_zero_phase_filtering_is_scipys_with_the_contracts_padding(band: str, samples: int):
    sos = signal.butter(3, SCIPYS[band], band, fs=RATE, output="sos")
    x = X[:, :samples]
    want = signal.sosfiltfilt(sos, x, padlen=min(6 * len(sos), samples - 1))
    np.testing.assert_allclose(done("zero_phase", banded(band, order=3), {"x": x})["x"], want, atol=1e-12)


def test_zero_phase_filtering_delays_nothing_and_keeps_a_ramp():
    ramp = np.arange(200.0)[None]
    got = done("zero_phase", banded("lowpass", order=4), {"x": ramp})["x"]
    np.testing.assert_allclose(got, ramp, atol=0.05)
    np.testing.assert_allclose(got[:, 50:-50], ramp[:, 50:-50], atol=1e-5)


def test_convolution_is_numpys_and_its_kernel_has_energy_1():
    kernel = convolution.convolve_givens(ops.get("signals.fft_convolve").build({"length": 50, "seed": 3}), {})["kernel"]
    assert np.sum(kernel**2) == pytest.approx(1)
    got = done("fft_convolve", {"length": 50, "seed": 3}, {"x": X})["x"]
    np.testing.assert_allclose(got, [np.convolve(x, kernel) for x in X], atol=1e-13)


@pytest.mark.parametrize(("up", "down"), [(3, 2), (2, 3), (1, 4), (5, 1), (7, 3)])
def test_resampling_is_the_sum_of_its_definition(up: int, down: int):
    taps = convolution.resample_givens(ops.get("signals.resample").build({"up": up, "down": down}), {})["taps"]
    half = (len(taps) - 1) // 2
    got = done("resample", {"up": up, "down": down}, {"x": X})["x"]
    assert got.shape == (2, math.ceil(97 * up / down))
    for m in (0, 1, 2, got.shape[1] // 2, got.shape[1] - 1):
        places = [(half + m * down - k * up, k) for k in range(97)]
        want = up * sum(taps[i] * X[:, k] for i, k in places if 0 <= i < len(taps))
        np.testing.assert_allclose(got[:, m], want, atol=1e-13)


def test_resampling_keeps_a_slow_sine():
    t = np.arange(400) / RATE
    x = np.sin(2 * np.pi * 20 * t)[None]
    got = done("resample", {"up": 3, "down": 2}, {"x": x})["x"]
    want = np.sin(2 * np.pi * 20 * np.arange(600) / (1.5 * RATE))
    np.testing.assert_allclose(got[0, 60:-60], want[60:-60], atol=2e-3)


@pytest.mark.parametrize("frame", [16, 17])
def test_spectra_are_those_of_the_definition(frame: int):
    values = {"rate_hz": RATE, "frame": frame, "hop": 5}
    found = done("stft", values, {"x": X})
    n, k = np.arange(frame), np.arange(frame // 2 + 1)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * n / frame)
    dft = np.exp(-2j * np.pi * np.outer(k, n) / frame)
    starts = range(0, 97 - frame + 1, 5)
    want = np.array([[dft @ (window * x[s : s + frame]) for s in starts] for x in X])
    np.testing.assert_allclose(found["x"], want, atol=1e-12)
    np.testing.assert_allclose(found["time"], [(s + frame / 2) / RATE for s in starts])
    double = np.where((k == 0) | (2 * k == frame), 1, 2)
    power = np.abs(want) ** 2 * double / (RATE * np.sum(window**2))
    np.testing.assert_allclose(done("spectrogram", values, {"x": X})["x"], power, atol=1e-15)
    psd = done("welch", values, {"x": X})
    np.testing.assert_allclose(psd["x"], power.mean(axis=1), atol=1e-15)
    f, density = signal.welch(X, RATE, nperseg=frame, noverlap=frame - 5, detrend=False)
    np.testing.assert_allclose(psd["x"], density, atol=1e-15)
    np.testing.assert_allclose(psd["frequency"], f)


def test_a_density_integrates_to_the_power():
    x = 3 * np.random.default_rng(1).normal(size=(1, 200_000))
    psd = done("welch", {"rate_hz": RATE, "frame": 256, "hop": 128}, {"x": x})
    assert psd["x"].sum() * RATE / 256 == pytest.approx(9, rel=0.02)


@pytest.mark.parametrize("samples", [500, 501])
def test_an_envelope_is_a_modulated_tones_amplitude(samples: int):
    t = np.arange(samples) / samples
    amplitude = 2 + np.cos(2 * np.pi * 3 * t)
    got = done("envelope", {}, {"x": (amplitude * np.sin(2 * np.pi * 60 * t))[None]})["x"]
    np.testing.assert_allclose(got[0], amplitude, atol=1e-12)
    np.testing.assert_allclose(done("envelope", {}, {"x": X})["x"], np.abs(signal.hilbert(X)), atol=1e-14)


def test_autocorrelation_is_the_sum_of_its_definition():
    got = done("autocorrelation", {"lags": 120}, {"x": X})["x"]
    centred = X - X.mean(axis=1, keepdims=True)
    want = [[np.sum(x[: 97 - k] * x[k:]) / 97 if k < 97 else 0 for k in range(121)] for x in centred]
    np.testing.assert_allclose(got, want, atol=1e-14)


def peaks_by_hand(x: list[float], prominence: float, distance: int) -> list[tuple[int, float]]:
    """Straight from the contract."""
    maxima = [i for i in range(1, len(x) - 1) if x[i - 1] < x[i] > x[i + 1]]
    kept: list[int] = []
    for i in sorted(maxima, key=lambda i: -x[i]):
        if all(abs(i - j) >= distance for j in kept):
            kept.append(i)
    found = []
    for i in sorted(kept):
        left = next((j for j in range(i - 1, -1, -1) if x[j] > x[i]), -1)
        right = next((j for j in range(i + 1, len(x)) if x[j] > x[i]), len(x))
        height = x[i] - max(min(x[left + 1 : i + 1]), min(x[i:right]))
        if height >= prominence:
            found.append((i, height))
    return found


@settings(max_examples=100, deadline=None)
@given(levels=st.permutations(range(40)), prominence=st.integers(0, 20), distance=st.integers(1, 10))
def test_peaks_are_those_of_the_definition(levels: list[int], prominence: int, distance: int):
    x = [float(level) for level in levels]
    got = done("find_peaks", {"prominence": float(prominence), "distance": distance}, {"x": np.array([x])})
    want = peaks_by_hand(x, prominence, distance)
    assert list(zip(got["position"].tolist(), got["prominence"].tolist(), strict=True)) == want
    assert got["height"].tolist() == [x[i] for i, _ in want]


def test_short_term_features_of_frames_that_are_easy_to_see_through():
    n = np.arange(40)
    frames = np.stack([np.cos(2 * np.pi * 10 * n / 40 + 0.5), np.zeros(40), np.tile([1.0, -1.0], 20)])
    got = done("short_term_features", {"frame": 40, "hop": 40}, {"x": frames.reshape(1, 120)})["x"][0]
    crossings, energy, centroid, spread, entropy, rolloff = got.T
    np.testing.assert_allclose(crossings, [20 / 39, 0, 1])
    np.testing.assert_allclose(energy, [0.5, 0, 1], atol=1e-12)
    np.testing.assert_allclose(centroid[:2], [11 / 20, 0], atol=1e-9)  # bin 10 counts as the 11th of 20
    np.testing.assert_allclose(spread[:2], [0, 0], atol=1e-6)
    np.testing.assert_allclose(entropy[:2], [0, 0], atol=1e-9)
    np.testing.assert_allclose(rolloff[:2], [10 / 20, 0])


def test_mfccs_are_those_of_the_definition():
    values = {"rate_hz": RATE, "frame": 50, "hop": 20, "bands": 5, "coefficients": 4}
    got = done("mfcc", values, {"x": X})["x"]
    mel = np.linspace(0, 2595 * math.log10(1 + RATE / 1400), 7)
    f = 700 * (10 ** (mel / 2595) - 1)
    w = np.hamming(50)
    for record, i in ((0, 0), (1, 2)):
        spectrum = np.abs(np.fft.fft(X[record, 20 * i : 20 * i + 50] * w, 64))
        energies = []
        for b in range(1, 6):
            total = 0.0
            for k in range(32):
                rising, falling = (
                    (k * RATE / 64 - f[b - 1]) / (f[b] - f[b - 1]),
                    (f[b + 1] - k * RATE / 64) / (f[b + 1] - f[b]),
                )
                weight = max(0.0, min(rising, falling))
                total += weight * 2 * (2**30 * spectrum[k] ** 2 + 50) / (RATE * np.sum(w**2))
            energies.append(total)
        np.testing.assert_allclose(got[record, i], fft.dct(np.log(energies), norm="ortho")[:4], rtol=1e-10)


def test_silence_has_finite_mfccs():
    values = {"rate_hz": 16_000.0, "frame": 400, "hop": 160}
    assert np.isfinite(done("mfcc", values, {"x": np.zeros((1, 800))})["x"]).all()


def test_a_summary_has_the_means_and_then_the_deviations():
    x = np.array([[[1.0, 5.0], [3.0, 5.0]], [[np.nan, 1.0], [0.0, 2.0]]])
    got = done("summarise", {}, {"x": x})["x"]
    np.testing.assert_array_equal(got, [[2, 5, 1, 0], [np.nan, 1.5, np.nan, 0.5]])


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("fir_filter", banded("lowpass", taps=10)),
        ("fir_filter", banded("highpass", taps=11)),
        ("fir_filter", {"taps": 9, "cutoff_hz": [600.0], "rate_hz": RATE}),
        ("fir_filter", {"taps": 9, "cutoff_hz": [200.0, 100.0], "rate_hz": RATE, "band": "bandpass"}),
        ("butterworth_filter", banded("lowpass", order=0)),
        ("fft_convolve", {"length": 0}),
        ("resample", {"up": 4, "down": 2}),
        ("welch", {"rate_hz": RATE, "frame": 8, "hop": 9}),
        ("find_peaks", {"prominence": -1.0}),
        ("read_wav", {"folder": "recordings", "samples": 0}),
        ("short_term_features", {"frame": 1, "hop": 1}),
        ("mfcc", {"rate_hz": RATE, "frame": 50, "hop": 20, "coefficients": 27}),
        ("mfcc", {"rate_hz": 16_000.0, "frame": 64, "hop": 20, "bands": 40}),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, values: dict[str, Any]):
    with pytest.raises(ValueError, match="must"):
        ops.get(f"signals.{name}").build(values)
