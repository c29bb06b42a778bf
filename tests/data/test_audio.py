"""Synthetic sound: the same every time, longer ones begin with the shorter, and what is in it is where it should be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from twinbench.data import audio


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))


def test_a_longer_recording_begins_with_the_shorter_one():
    short, long = audio.RECORDING.value(1)["x"], audio.RECORDING.value(3)["x"]
    assert long.shape == (1, 3 * audio.RATE_HZ)
    np.testing.assert_array_equal(long[:, : audio.RATE_HZ], short)


def test_a_fraction_of_a_second_is_rounded_up():
    assert audio.RECORDING.value(1.5)["x"].shape == (1, 2 * audio.RATE_HZ)


def test_a_recording_has_the_tones_and_clicks_that_are_declared():
    x = np.array(audio.RECORDING.value(4)["x"][0])
    f, power = signal.periodogram(x, audio.RATE_HZ, scaling="spectrum")
    for frequency, amplitude in audio.TONES:
        assert power[np.argmin(abs(f - frequency))] == pytest.approx(amplitude**2 / 2, rel=0.05)
    peaks, _ = signal.find_peaks(x, prominence=2.5, distance=audio.CLICK_SAMPLES)
    assert len(peaks) == pytest.approx(4 * audio.CLICKS, abs=3)


def test_snippets_differ_and_are_the_same_every_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    first = np.array(audio.SNIPPETS.value(20)["x"])
    assert first.shape == (20, audio.SNIPPET_SAMPLES)
    assert len({row.tobytes() for row in first}) == 20
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "other"))
    np.testing.assert_array_equal(audio.SNIPPETS.value(30)["x"][:20], first)


def test_nothing_is_to_be_fetched():
    for dataset in (audio.RECORDING, audio.SNIPPETS):
        assert dataset.missing() is None
        dataset.fetch(print)
        assert len(dataset.checksums()["recipe"]) == 64
