"""The references of the signal ops against 50-digit arithmetic: off by at most a tenth of their own tolerance."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops.contract import Arrays

mp.mp.dps = 50
RATE = 1000.0
Numbers = Sequence[Any]


def within_a_tenth(name: str, values: dict[str, Any], output: str, exact: Any, *inputs: Arrays) -> None:
    op = ops.get(f"signals.{name}")
    params = op.build(values)
    op.requires(params, *inputs)
    extra = [op.givens(params, *inputs)] if op.givens else []
    got = op.reference(params, *inputs, *extra)
    unit = op.scale(params, got, *inputs, *extra)[output]
    right = np.array(exact, dtype=got[output].dtype)
    allowed = op.tolerance.atol * unit + op.tolerance.rtol * np.abs(right)
    assert (np.abs(got[output] - right) <= 0.1 * allowed).all()


def butterworth(order: int, cutoff: Numbers, band: str) -> tuple[list[Any], list[Any], Any]:
    """Zeros, poles and gain in the z plane, by the formulas of the contract."""
    w = [mp.tan(mp.pi * mp.mpf(edge) / mp.mpf(RATE)) for edge in cutoff]
    prototype = [mp.expjpi(mp.mpf(2 * k + order + 1) / (2 * order)) for k in range(order)]
    if band == "lowpass":
        zeros, s, passed = [-1] * order, [w[0] * q for q in prototype], mp.mpf(1)
    elif band == "highpass":
        zeros, s, passed = [1] * order, [w[0] / q for q in prototype], mp.mpf(-1)
    else:
        halves = [q * (w[1] - w[0]) / 2 for q in prototype]
        roots = [mp.sqrt(half**2 - w[0] * w[1]) for half in halves]
        s = [half + sign * root for half, root in zip(halves, roots, strict=True) for sign in (1, -1)]
        middle = 1j * mp.sqrt(w[0] * w[1])
        zeros, passed = [1] * order + [-1] * order, (1 + middle) / (1 - middle)
    poles = [(1 + q) / (1 - q) for q in s]
    return zeros, poles, mp.re(mp.fprod(passed - q for q in poles) / mp.fprod(passed - q for q in zeros))


def expanded(roots: Numbers, factor: Any) -> list[Any]:
    terms = [mp.mpf(1)]
    for root in roots:
        terms = [a - root * b for a, b in zip([*terms, 0], [0, *terms], strict=True)]
    return [factor * mp.re(term) for term in terms]


def run(b: Numbers, a: Numbers, x: Numbers, steady: bool) -> list[Any]:
    """The difference equation; in the steady state of the first sample, or from rest."""
    state = [mp.mpf(0)] * len(b)
    for k in range(len(b) - 2, -1, -1) if steady else ():
        state[k] = (b[k + 1] - a[k + 1] * sum(b) / sum(a)) * x[0] + state[k + 1]
    y = []
    for sample in x:
        y.append(b[0] * sample + state[0])
        for k in range(len(b) - 1):
            state[k] = b[k + 1] * sample - a[k + 1] * y[-1] + state[k + 1]
    return y


def zero_phase(b: Numbers, a: Numbers, x: Numbers, sections: int) -> list[Any]:
    pad = min(6 * sections, len(x) - 1)
    y = [2 * x[0] - x[k] for k in range(pad, 0, -1)] + [*x] + [2 * x[-1] - x[-2 - k] for k in range(pad)]
    for _ in range(2):
        y = run(b, a, y, steady=True)[::-1]
    return y[pad : pad + len(x)]


fractions = st.one_of(st.floats(1e-4, 0.499), st.sampled_from([1e-4, 0.25, 0.499, 0.4999, 0.0005, 0.04]))
designs = st.tuples(
    st.integers(1, 12),
    st.one_of(
        st.tuples(st.sampled_from(["lowpass", "highpass"]), fractions.map(lambda edge: [edge])),
        st.tuples(
            st.just("bandpass"),
            st.tuples(fractions, fractions).map(sorted).filter(lambda edges: edges[1] > 1.01 * edges[0]),
        ),
    ),
)


@settings(max_examples=15, deadline=None)
@given(designs, st.sampled_from([0.0, 6000.0]), st.sampled_from([1.0, 1e-20, 1e12]), st.integers(1, 90), st.data())
def test_a_butterworth_filter_is_the_exact_ones(design, offset, unit, samples, data):
    order, (band, edges) = design
    values = {"order": order, "cutoff_hz": [edge * RATE for edge in edges], "rate_hz": RATE, "band": band}
    x = (np.random.default_rng(data.draw(st.integers(0, 99))).normal(size=samples) + offset) * unit
    zeros, poles, gain = butterworth(order, values["cutoff_hz"], band)
    b, a, exact = expanded(zeros, gain), expanded(poles, 1), [mp.mpf(sample) for sample in x.tolist()]
    arrays = {"x": x[None]}
    within_a_tenth("butterworth_filter", values, "x", [[float(y) for y in run(b, a, exact, False)]], arrays)
    forth_and_back = zero_phase(b, a, exact, order if band == "bandpass" else -(-order // 2))
    within_a_tenth("zero_phase", values, "x", [[float(y) for y in forth_and_back]], arrays)
    z = [mp.expjpi(mp.mpf(j) / 7) for j in range(7)]
    response = [gain * mp.fprod(p - q for q in zeros) / mp.fprod(p - q for q in poles) for p in z]
    within_a_tenth("butterworth_design", values | {"points": 7}, "response", [complex(h) for h in response])


@settings(max_examples=20, deadline=None)
@given(designs, st.integers(1, 12))
def test_fir_taps_are_the_exact_ones(design, quarter):
    _, (band, edges) = design
    count = 4 * quarter + 1
    low, high = {"lowpass": [0, *edges], "highpass": [*edges, 0.5], "bandpass": edges}[band]
    low, high = 2 * mp.mpf(low * RATE) / mp.mpf(RATE), 2 * mp.mpf(high * RATE) / mp.mpf(RATE)
    m = [mp.mpf(n) - 2 * quarter for n in range(count)]
    window = [(54 - 46 * mp.cos(2 * mp.pi * n / (count - 1))) / 100 for n in range(count)]
    taps = [(high * mp.sincpi(high * k) - low * mp.sincpi(low * k)) * w for k, w in zip(m, window, strict=True)]
    middle = {"lowpass": 0, "highpass": 1, "bandpass": (low + high) / 2}[band]
    gain = mp.fsum(tap * mp.cos(mp.pi * middle * k) for tap, k in zip(taps, m, strict=True))
    values = {"taps": count, "cutoff_hz": [edge * RATE for edge in edges], "rate_hz": RATE, "band": band}
    within_a_tenth("fir_design", values, "taps", [float(tap / gain) for tap in taps])


RECORDS = {
    "noise": lambda rng: rng.normal(size=24),
    "far from zero": lambda rng: rng.normal(size=24) + 6000,
    "very far": lambda rng: rng.normal(size=24) + 1e9,
    "constant": lambda rng: np.full(24, 0.3),
    "a stretch of one value": lambda rng: np.where(np.arange(24) < 9, rng.normal(size=24), 0.3),
    "a spike": lambda rng: rng.normal(size=24) * 1e-9 + np.eye(24)[7],
    "a line": lambda rng: np.cos(np.pi * np.arange(24) / 4),
}


@pytest.mark.parametrize("unit", [1.0, 1e-20, 1e12])
@pytest.mark.parametrize("record", RECORDS)
def test_what_a_spectrum_is_taken_from_is_exact(record, unit):
    x = RECORDS[record](np.random.default_rng(3)) * unit
    arrays, exact = {"x": x[None]}, [mp.mpf(sample) for sample in x.tolist()]
    frame, hop, starts = 12, 5, (0, 5, 10)
    hann = [(1 - mp.cos(2 * mp.pi * n / frame)) / 2 for n in range(frame)]
    spectra = [
        [
            mp.fsum(hann[n] * exact[s + n] * mp.expjpi(mp.mpf(-2 * k * n) / frame) for n in range(frame))
            for k in range(7)
        ]
        for s in starts
    ]
    values = {"rate_hz": RATE, "frame": frame, "hop": hop}
    within_a_tenth("stft", values, "x", [[[complex(b) for b in row] for row in spectra]], arrays)
    double = [1, 2, 2, 2, 2, 2, 1]
    energy = mp.mpf(RATE) * mp.fsum(w**2 for w in hann)
    power = [[abs(b) ** 2 * d / energy for b, d in zip(row, double, strict=True)] for row in spectra]
    within_a_tenth("spectrogram", values, "x", [[[float(p) for p in row] for row in power]], arrays)
    mean = [float(mp.fsum(column) / 3) for column in zip(*power, strict=True)]
    within_a_tenth("welch", values, "x", [mean], arrays)
    n = len(exact)
    bins = [mp.fsum(v * mp.expjpi(mp.mpf(-2 * k * i) / n) for i, v in enumerate(exact)) for k in range(n // 2 + 1)]
    weight = [1, *[2] * (n // 2 - 1), 1]
    analytic = [
        mp.fsum(w * b * mp.expjpi(mp.mpf(2 * k * i) / n) for k, (w, b) in enumerate(zip(weight, bins, strict=True))) / n
        for i in range(n)
    ]
    within_a_tenth("envelope", {}, "x", [[float(abs(z)) for z in analytic]], arrays)
    centred = [v - mp.fsum(exact) / n for v in exact]
    r = [float(mp.fsum(a * b for a, b in zip(centred, centred[k:], strict=False)) / n) for k in range(6)]
    within_a_tenth("autocorrelation", {"lags": 5}, "x", [r], arrays)
    deviation = float(mp.sqrt(mp.fsum(v**2 for v in centred) / n))
    features = {"x": x[None, :, None]}
    within_a_tenth("summarise", {}, "x", [[float(mp.fsum(exact) / n), deviation]], features)


@pytest.mark.parametrize("unit", [1.0, 1e-20, 1e12])
@pytest.mark.parametrize("record", RECORDS)
def test_features_of_a_frame_are_exact(record, unit):
    x = RECORDS[record](np.random.default_rng(4)) * unit
    arrays, exact, eps = {"x": x[None]}, [mp.mpf(sample) for sample in x.tolist()], mp.mpf(2) ** -52
    half = 12
    bins = [mp.fsum(v * mp.expjpi(mp.mpf(-2 * k * i) / 24) for i, v in enumerate(exact)) for k in range(half)]
    magnitudes = [abs(b) / half for b in bins]
    y = [m / max(magnitudes) for m in magnitudes]
    weight = mp.fsum(y) + eps
    place = [mp.mpf(k + 1) / half for k in range(half)]
    centroid = mp.fsum(k * v for k, v in zip(place, y, strict=True)) / weight
    spread = mp.sqrt(mp.fsum((k - centroid) ** 2 * v for k, v in zip(place, y, strict=True)) / weight)
    whole = mp.fsum(m**2 for m in magnitudes)
    shares = [m**2 / (whole + eps) for m in magnitudes[:10]]
    entropy = -mp.fsum(s * mp.log(s + eps, 2) for s in shares)
    running = [mp.fsum(m**2 for m in magnitudes[: k + 1]) + eps for k in range(half)]
    rolloff = next(k for k, r in enumerate(running) if r > whole * mp.mpf(0.9)) / half
    crossings = sum(abs(np.sign(b) - np.sign(a)) for a, b in pairwise(x)) / 2 / 23
    energy = mp.fsum(v**2 for v in exact) / 24
    row = [crossings, float(energy), float(centroid), float(spread), float(entropy), rolloff]
    within_a_tenth("short_term_features", {"frame": 24, "hop": 24}, "x", [[row]], arrays)


@pytest.mark.parametrize("unit", [1.0, 1e-20, 1e12])
@pytest.mark.parametrize("record", RECORDS)
def test_cepstral_coefficients_are_exact(record, unit):
    x = RECORDS[record](np.random.default_rng(5)) * unit
    arrays, exact, n, count = {"x": x[None]}, [mp.mpf(sample) for sample in x.tolist()], 32, 4
    window = [(54 - 46 * mp.cos(2 * mp.pi * i / 23)) / 100 for i in range(24)]
    bins = [
        mp.fsum(w * v * mp.expjpi(mp.mpf(-2 * k * i) / n) for i, (w, v) in enumerate(zip(window, exact, strict=True)))
        for k in range(n // 2)
    ]
    power = [2 * (2**30 * abs(b) ** 2 + 24) / (mp.mpf(RATE) * mp.fsum(w**2 for w in window)) for b in bins]
    highest = 2595 * mp.log10(1 + mp.mpf(RATE) / 1400)
    edges = [700 * (10 ** (highest * i / (count + 1) / 2595) - 1) for i in range(count + 2)]
    energies = []
    for left, middle, right in zip(edges, edges[1:], edges[2:], strict=False):
        frequencies = [k * mp.mpf(RATE) / n for k in range(n // 2)]
        weights = [max(0, min((f - left) / (middle - left), (right - f) / (right - middle))) for f in frequencies]
        energies.append(mp.fsum(w * p for w, p in zip(weights, power, strict=True)))
    row = [
        float(
            mp.sqrt(mp.mpf(1 if i == 0 else 2) / count)
            * mp.fsum(mp.log(e) * mp.cospi(mp.mpf(i) * (2 * b + 1) / (2 * count)) for b, e in enumerate(energies))
        )
        for i in range(3)
    ]
    values = {"rate_hz": RATE, "frame": 24, "hop": 24, "bands": count, "coefficients": 3}
    within_a_tenth("mfcc", values, "x", [[row]], arrays)


@pytest.mark.parametrize("unit", [1.0, 1e-20, 1e12])
@pytest.mark.parametrize("record", RECORDS)
def test_convolutions_are_exact(record, unit):
    x = RECORDS[record](np.random.default_rng(6)) * unit
    arrays, exact = {"x": x[None]}, [mp.mpf(sample) for sample in x.tolist()]
    for name, values, taken in (("fft_convolve", {"length": 9}, "kernel"), ("resample", {"up": 3, "down": 2}, "taps")):
        op = ops.get(f"signals.{name}")
        taps = [mp.mpf(tap) for tap in op.givens(op.build(values), arrays)[taken].tolist()]
        if name == "fft_convolve":
            y = [mp.fsum(taps[k] * exact[m - k] for k in range(9) if 0 <= m - k < 24) for m in range(32)]
        else:
            half = len(taps) // 2
            y = [
                3 * mp.fsum(taps[i] * exact[k] for k in range(24) if 0 <= (i := half + 2 * m - 3 * k) < len(taps))
                for m in range(36)
            ]
        within_a_tenth(name, values, "x", [[float(v) for v in y]], arrays)
