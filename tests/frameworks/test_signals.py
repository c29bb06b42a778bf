"""The signal ops of every Python framework on longer signals, and on files whose content is worked out by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tests.frameworks.conftest import conforms
from twinbench import ops
from twinbench.conformance.case import Files
from twinbench.conformance.signals import wav
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework

LIBRARIES = {"SciPy": "scipy", "NumPy": "numpy", "torch": "torch", "pyAudioAnalysis": "pyAudioAnalysis"}


def loaded(name: str) -> Framework:
    """The framework; its tests are skipped where the library isn't installed."""
    if importlib.util.find_spec(LIBRARIES[name]) is None:
        pytest.skip(f"{LIBRARIES[name]} is not installed")
    framework = registry.get(name)
    framework.load(1)
    return framework


@pytest.mark.parametrize("framework", ["SciPy", "NumPy", "torch"])
@pytest.mark.parametrize("samples", [5_000, 30_000])
@pytest.mark.parametrize("length", [1, 2, 3_000, 12_000])
def test_a_convolution_in_blocks_is_a_convolution(framework: str, samples: int, length: int):
    x = np.random.default_rng(0).normal(size=(2, samples))
    conforms(loaded(framework), "signals.fft_convolve", {"length": length}, {"x": x})


READERS = [name for name in LIBRARIES if "signals.read_wav" in registry.get(name).ops]
RECORDINGS = {
    "train/7-b.wav": [1, -32768, 32767, 4, 5, 6],
    "train/10-a.wav": [256],
    "train/7-B.wav": [8, 8],
    "test/3-a.wav": [],
}


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg")
@pytest.mark.parametrize("framework", READERS)
def test_reading_cuts_and_fills_and_sorts(tmp_path: Path, framework: str):
    path = Files({name: wav(samples) for name, samples in RECORDINGS.items()}).write(tmp_path)
    op, library = ops.get("signals.read_wav"), loaded(framework)
    got = library.extract(library.ops[op.name](op.build({"folder": "recordings", "samples": 4}), path), "arrays")
    assert got["y"].tolist() == [10, 7, 7, 3]
    assert got["test"].tolist() == [0, 0, 0, 1]
    assert (got["x"] * 32768).tolist() == [[256, 0, 0, 0], [8, 8, 0, 0], [1, -32768, 32767, 4], [0, 0, 0, 0]]
