"""``spoken-digits``: the digits from zero to nine, spoken by many voices of espeak-ng over a little noise.

Made here, always in the same way: by the library that the package ``espeakng-loader`` brings, or else by an installed
``espeak-ng``. The two differ a little, and their checksums tell them apart.
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
"""What espeak-ng speaks at."""
SAMPLES = RATE_HZ
"""Of each file: one second."""
NOISE = 30.0
"""Standard deviation of the noise in every file, from its beginning to its end, in 16-bit levels."""
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
ACCENTS = ("en", "en-us", "en-gb-scotland", "en-gb-x-rp", "en-029", "en-gb-x-gbclan")
VARIANTS = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f4", "Andrea", "belinda", "steph")
"""None with breath: espeak-ng draws that at random, without a seed."""
TEST_EVERY = 4
"""One speaker in so many is for testing."""
TIMEOUT_S = 300

Utterance = tuple[str, str, int, int]
"""What is said, by which voice, how fast (words a minute), and how high (0 to 99)."""


def speakers() -> list[tuple[str, int, int]]:
    """Voices with a speed and a pitch, in an order in which accents and variants mix."""
    rng = random.Random(20130101)
    voices = [f"{accent}+{variant}" for accent, variant in itertools.product(ACCENTS, VARIANTS)]
    rng.shuffle(voices)
    return [(voice, rng.randrange(130, 200), rng.randrange(25, 75)) for voice in voices]


def utterances() -> list[Utterance]:
    """Every digit of every speaker, one speaker after the other."""
    return [(digit, *speaker) for speaker in speakers() for digit in DIGITS]


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech(Dataset):
    """A folder of WAV files, with one folder for training and one for testing: ``train/3-07-en-us+m1.wav``."""

    def missing(self) -> str | None:
        """espeak-ng is to be installed."""
        return None if engine() else "it is spoken by espeak-ng, which is not here; pip install 'twinbench[audio]'"

    def fetch(self, say: Say) -> None:
        """Nothing: it is made when it is needed."""
        self._check()

    def checksums(self) -> Mapping[str, str]:
        """Of the recipe: the code in this file and in `espeak`, and the version of the engine."""
        recipe = [Path(file).read_bytes() for file in (__file__, espeak.__file__)] + [str(engine()).encode()]
        return {"recipe": hashlib.sha256(b"".join(recipe)).hexdigest()}

    def file(self, name: str, amount: float | None) -> Path:
        """The folder with the first ``amount`` recordings."""
        count = int(amount if amount is not None else self.most or 0)
        target = self.directory() / f"{self.known(name)}-{amount_of(count)}"
        if not target.is_dir():
            self._check()
            with cache.made(target) as directory:
                _record(directory, utterances()[:count])
        return target

    def _check(self) -> None:
        reason = self.missing()
        if reason is not None:
            raise BadInput(f"dataset {self.name}: {reason}")


def engine() -> tuple[str, str] | None:
    """What speaks, and its version: the package's library, or the installed program."""
    try:
        return "espeakng-loader", importlib.metadata.version("espeakng-loader")
    except importlib.metadata.PackageNotFoundError:
        program = shutil.which("espeak-ng")
    if program is None:
        return None
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S).stdout
    return program, " ".join(said.split()[:4])


def _record(directory: Path, texts: Sequence[Utterance]) -> None:
    """Each utterance somewhere in its second, over noise."""
    import numpy as np

    for part in ("train", "test"):
        (directory / part).mkdir()
    rng = np.random.default_rng(20130101)
    for place, ((digit, voice, _, _), said) in enumerate(zip(texts, _said(texts), strict=True)):
        speaker = place // len(DIGITS)
        part = "test" if speaker % TEST_EVERY == TEST_EVERY - 1 else "train"
        samples = rng.normal(scale=NOISE, size=SAMPLES)
        said = said[:SAMPLES]
        start = int(rng.integers(0, SAMPLES - len(said) + 1))
        samples[start : start + len(said)] += said
        _write(directory / part / f"{DIGITS.index(digit)}-{speaker:02}-{voice}.wav", samples)


def _write(path: Path, samples: NDArray[Any]) -> None:
    import numpy as np

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.clip(np.rint(samples), -32768, 32767).astype("<i2").tobytes())


def _said(texts: Sequence[Utterance]) -> Iterator[NDArray[Any]]:
    """The samples of each text, without the silence around them."""
    import numpy as np

    found = engine()
    by_library = found is not None and found[0] == "espeakng-loader"
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
    command = [sys.executable, espeak.__file__, str(library), str(home / "espeak-ng-data")]
    spoken = io.BytesIO(_run(command, json.dumps(list(texts)).encode()))
    while length := spoken.read(4):
        yield spoken.read(struct.unpack("<I", length)[0])


def _by_program(texts: Sequence[Utterance]) -> Iterator[bytes]:
    for text, voice, speed, pitch in texts:
        command = ["espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch), "--stdout", text]
        with wave.open(io.BytesIO(_run(command))) as sound:
            yield sound.readframes(SAMPLES * 10)


def _run(command: list[str], given: bytes = b"") -> bytes:
    try:
        return subprocess.run(command, input=given, capture_output=True, check=True, timeout=TIMEOUT_S).stdout
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", None) or b"").decode(errors="replace").strip().splitlines()
        raise BadInput(f"dataset spoken-digits: espeak-ng failed: {said[-1] if said else error}") from None


SPOKEN_DIGITS = Speech(
    name="spoken-digits",
    modality="signals",
    summary="The ten digits spoken by 72 voices in 6 accents, one second at 22,050 Hz each, over a little noise",
    source="synthesised here by espeak-ng (github.com/espeak-ng/espeak-ng), from the package espeakng-loader",
    licence="what is spoken is nobody's; espeak-ng itself is GPL-3.0-or-later",
    unit="records",
    most=len(ACCENTS) * len(VARIANTS) * len(DIGITS),
    split="by speaker: every fourth one is for testing",
    files=("recordings",),
)
