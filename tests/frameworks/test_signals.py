"""Every signal op of every Python framework against the contract's reference, on signals that hypothesis makes up."""

from __future__ import annotations

import importlib.util
import wave
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays

RATE = 1000.0
KINDS = ("noise", "zeros", "offset")
"""``offset`` is noise far from zero."""


@st.composite
def signals(draw: Any, least: int = 1, most: int = 160, kinds: Any = (*KINDS, "constant", "impulse")) -> Arrays:
    """Read-only records that may be strided, with labels that an op has to pass on."""
    records, samples = draw(st.integers(1, 3)), draw(st.integers(least, most))
    kind, rng = draw(st.sampled_from(kinds)), np.random.default_rng(draw(st.integers(0, 2**32)))
    x = {
        "noise": rng.normal(size=(records, samples)),
        "offset": rng.normal(size=(records, samples)) - 7,
        "zeros": np.zeros((records, samples)),
        "constant": np.full((records, samples), 3.7),
        "impulse": np.eye(records, samples, k=samples // 2),
    }[kind]
    layout = draw(st.sampled_from(["C", "F", "strided"]))
    x = np.repeat(x, 2, axis=1)[:, ::2] if layout == "strided" else np.asarray(x, order=layout)
    x.flags.writeable = False
    return {"x": x, "y": np.arange(records)}


@st.composite
def edges(draw: Any) -> dict[str, Any]:
    band = draw(st.sampled_from(["lowpass", "highpass", "bandpass"]))
    low = draw(st.floats(0.05, 0.8))
    cutoff = [low] if band != "bandpass" else [low, low + draw(st.floats(0.1, 0.15))]
    return {"band": band, "cutoff_hz": [edge * RATE / 2 for edge in cutoff], "rate_hz": RATE}


@st.composite
def fir(draw: Any) -> Any:
    return {"taps": draw(st.integers(1, 30)) * 4 + 1} | draw(edges()), draw(signals())


@st.composite
def fir_design(draw: Any) -> Any:
    return (draw(fir())[0],)


@st.composite
def butterworth(draw: Any) -> Any:
    return {"order": draw(st.integers(1, 6))} | draw(edges()), draw(signals())


@st.composite
def butterworth_design(draw: Any) -> Any:
    return (draw(butterworth())[0] | {"points": draw(st.integers(1, 40))},)


@st.composite
def fft_convolve(draw: Any) -> Any:
    return {"length": draw(st.integers(1, 300)), "seed": draw(st.integers(0, 9))}, draw(signals())


RATIOS = [(3, 2), (2, 3), (1, 3), (5, 1), (7, 5), (4, 9), (147, 160)]


@st.composite
def resample(draw: Any) -> Any:
    up, down = draw(st.sampled_from(RATIOS))
    return {"up": up, "down": down}, draw(signals())


def hop_of(frame: int) -> st.SearchStrategy[int]:
    return st.integers(1, frame)


@st.composite
def frames(draw: Any) -> Any:
    frame = draw(st.integers(2, 70))
    return {"rate_hz": RATE, "frame": frame, "hop": draw(hop_of(frame))}, draw(signals(frame))


@st.composite
def envelope(draw: Any) -> Any:
    return {}, draw(signals())


@st.composite
def autocorrelation(draw: Any) -> Any:
    return {"lags": draw(st.integers(0, 200))}, draw(signals())


@st.composite
def find_peaks(draw: Any) -> Any:
    """Levels that are all different."""
    record = np.array(draw(st.permutations(range(draw(st.integers(1, 90))))), dtype=np.float64)
    x = np.stack([record, record[::-1] / 8])
    return {"prominence": draw(st.integers(0, 12)) / 2, "distance": draw(st.integers(1, 12))}, {"x": x}


@st.composite
def short_term_features(draw: Any) -> Any:
    """Noise only: of flat spectra it is left to rounding at which bin they reach a share."""
    frame = draw(st.integers(2, 70))
    return {"frame": frame, "hop": draw(st.integers(1, 90))}, draw(signals(frame, kinds=KINDS))


@st.composite
def mfcc(draw: Any) -> Any:
    frame = draw(st.integers(60, 100))
    bands = draw(st.integers(1, 6))
    params = {"rate_hz": RATE, "frame": frame, "hop": draw(hop_of(frame)), "bands": bands}
    return params | {"coefficients": draw(st.integers(1, bands))}, draw(signals(frame))


@st.composite
def summarise(draw: Any) -> Any:
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 4)))
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)
    if draw(st.booleans()):
        x[0, draw(st.integers(0, shape[1] - 1)), 0] = np.nan
    return {}, {"x": x, "y": np.arange(shape[0])}


