"""Inputs and parameters outside the contracts of the signal ops: they are refused in a line, or all libraries agree."""

from __future__ import annotations

import importlib.util
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.refusals import refusal
from twinbench import ops
from twinbench.conformance.case import Files
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Op, OutsideContract
from twinbench.run.agree.agreement import check_agreement

NAN, INF = float("nan"), float("inf")
NAMES = [op.name for op in ops.of_modality("signals") if op.inputs == ("arrays",) or not op.inputs]

rates = st.sampled_from([*[1000.0, 250.0, 1.0] * 5, 0.0, -8.0, NAN, INF])
edges = st.one_of(st.floats(0.0, 0.6), st.sampled_from([1e-7, 0.0, 0.25, 0.4999999, 0.5, NAN, -0.1]))
sizes = st.one_of(st.integers(-1, 40), st.sampled_from([255, 256, 1000]))
levels = st.sampled_from([0.0, 0.0, 1.0, -1.0, 0.3, 2.0, 3e5, 1e-9, NAN, INF, 1e200, 1e-200, 5e-324, -0.0])


@st.composite
def arrays(draw: st.DrawFn) -> Arrays:
    """Noise, ties, steps, silence, values that aren't numbers or leave float64's range, and other shapes and dtypes."""
    shape = draw(
        st.sampled_from([(1, 1), (1, 2), (2, 7), (1, 64), (2, 200), (2, 200), (3, 40, 2), (5,), (0, 9), (2, 0), ()])
    )
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    x = rng.normal(size=shape) if draw(st.booleans()) else rng.integers(-3, 4, size=shape) * 0.5
    x = np.array(x * draw(st.sampled_from([1.0, 1.0, 1e-20, 1e12, 0.0, 1e-170, 1e160])))
    for _ in range(draw(st.integers(0, 2)) if shape else 0):
        start = draw(st.integers(0, 60))
        x[..., start : start + draw(st.sampled_from([1, 1, 3, 200]))] = draw(levels)
    with np.errstate(over="ignore", invalid="ignore"):
        value = x.astype(draw(st.sampled_from(["float64"] * 9 + ["float32", "int64", "complex128"])))
    beside = {"y": np.arange(len(x)), "frequency": np.ones(len(x))} if x.ndim else {}
    return ({"z": value} if draw(st.integers(0, 19)) == 0 else {"x": value}) | beside


@st.composite
def parameters(draw: st.DrawFn, op: Op) -> dict[str, Any]:
    """Any values for the parameters that an op has."""
    rate = draw(rates)
    band = draw(st.sampled_from(["lowpass", "highpass", "bandpass"]))
    likely = 2 if band == "bandpass" else 1
    count = likely if draw(st.integers(0, 4)) else 3 - likely
    inside = st.floats(0.01, 0.49) if draw(st.integers(0, 2)) else edges
    cutoff = [edge * rate for edge in draw(st.lists(inside, min_size=count, max_size=count))]
    every: dict[str, Any] = {
        **{"rate_hz": rate, "band": band, "cutoff_hz": sorted(cutoff) if draw(st.integers(0, 4)) else cutoff},
        **{name: draw(sizes) for name in ("points", "length", "lags", "distance", "frame", "hop")},
        **{"up": draw(st.integers(0, 7)), "down": draw(st.integers(0, 7)), "seed": 1, "bands": draw(st.integers(0, 9))},
        **{"taps": draw(st.sampled_from([3, 5, 21, 101]) | sizes), "order": draw(st.integers(1, 6) | sizes)},
        **{"coefficients": draw(st.integers(0, 9)), "prominence": draw(levels)},
    }
    return {name: value for name, value in every.items() if name in op.params.__dataclass_fields__}


@cache
def frameworks() -> list[Framework]:
    """The Python frameworks of signals that are installed, loaded once."""
    found = [registry.get(name) for name in ("SciPy", "NumPy", "torch")]
    if importlib.util.find_spec("pyAudioAnalysis") is not None:
        found.append(registry.get("pyAudioAnalysis"))
    for framework in found:
        framework.load(1)
    return found


