"""Agreement means the same in every unit: in volts and in microvolts, on a large offset, of strain and of densities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays
from twinbench.run.agree.agreement import check_agreement

RATE = 1000.0
BAND = {"order": 4, "cutoff_hz": [0.5, 40.0], "rate_hz": RATE, "band": "bandpass"}
HIGH = {"order": 4, "cutoff_hz": [0.5], "rate_hz": RATE, "band": "highpass"}
FRAMES = {"rate_hz": RATE, "frame": 250, "hop": 125}
CALLS: list[tuple[str, dict[str, Any]]] = [
    ("fir_filter", {"taps": 101, "cutoff_hz": [40.0], "rate_hz": RATE}),
    ("butterworth_filter", HIGH),
    ("butterworth_filter", BAND),
    ("zero_phase", BAND),
    ("fft_convolve", {"length": 99}),
    ("resample", {"up": 3, "down": 2}),
    ("welch", FRAMES),
    ("stft", FRAMES),
    ("spectrogram", FRAMES),
    ("envelope", {}),
    ("autocorrelation", {"lags": 40}),
    ("find_peaks", {"prominence": 1e-30, "distance": 5}),
    ("short_term_features", {"frame": 250, "hop": 125}),
    ("mfcc", FRAMES | {"bands": 12, "coefficients": 8}),
    ("summarise", {}),
]
WITHOUT_UNIT = {"short_term_features", "mfcc"}
"""Ops with constants in their formulas: below them an output says nothing of the record."""
UNITS = (1e-20, 1e-12, 1e-6, 1.0, 1e6, 1e12)
OFFSETS = (0.0, 6000.0)
"""Offsets in standard deviations: an electrode's 300 mV are 6,000 of an EEG of 50 uV."""


def recording(name: str, unit: float, offset: float) -> Arrays:
    rng = np.random.default_rng(7)
    t = np.arange(2000) / RATE
    x = (rng.normal(size=(2, 2000)) + np.sin(2 * np.pi * 10 * t) + offset) * unit
    return {"x": x[..., None] if name == "summarise" else x}


class Answers:
    """The reference's answer to one call, and whether another answer agrees with it."""

    def __init__(self, name: str, values: dict[str, Any], arrays: Arrays) -> None:
        self.op = ops.get(f"signals.{name}")
        self.params = self.op.build(values)
        self.op.requires(self.params, arrays)
        self.given = [self.op.givens(self.params, arrays)] if self.op.givens else []
        self.want = self.op.reference(self.params, arrays, *self.given)
        scale = self.op.scale(self.params, self.want, arrays, *self.given) if self.op.scale else {}
        self.scale = {output: np.asarray(unit) for output, unit in scale.items()}

    def agrees(self, got: Arrays) -> bool:
        return all(finding.ok for finding in check_agreement(self.op, got, self.want, None, self.params, self.scale))


@pytest.fixture(scope="module", params=["SciPy", "NumPy", "torch"])
def framework(request: pytest.FixtureRequest) -> Framework:
    library = registry.get(request.param)
    library.load(1)
    return library


@pytest.mark.parametrize(("name", "values"), CALLS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CALLS)])
def test_a_library_agrees_in_every_unit(framework: Framework, name: str, values: dict[str, Any]):
    call = framework.ops.get(f"signals.{name}")
    if call is None:
        pytest.skip(f"{framework.name} has no signals.{name}")
    for unit in UNITS:
        for offset in OFFSETS:
            arrays = recording(name, unit, offset)
            answers = Answers(name, values, arrays)
            inputs = [framework.prepare(value, "arrays") for value in (arrays, *answers.given)]
            assert answers.agrees(framework.extract(call(answers.params, *inputs), "arrays")), (unit, offset)


@pytest.mark.parametrize(("name", "values"), CALLS, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CALLS)])
@pytest.mark.parametrize("offset", OFFSETS)
def test_zeros_a_thousandth_and_single_precision_are_refused_in_every_unit(
    name: str, values: dict[str, Any], offset: float
):
    for unit in UNITS:
        arrays = recording(name, unit, offset)
        answers = Answers(name, values, arrays)
        x = next(iter(answers.want)) if name != "find_peaks" else "prominence"
        want = answers.want[x]
        assert not answers.agrees(answers.want | {x: np.zeros_like(want)}), unit
        assert not answers.agrees(answers.want | {x: want * 1.001}), unit
        if name in WITHOUT_UNIT and unit < 1e-6:
            continue
        single = {"x": arrays["x"].astype(np.float32).astype(np.float64)}
        assert not answers.agrees(answers.op.reference(answers.params, single, *answers.given)), unit
        if want.dtype == np.float64 and offset == 0 and unit > 1e-15:  # a density of strain leaves float32
            assert not answers.agrees(answers.want | {x: want.astype(np.float32).astype(np.float64)}), unit
