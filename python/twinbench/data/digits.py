"""``digits``: handwritten digits of 8 x 8 pixels, read from scikit-learn's file without importing scikit-learn."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from dataclasses import dataclass

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of, evenly
from twinbench.ops.contract import Arrays

FILE = "sklearn/datasets/data/digits.csv.gz"
SHA256 = "09f66e6debdee2cd2b5ae59e0d6abbb73fc2b0e0185d2e1957e9ebb51e23aa22"
BLACKEST = 16
"""Highest value in the file, which counts the inked points in a square of 4 x 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits(Dataset):
    """Handwritten digits.

    The value holds ``x`` uint8 (images, 8, 8), stretched to 0..255, and ``y`` int64, the digits.
    """

    def missing(self) -> str | None:
        """Return what to do if scikit-learn isn't installed, else None."""
        return source.not_installed("scikit-learn")

    def fetch(self, say: Say) -> None:
        """Check the checksum of the installed file."""
        source.installed_file(self.name, "scikit-learn", FILE, SHA256)

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of the file as distributed."""
        return {FILE: SHA256}

    def value(self, amount: float | None) -> Arrays:
        """Return the digits, or ``amount`` of them, evenly spaced and in order."""
        return cache.arrays_at(self.directory() / f"images-{amount_of(amount)}", lambda: self._read(amount))

    def _read(self, amount: float | None) -> Arrays:
        import numpy as np

        with gzip.open(source.installed_file(self.name, "scikit-learn", FILE, SHA256)) as file:
            rows = np.loadtxt(file, delimiter=",", dtype=np.int64)
        rows = rows[evenly(len(rows), amount)]
        ink = rows[:, :-1].reshape(-1, 8, 8)
        return {"x": ((ink * 255 + BLACKEST // 2) // BLACKEST).astype(np.uint8), "y": rows[:, -1]}


DIGITS = Digits(
    name="digits",
    modality="images",
    summary="1,797 handwritten digits of 13 people, 8 x 8 pixels, 10 classes",
    source="E. Alpaydin & C. Kaynak 1998, UCI Machine Learning Repository, the test set, as packaged by scikit-learn",
    licence="CC-BY-4.0",
    unit="images",
    most=1797,
    split="by the pipeline: a quarter of each class, seeded",
    value_kind="images",
)