def disagreements(op: Op, params: Any, *inputs: Any) -> list[str]:
    """Say which frameworks disagree with the reference."""
    extra = [op.givens(params, *inputs)] if op.givens else []
    want = op.reference(params, *inputs, *extra)
    scale = op.scale(params, want, *inputs, *extra) if op.scale else {}
    units = {name: np.asarray(unit) for name, unit in scale.items()}
    wrong = []
    for framework in frameworks():
        if op.name in framework.ops:
            native = [
                value if isinstance(value, str) else framework.prepare(value, "arrays") for value in (*inputs, *extra)
            ]
            got = framework.extract(framework.ops[op.name](params, *native), "arrays")
            findings = check_agreement(op, got, want, None, params, units)
            wrong += [f"{framework.name}: {finding}" for finding in findings if not finding.ok]
    return wrong


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg")
@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=50, deadline=None, report_multiple_bugs=False)
@given(data=st.data())
def test_an_op_refuses_or_all_libraries_agree(name: str, data: st.DataObject):
    op = ops.get(name)
    values = data.draw(parameters(op))
    inputs = [data.draw(arrays())] if op.inputs else []
    words = refusal(op.build, values)
    if words:
        assert "must" in words
        return
    params = op.build(values)
    words = refusal(op.requires, params, *inputs)
    if words:
        assert re.fullmatch(".{20,}", words)  # on one line: a point in a pattern does not match a line feed
        return
    assert disagreements(op, params, *inputs) == []


def chunk(name: bytes, body: bytes) -> bytes:
    return name + len(body).to_bytes(4, "little") + body


def riff(*chunks: bytes) -> bytes:
    return chunk(b"RIFF", b"WAVE" + b"".join(chunks))


def form(tag: int = 1, channels: int = 1, rate: int = 8000, bits: int = 16) -> bytes:
    block = channels * bits // 8
    fields = [(tag, 2), (channels, 2), (rate, 4), (rate * block, 4), (block, 2), (bits, 2)]
    return chunk(b"fmt ", b"".join(value.to_bytes(size, "little") for value, size in fields))


DATA = chunk(b"data", np.arange(-50, 50, dtype="<i2").tobytes())
PLAIN = riff(form(), DATA)
EXTENDED = chunk(b"fmt ", form()[8:] + b"\0\0")
WAVS: dict[str, tuple[bytes, str]] = {
    "plain": (PLAIN, ""),
    "empty": (riff(form(), chunk(b"data", b"")), ""),
    "a format of 18 bytes": (riff(EXTENDED, DATA), ""),
    "other chunks before": (riff(chunk(b"JUNK", bytes(28)), form(), chunk(b"LIST", bytes(18)), DATA), ""),
    "other chunks after": (riff(chunk(b"bext", bytes(602)), form(), DATA, chunk(b"LIST", bytes(26))), ""),
    "an odd chunk": (riff(form(), chunk(b"LIST", bytes(17)) + b"\0", DATA), "an odd length of 17 bytes"),
    "8 bits": (riff(form(bits=8), DATA), "8 bits"),
    "an odd number of 8 bits": (riff(form(bits=8), chunk(b"data", bytes(101)) + b"\0"), "8 bits"),
    "24 bits": (riff(form(bits=24), DATA), "24 bits"),
    "32 bits": (riff(form(bits=32), DATA), "32 bits"),
    "floating point": (riff(form(tag=3, bits=32), DATA), "floating point"),
    "mu-law": (riff(form(tag=7, bits=8), DATA), "mu-law"),
    "stereo": (riff(form(channels=2), DATA), "2 channels"),
    "extensible": (riff(form(tag=0xFFFE), DATA), "extensible"),
    "streamed, 0": (PLAIN[:4] + bytes(4) + PLAIN[8:40] + bytes(4) + PLAIN[44:], "streams"),
    "streamed, -1": (PLAIN[:4] + b"\xff" * 4 + PLAIN[8:40] + b"\xff" * 4 + PLAIN[44:], "streams"),
    "streamed samples only": (PLAIN[:40] + b"\xff" * 4 + PLAIN[44:], "beyond the end"),
    "truncated": (PLAIN[:-51], "244 bytes are announced, and the file has 193"),
    "trailing bytes": (PLAIN + b"garbage", "244 bytes are announced, and the file has 251"),
    "no samples": (riff(form()), "one format, and samples after it"),
    "no format": (riff(DATA), "one format, and samples after it"),
    "samples first": (riff(DATA, form()), "one format, and samples after it"),
    "no bytes": (b"", "the file is empty"),
    "another kind": (b"ID3" + bytes(200), "not a RIFF WAVE file"),
    "a rate of 0": (riff(form(rate=0), DATA), "rate is 0"),
    "another byte rate": (riff(form()[:16] + bytes(4) + form()[20:], DATA), "gives 0 bytes a second and 2 a sample"),
    "another block": (riff(form()[:20] + b"\4\0" + form()[22:], DATA), "gives 16,000 bytes a second and 4 a sample"),
}


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg", "ignore:Chunk .non-data. not understood")
@pytest.mark.parametrize("kind", WAVS)
def test_a_recording_is_read_alike_or_refused_with_its_name(kind: str, tmp_path: Path):
    content, words = WAVS[kind]
    path = Files({"train/3-a.wav": content, "train/0-b.wav": PLAIN}).write(tmp_path)
    op = ops.get("signals.read_wav")
    params = op.build({"folder": "recordings", "samples": 120})
    if not words:
        assert disagreements(op, params, path) == []
        return
    with pytest.raises(OutsideContract, match=words) as error:
        op.requires(params, path)
    assert "3-a.wav" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"notes.txt": b""}, "neither train nor test holds"),
        ({"train/three-a.wav": PLAIN}, "three-a.wav: the name must begin with a whole number"),
        ({"train/-a.wav": PLAIN}, "the name must begin"),
        ({"train/99999999999999999999-a.wav": PLAIN}, "the name must begin"),
        ({"train/3.wav": PLAIN}, "the name must begin"),
        ({"train/3-a.wav/b": PLAIN}, "Is a directory"),
        ({"train/3-a.wav": PLAIN, "test/3-b.wav": riff(form(rate=16_000), DATA)}, "16,000 samples a second"),
    ],
)
def test_a_folder_that_holds_something_else_is_refused(files: dict[str, bytes], words: str, tmp_path: Path):
    op = ops.get("signals.read_wav")
    with pytest.raises(OutsideContract, match=words):
        op.requires(op.build({"folder": "recordings", "samples": 4}), Files(files).write(tmp_path))


