"""Every signal op of the Julia frameworks against its reference, through the interface that a worker uses."""

from __future__ import annotations

import wave
from functools import cache
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.ops.contract import Arrays
from twinbench.plan import stack
from twinbench.run.agree.agreement import check_agreement

FRAMEWORKS = ("DSP.jl", "SignalAnalysis.jl", "MFCC.jl")
RATE = 1000.0
LOW: dict[str, Any] = {"cutoff_hz": [120.0], "rate_hz": RATE}
HIGH = LOW | {"band": "highpass"}
BAND = {"cutoff_hz": [120.0, 260.0], "rate_hz": RATE, "band": "bandpass"}
FRAMES = {"rate_hz": RATE, "frame": 64, "hop": 20}
MFCC = {"rate_hz": RATE, "frame": 60, "hop": 25, "bands": 6, "coefficients": 4}

noise = np.random.default_rng(3).normal(size=(4, 400))
levels = np.random.default_rng(4).permutation(300) / 8
SIGNALS = {
    "one record": noise[:1],
    "three records": noise[:3],
    "odd": noise[:2, :333],
    "far from zero": noise[:2] - 50,
    "another memory order": np.asfortranarray(noise[:2]),
    "strided": np.repeat(noise[:2], 2, axis=1)[:, ::2],
    "silent": np.zeros((2, 400)),
}
ONE_SAMPLE = {"one sample": noise[:2, :1], "two samples": noise[:1, :2]}
ANY = SIGNALS | ONE_SAMPLE | {"constant": np.full((1, 400), 3.7), "impulse": np.eye(2, 400, k=200)}
PEAKS = {"noise": noise, "levels": levels[None], "none": np.zeros((2, 9)), "rising": np.arange(9.0)[None]}
FEATURES = {"frames": noise.reshape(2, 40, 20), "one frame": noise[:, None, :7], "NaN": np.full((1, 3, 2), np.nan)}

CASES: list[tuple[str, list[dict[str, Any]], dict[str, np.ndarray] | None]] = [
    ("fir_design", [p | {"taps": n} for p in (LOW, HIGH, BAND) for n in (5, 101)], None),
    ("fir_filter", [p | {"taps": n} for p in (LOW, HIGH, BAND) for n in (5, 101)], ANY),
    ("butterworth_design", [p | {"order": n, "points": 33} for p in (LOW, HIGH, BAND) for n in (1, 5)], None),
    ("butterworth_filter", [p | {"order": n} for p in (LOW, HIGH, BAND) for n in (1, 4, 5)], ANY),
    ("zero_phase", [p | {"order": n} for p in (LOW, HIGH, BAND) for n in (1, 4, 5)], ANY),
    ("fft_convolve", [{"length": n} for n in (1, 30, 1000)], ANY),
    ("resample", [{"up": u, "down": d} for u, d in ((3, 2), (2, 3), (1, 3), (4, 1), (147, 160))], ANY),
    ("welch", [FRAMES, FRAMES | {"frame": 65}], SIGNALS),
    ("stft", [FRAMES, FRAMES | {"frame": 65}], SIGNALS),
    ("spectrogram", [FRAMES, FRAMES | {"frame": 65}], SIGNALS),
    ("envelope", [{}], ANY),
    ("autocorrelation", [{"lags": 0}, {"lags": 50}, {"lags": 600}], ANY),
    ("find_peaks", [{"prominence": q, "distance": d} for q, d in ((0.0, 1), (0.7, 1), (1.0, 5), (3.0, 40))], PEAKS),
    ("short_term_features", [{"frame": f, "hop": h} for f, h in ((64, 20), (51, 90), (8, 8))], SIGNALS),
    ("mfcc", [MFCC, MFCC | {"frame": 64}], ANY),
    ("summarise", [{}], FEATURES),
]
TABLE = [
    (framework, name, params, values)
    for framework in FRAMEWORKS
    for name, params, values in CASES
    if f"signals.{name}" in registry.get(framework).ops
]


@cache
def why_not(framework: str) -> str | None:
    return stack.unavailable(registry.get(framework))