CASES = {
    "fir_design": fir_design(),
    "fir_filter": fir(),
    "butterworth_design": butterworth_design(),
    "butterworth_filter": butterworth(),
    "zero_phase": butterworth(),
    "fft_convolve": fft_convolve(),
    "resample": resample(),
    "welch": frames(),
    "stft": frames(),
    "spectrogram": frames(),
    "envelope": envelope(),
    "autocorrelation": autocorrelation(),
    "find_peaks": find_peaks(),
    "short_term_features": short_term_features(),
    "mfcc": mfcc(),
    "summarise": summarise(),
}
LIBRARIES = {"SciPy": "scipy", "NumPy": "numpy", "torch": "torch", "pyAudioAnalysis": "pyAudioAnalysis"}
PAIRS = [(f, name) for f in LIBRARIES for name in CASES if f"signals.{name}" in registry.get(f).ops]


def loaded(name: str) -> Framework:
    """The framework; its tests are skipped where the library isn't installed."""
    if importlib.util.find_spec(LIBRARIES[name]) is None:
        pytest.skip(f"{LIBRARIES[name]} is not installed")
    framework = registry.get(name)
    framework.load(1)
    return framework


def test_every_op_has_a_case_and_every_framework_some_ops():
    assert {f"signals.{name}" for name in CASES} | {"signals.read_wav"} == {o.name for o in ops.of_modality("signals")}
    assert {framework for framework, _ in PAIRS} == set(LIBRARIES)


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg")
@pytest.mark.parametrize(("framework", "name"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_an_op_agrees_with_its_reference(run: Any, agrees: Any, framework: str, name: str, data: Any):
    values, *inputs = data.draw(CASES[name])
    op = ops.get(f"signals.{name}")
    params = op.build(values)
    extra = {"given": op.givens(params, *inputs)} if op.givens else {}
    want = op.reference(params, *inputs, *extra.values())
    agrees(op, run(loaded(framework), op, params, *inputs, **extra), want)


@pytest.mark.parametrize("framework", ["SciPy", "NumPy", "torch"])
@pytest.mark.parametrize("samples", [5_000, 30_000])
@pytest.mark.parametrize("length", [1, 2, 3_000, 12_000])
def test_a_convolution_in_blocks_is_a_convolution(run: Any, agrees: Any, framework: str, samples: int, length: int):
    op, x = ops.get("signals.fft_convolve"), np.random.default_rng(0).normal(size=(2, samples))
    params = op.build({"length": length})
    start = op.givens(params, {"x": x})
    got = run(loaded(framework), op, params, {"x": x}, given=start)
    agrees(op, got, op.reference(params, {"x": x}, start))


def write(path: Path, samples: list[int]) -> None:
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.array(samples, dtype="<i2").tobytes())


READERS = [name for name in LIBRARIES if "signals.read_wav" in registry.get(name).ops]


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg")
@pytest.mark.parametrize("framework", READERS)
def test_reading_cuts_and_fills_and_sorts(run: Any, agrees: Any, tmp_path: Path, framework: str):
    write(tmp_path / "train" / "7-b.wav", [1, -32768, 32767, 4, 5, 6])
    write(tmp_path / "train" / "10-a.wav", [256])
    write(tmp_path / "train" / "7-B.wav", [8, 8])
    write(tmp_path / "test" / "3-a.wav", [])
    op = ops.get("signals.read_wav")
    params = op.build({"folder": "recordings", "samples": 4})
    got = run(loaded(framework), op, params, str(tmp_path))
    agrees(op, got, op.reference(params, str(tmp_path)))
    assert got["y"].tolist() == [10, 7, 7, 3]
    assert got["test"].tolist() == [0, 0, 0, 1]
    assert (got["x"] * 32768).tolist() == [[256, 0, 0, 0], [8, 8, 0, 0], [1, -32768, 32767, 4], [0, 0, 0, 0]]
