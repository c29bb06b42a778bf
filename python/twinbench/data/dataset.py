"""The interface of a dataset: its contents, its source, and the files or values that pipelines read.

This module knows no particular dataset. Describing a dataset reads and downloads nothing.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twinbench import paths
from twinbench.errors import BadInput, nearest
from twinbench.modalities import Unit
from twinbench.ops.contract import Arrays, Kind

Say = Callable[[str], None]
"""Function that shows a line of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(ABC):
    """Data with a source, a licence and checksums, of which a pipeline's size takes a part."""

    name: str
    modality: str
    summary: str
    source: str
    """Who made the data, and how they get onto this machine."""
    licence: str
    unit: Unit
    most: float | None
    """Largest amount available, in units; None if any amount can be generated."""
    split: str
    """How training data and test data are separated."""
    files: tuple[str, ...] = ()
    """Names of the files that a step may read."""
    value_kind: Kind | None = None
    """Kind of the value that a step names as its input ``data``; None if the dataset has only files."""

    @abstractmethod
    def missing(self) -> str | None:
        """Return why the data can't be used here, and what to do; None if they can, without a download.

        Reads no data.
        """

    @abstractmethod
    def fetch(self, say: Say) -> None:
        """Download the files that this machine lacks, and check all. Raises BadInput with the reason and what to do."""

    @abstractmethod
    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each source file, or of the recipe of generated data. Results are tied to them."""

    def file(self, name: str, amount: float | None) -> Path:
        """Return the path of a file or directory of the dataset at a size (all of it for None). Raises BadInput."""
        raise BadInput(f'dataset {self.name} has no files to read, but a value: let a step say input = "data"')

    def value(self, amount: float | None) -> Arrays:
        """Return the value ``data`` at a size (all of it for None), memory-mapped. Raises BadInput."""
        raise BadInput(f"dataset {self.name} has no value, but files: {', '.join(self.files)}")

    def taken(self, amount: float | None) -> str:
        """Describe in words what of the user's own data is taken at a size; empty for other data. Raises BadInput."""
        return ""

    def checksum(self) -> str:
        """Return one sha256 for the whole dataset."""
        return hashlib.sha256("".join(sorted(self.checksums().values())).encode()).hexdigest()

    def directory(self) -> Path:
        """Return the dataset's directory in the cache, whose name depends on the version of the data."""
        return paths.cache_dir() / "data" / f"{self.name}-{self.checksum()[:12]}"

    def require_file(self, name: str) -> str:
        """Return ``name`` if the dataset has such a file. Raises BadInput with the nearest name."""
        if name not in self.files:
            raise BadInput(f"dataset {self.name} has no file '{name}'{nearest(name, self.files)}")
        return name


def amount_of(amount: float | None) -> str:
    """Return an amount as it is written in a file name: ``20000``, ``0.3`` or ``all``."""
    return "all" if amount is None else f"{amount:g}" if amount != int(amount) else str(int(amount))


def evenly(count: int, amount: float | None) -> list[int]:
    """Return ``amount`` of the indices below ``count``, evenly spaced and in order; all of them for None."""
    wanted = count if amount is None else int(amount)
    return [i * count // wanted for i in range(wanted)]