def needs(framework: str) -> None:
    reason = why_not(framework)
    if reason is not None:
        pytest.skip(reason)


def disagreements(in_julia: Any, framework: str, name: str, values: dict[str, Any], *inputs: Arrays) -> list[str]:
    op = ops.get(f"signals.{name}")
    params = op.build(values)
    extra = [op.givens(params, *inputs)] if op.givens else []
    got = in_julia("run", framework, op.name, params, [(value, "arrays") for value in (*inputs, *extra)])
    deviation, want = registry.get(framework).deviations.get(op.name), op.reference(params, *inputs, *extra)
    scale = {} if op.scale is None else op.scale(params, want, *inputs, *extra)
    units = {name: np.asarray(unit) for name, unit in scale.items()}
    findings = check_agreement(op, got, want, deviation, params, units)
    return [f"{values}: {f}" for f in findings if not f.ok and not f.declared]


@pytest.mark.parametrize(
    ("framework", "name", "params", "values"), TABLE, ids=[f"{framework}-{name}" for framework, name, _, _ in TABLE]
)
def test_an_op_agrees_with_its_reference(in_julia, framework, name, params, values):
    needs(framework)
    wrong = []
    for p in params:
        if values is None:
            wrong += disagreements(in_julia, framework, name, p)
            continue
        for case, x in values.items():
            if x.shape[1] >= p.get("frame", 1):
                found = disagreements(in_julia, framework, name, p, {"x": x, "y": np.arange(len(x))})
                wrong += [f"{case}, {words}" for words in found]
    assert wrong == []


def test_every_op_of_a_framework_has_its_cases():
    tested = {(framework, f"signals.{name}") for framework, name, _, _ in TABLE} | {("DSP.jl", "signals.read_wav")}
    assert tested == {
        (framework, op) for framework in FRAMEWORKS for op in registry.get(framework).ops if op.startswith("signals.")
    }


def test_reading_cuts_and_fills_and_sorts(in_julia, tmp_path):
    needs("DSP.jl")
    files = {"train/7-b": [1, -32768, 32767, 4, 5], "train/10-a": [256], "train/7-B": [8, 8], "test/3-a": [-1, 2]}
    for name, samples in files.items():
        path = tmp_path / f"{name}.wav"
        path.parent.mkdir(exist_ok=True)
        with wave.open(str(path), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(np.array(samples, dtype="<i2").tobytes())
    op = ops.get("signals.read_wav")
    params = op.build({"folder": "recordings", "samples": 4})
    got = in_julia("run", "DSP.jl", op.name, params, [(str(tmp_path), "file")])
    findings = check_agreement(op, got, op.reference(params, str(tmp_path)))
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize("framework", ["DSP.jl", "SignalAnalysis.jl"])
def test_what_filtfilt_does_otherwise_near_0_hz_is_needed_and_is_as_declared(in_julia, framework):
    """Whether a steady state cancels depends on how the coefficients round, so it isn't seen at every edge."""
    needs(framework)
    op = ops.get("signals.zero_phase")
    arrays = {"x": np.random.default_rng(0).normal(size=(2, 2000)).cumsum(axis=1)}
    deviation, reasons = registry.get(framework).deviations[op.name], set()
    for edge in (0.009884594773565816, 0.1226820687046082, *np.geomspace(0.008, 0.08, 20).tolist()):
        params = op.build({"order": 2, "cutoff_hz": [edge], "rate_hz": RATE, "band": "highpass"})
        got, want = in_julia("run", framework, op.name, params, [(arrays, "arrays")]), op.reference(params, arrays)
        scale = op.scale(params, want, arrays)
        [finding] = check_agreement(op, got, want, deviation, params, scale)
        assert finding.ok or finding.declared, (edge, finding)
        reasons.add(finding.declared)
        for wrong in ({"x": np.zeros_like(want["x"])}, {"x": want["x"] * 1.01}):
            [finding] = check_agreement(op, wrong, want, deviation, params, scale)
            assert not finding.declared
    assert any("cancel" in reason for reason in reasons)
