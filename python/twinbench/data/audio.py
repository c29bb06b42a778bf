"""Synthetic sound of any length: seeded tones, noise and clicks.

The samples of a second depend only on the second's index, so that a longer recording begins with the shorter one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache
from twinbench.data.dataset import Dataset, Say, amount_of
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

RATE_HZ = 48_000
TONES = ((440.0, 0.5), (1_760.0, 0.25), (9_000.0, 0.1))
"""Tones of the recording: frequencies in Hz with their amplitudes."""
NOISE = 0.02
"""Standard deviation of the noise."""
CLICKS = 5
"""Number of clicks in a second."""
CLICK_SAMPLES = 96
"""Length of a click, a burst at 6 kHz that decays within 2 ms, in samples."""
SNIPPET_SAMPLES = 1024
"""Length of a snippet in samples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(Dataset):
    """Sound that is synthesised when a pipeline needs it. The value holds ``x`` float64 (records, samples)."""

    make: Callable[[int], Arrays]
    """Function from an amount (seconds or records) to the value."""

    def missing(self) -> str | None:
        """Return None: the sound can always be synthesised."""
        return None

    def fetch(self, say: Say) -> None:
        """Do nothing: the sound is synthesised on this machine."""

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of the recipe, which is the code in this file."""
        return {"recipe": hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}

    def value(self, amount: float | None) -> Arrays:
        """Return the sound of an amount, which is rounded up to a whole number."""
        whole = -int(-(amount if amount is not None else self.most or 1) // 1)
        return cache.arrays_at(self.directory() / f"value-{amount_of(whole)}", lambda: self.make(whole))


def recording(seconds: int) -> Arrays:
    """Synthesise one record of this many seconds."""
    import numpy as np

    x = np.empty((1, seconds * RATE_HZ))
    for second in range(seconds):
        x[0, second * RATE_HZ : (second + 1) * RATE_HZ] = _second(second)
    return {"x": x}


def _second(second: int) -> NDArray[Any]:
    import numpy as np

    rng = np.random.default_rng([20130101, second])
    x = rng.normal(scale=NOISE, size=RATE_HZ)
    t = (second * RATE_HZ + np.arange(RATE_HZ)) / RATE_HZ
    for frequency, amplitude in TONES:
        x += amplitude * np.sin(2 * np.pi * frequency * t)
    burst = np.arange(CLICK_SAMPLES)
    click = np.exp(-burst / 16) * np.cos(2 * np.pi * 6_000 * burst / RATE_HZ)
    for start in rng.integers(0, RATE_HZ - CLICK_SAMPLES, size=CLICKS):
        x[start : start + CLICK_SAMPLES] += rng.uniform(2.0, 4.0) * click
    return x


def snippets(records: int) -> Arrays:
    """Synthesise this many records of 1,024 samples, each with its own tone, noise and one click."""
    import numpy as np

    x = np.empty((records, SNIPPET_SAMPLES))
    t = np.arange(SNIPPET_SAMPLES) / RATE_HZ
    for record in range(records):
        rng = np.random.default_rng([20130102, record])
        x[record] = rng.normal(scale=NOISE, size=SNIPPET_SAMPLES)
        x[record] += rng.uniform(0.2, 0.6) * np.sin(2 * np.pi * (rng.uniform(200, 10_000) * t + rng.uniform()))
        x[record, rng.integers(1, SNIPPET_SAMPLES - 1)] += 2.0
    return {"x": x}


RECORDING = Audio(
    name="recording",
    modality="signals",
    summary="One long recording at 48 kHz: three tones, noise, and five clicks a second",
    source="made here by NumPy from fixed seeds",
    licence="MIT, as twinbench",
    unit="seconds",
    most=600,
    split="none: there are no labels",
    value_kind="arrays",
    make=recording,
)
SNIPPETS = Audio(
    name="snippets",
    modality="signals",
    summary="Many short records of 1,024 samples at 48 kHz: a tone, noise and a click in each",
    source="made here by NumPy from fixed seeds",
    licence="MIT, as twinbench",
    unit="records",
    most=100_000,
    split="none: there are no labels",
    value_kind="arrays",
    make=snippets,
)