REFUSED: list[tuple[str, dict[str, Any], Any, str]] = [
    ("welch", {"rate_hz": 100.0, "frame": 256, "hop": 128}, np.ones((1, 100)), "100 samples, and a frame 256"),
    ("envelope", {}, np.array([[1.0, 2.0], [1.0, NAN]]), "record 2, sample 2: nan is not a finite number; replace"),
    ("envelope", {}, np.array([[1.0, -INF]]), "record 1, sample 2: -inf"),
    ("envelope", {}, np.array([[1.0], [1e-310]]), "record 2: the largest magnitude is 1e-310"),
    ("envelope", {}, np.ones((0, 5)), "at least one record"),
    ("envelope", {}, np.ones((1, 5), np.float32), "must be float64"),
    ("summarise", {}, np.ones((1, 5)), "must be float64 .records, frames, features."),
    ("summarise", {}, np.full((1, 2, 3), INF), "record 1, frame 1, feature 1: inf"),
    ("find_peaks", {"prominence": 0.0}, np.array([[0.0, 2, 2, 1]]), "record 1, samples 2 to 3: a flat peak of 2"),
    ("find_peaks", {"prominence": 0.0}, np.array([[0.0, 2, 1, 2, 0]]), "samples 2 and 4: two peaks of 2"),
    (
        "zero_phase",
        {"order": 2, "cutoff_hz": [0.001], "rate_hz": 1000.0},
        np.ones((1, 9)),
        "cutoff_hz: 0.001 at a rate of 1000 .* put signals.resample before it",
    ),
    (
        "short_term_features",
        {"frame": 4, "hop": 4},
        np.array([[1.0, 1, 1, 1, 0, 1e-200, 0, 0]]),
        "record 1, frame 2: the largest magnitude is 1e-200",
    ),
]


@pytest.mark.parametrize(("name", "values", "x", "words"), REFUSED)
def test_what_a_contract_excludes_is_refused_with_its_position(name: str, values: dict[str, Any], x: Any, words: str):
    op = ops.get(f"signals.{name}")
    with pytest.raises(OutsideContract, match=words):
        op.requires(op.build(values), {"x": x})


def test_an_input_without_x_is_refused_with_the_arrays_that_it_has():
    op = ops.get("signals.envelope")
    with pytest.raises(OutsideContract, match="no array 'x', but record, position"):
        op.requires(op.build({}), {"record": np.zeros(1), "position": np.zeros(1)})
