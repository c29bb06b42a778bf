"""Signals that hypothesis makes up, with the parameters of every signal op."""

from __future__ import annotations

import io
import math
import wave
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from twinbench.conformance.case import Case, Files
from twinbench.ops.contract import Arrays

RATE = 1000.0
KINDS = ("noise", "zeros", "offset", "electrode", "constant", "muted", "impulse", "whole")
"""Kinds of records: ``offset`` and ``electrode`` are noise far from zero and very far, ``whole`` are whole numbers."""
UNITS = (1.0, 1.0, 1.0, 1e-20, 1e-6, 1e12)
"""Factors of the records: agreement must mean the same in every unit."""
STEP = math.pi / 3
"""A distance between levels of which no multiple is a prominence that is asked for."""
RATIOS = [(3, 2), (2, 3), (1, 3), (5, 1), (7, 5), (4, 9), (147, 160)]


@st.composite
def signals(draw: st.DrawFn, least: int = 1, most: int = 160, kinds: Sequence[str] = KINDS) -> Arrays:
    """Read-only records that may be strided, with labels that an op has to pass on."""
    records, samples = draw(st.integers(1, 3)), draw(st.integers(least, most))
    kind, rng = draw(st.sampled_from(kinds)), np.random.default_rng(draw(st.integers(0, 2**32)))
    x = {
        "noise": rng.normal(size=(records, samples)),
        "offset": rng.normal(size=(records, samples)) - 7,
        "electrode": 50 * rng.normal(size=(records, samples)) + 3e5,
        "muted": np.where(np.arange(samples) < samples // 2, rng.normal(size=(records, samples)), 0.3),
        "whole": rng.integers(-9, 10, size=(records, samples)).astype(float),
        "zeros": np.zeros((records, samples)),
        "constant": np.full((records, samples), 3.7),
        "impulse": np.eye(records, samples, k=samples // 2),
    }[kind]
    x = x * draw(st.sampled_from(UNITS))
    layout = draw(st.sampled_from(["C", "F", "strided"]))
    x = np.repeat(x, 2, axis=1)[:, ::2] if layout == "strided" else np.array(x, order="F" if layout == "F" else "C")
    x.flags.writeable = False
    return {"x": x, "y": np.arange(records)}


@st.composite
def _edges(draw: st.DrawFn) -> dict[str, Any]:
    """Edges from 0.0001 of half the rate to 0.999 of it."""
    band = draw(st.sampled_from(["lowpass", "highpass", "bandpass"]))
    low = draw(st.one_of(st.floats(0.05, 0.8), st.floats(0.0001, 0.05)))
    high = draw(st.one_of(st.just(0.999), st.floats(0.05, 0.2).map(lambda width: low + width)))
    cutoff = [low] if band != "bandpass" else [low, high]
    if band == "highpass":
        cutoff = [draw(st.sampled_from([low, 0.999]))]
    return {"band": band, "cutoff_hz": [edge * RATE / 2 for edge in cutoff], "rate_hz": RATE}


@st.composite
def _fir(draw: st.DrawFn) -> dict[str, Any]:
    return {"taps": draw(st.integers(1, 30)) * 4 + 1} | draw(_edges())


@st.composite
def _butterworth(draw: st.DrawFn) -> dict[str, Any]:
    return {"order": draw(st.integers(1, 6))} | draw(_edges())


@st.composite
def fir_design(draw: st.DrawFn) -> Case:
    """Few taps and many, for every kind of band."""
    return Case(draw(_fir()))


@st.composite
def fir_filter(draw: st.DrawFn) -> Case:
    """Records shorter than the filter, and longer."""
    return Case(draw(_fir()), (draw(signals()),))


@st.composite
def butterworth_design(draw: st.DrawFn) -> Case:
    """Any order, for every kind of band."""
    return Case(draw(_butterworth()) | {"points": draw(st.integers(1, 40))})


@st.composite
def butterworth_filter(draw: st.DrawFn) -> Case:
    """Any order, for every kind of band; for ``zero_phase`` too."""
    return Case(draw(_butterworth()), (draw(signals()),))


@st.composite
def fft_convolve(draw: st.DrawFn) -> Case:
    """Kernels shorter than a record, and longer."""
    return Case({"length": draw(st.integers(1, 300)), "seed": draw(st.integers(0, 9))}, (draw(signals()),))


@st.composite
def resample(draw: st.DrawFn) -> Case:
    """Ratios up and down."""
    up, down = draw(st.sampled_from(RATIOS))
    return Case({"up": up, "down": down}, (draw(signals()),))


@st.composite
def frames(draw: st.DrawFn) -> Case:
    """Frames of even and odd lengths, for the spectra."""
    frame = draw(st.integers(2, 70))
    return Case({"rate_hz": RATE, "frame": frame, "hop": draw(st.integers(1, frame))}, (draw(signals(frame)),))


@st.composite
def envelope(draw: st.DrawFn) -> Case:
    """Records of even and odd lengths."""
    return Case({}, (draw(signals()),))


@st.composite
def autocorrelation(draw: st.DrawFn) -> Case:
    """Lags up to beyond a record's end."""
    return Case({"lags": draw(st.integers(0, 200))}, (draw(signals()),))


@st.composite
def find_peaks(draw: st.DrawFn) -> Case:
    """Levels that are all different, or whole numbers of which the contract excludes many."""
    record = np.array(draw(st.permutations(range(draw(st.integers(1, 90))))), dtype=np.float64)
    x = np.stack([record, record[::-1] / 8]) * draw(st.sampled_from([1.0, STEP]))
    x = np.minimum(x, draw(st.sampled_from([np.inf, x[0, 0]]))) * draw(st.sampled_from(UNITS))
    return Case({"prominence": draw(st.integers(0, 12)) / 2, "distance": draw(st.integers(1, 12))}, ({"x": x},))


@st.composite
def short_term_features(draw: st.DrawFn) -> Case:
    """Frames of even and odd lengths, and some beside which nothing is left over."""
    frame = draw(st.integers(2, 70))
    return Case({"frame": frame, "hop": draw(st.integers(1, 90))}, (draw(signals(frame)),))


@st.composite
def mfcc(draw: st.DrawFn) -> Case:
    """Filter banks of any size that a frame has room for."""
    frame = draw(st.integers(60, 100))
    bands = draw(st.integers(1, 6))
    params = {"rate_hz": RATE, "frame": frame, "hop": draw(st.integers(1, frame)), "bands": bands}
    return Case(params | {"coefficients": draw(st.integers(1, bands))}, (draw(signals(frame)),))


@st.composite
def summarise(draw: st.DrawFn) -> Case:
    """Features of which one may be NaN."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 20), st.integers(1, 4)))
    x = np.random.default_rng(draw(st.integers(0, 99))).normal(size=shape)
    x = (x + draw(st.sampled_from([0.0, 1e6]))) * draw(st.sampled_from(UNITS))
    if draw(st.booleans()):
        x[0, draw(st.integers(0, shape[1] - 1)), 0] = np.nan
    return Case({}, ({"x": x, "y": np.arange(shape[0])},))


@st.composite
def read_wav(draw: st.DrawFn) -> Case:
    """Recordings shorter and longer than asked for, some of them empty, in both directories."""
    names = st.builds("{}-{}.wav".format, st.integers(0, 12), st.sampled_from(["a", "b", "B", "0"]))
    levels = st.lists(st.integers(-(2**15), 2**15 - 1), max_size=9)
    directory = st.dictionaries(names, levels, min_size=1, max_size=3)
    recordings = {f"{half}/{name}": samples for half in ("train", "test") for name, samples in draw(directory).items()}
    files = Files({path: wav(samples) for path, samples in recordings.items()})
    return Case({"folder": "recordings", "samples": draw(st.integers(1, 8))}, (files,))


def wav(samples: list[int]) -> bytes:
    """A WAV file of 16-bit samples at 8 kHz, in one channel."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        out.writeframes(np.array(samples, dtype="<i2").tobytes())
    return file.getvalue()


CASES: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    **{
        strategy.__name__: strategy
        for strategy in (
            *(read_wav, fir_design, fir_filter, butterworth_design, butterworth_filter, fft_convolve, resample),
            *(envelope, autocorrelation, find_peaks, short_term_features, mfcc, summarise),
        )
    },
    "zero_phase": butterworth_filter,
    **dict.fromkeys(("welch", "stft", "spectrogram"), frames),
}


def cases(name: str, implemented: Collection[str]) -> st.SearchStrategy[Case]:
    """The strategy for ``signals.NAME``."""
    return CASES[name]()
