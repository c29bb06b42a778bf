"""What a dataset is to the rest: what it holds, where it comes from, and the files or values that pipelines read.

Knows no dataset in particular. Nothing is read or downloaded by describing a dataset.
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
"""Takes a line of progress."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset(ABC):
    """Data with a source, a licence and checksums, in as large a part as a size asks for."""

    name: str
    modality: str
    summary: str
    source: str
    """Who made it, and how it gets here."""
    licence: str
    unit: Unit
    most: float | None
    """The largest size there is; None where more can always be made."""
    split: str
    """How training and test are told apart."""
    files: tuple[str, ...] = ()
    """What a step that reads files may name."""
    value_kind: Kind | None = None
    """Of the value that a step may name as its input ``data``; None where there are only files."""

    @abstractmethod
    def missing(self) -> str | None:
        """Why it isn't here, with what to do; None if it is, or can be made without a download. Reads no data."""

    @abstractmethod
    def fetch(self, say: Say) -> None:
        """Have it here, checked. Downloads only what isn't. Raises BadInput, with the reason and what to do."""

    @abstractmethod
    def checksums(self) -> Mapping[str, str]:
        """By source file its sha256, or that of the recipe where it is made: what the results are tied to."""

    def file(self, name: str, amount: float | None) -> Path:
        """The file or directory of this name that a step reads, at a size. Raises BadInput."""
        raise BadInput(f'dataset {self.name} has no files to read, but a value: let a step say input = "data"')

    def value(self, amount: float | None) -> Arrays:
        """The value called ``data`` at a size, memory-mapped. Raises BadInput."""
        raise BadInput(f"dataset {self.name} has no value, but files: {', '.join(self.files)}")

    def checksum(self) -> str:
        """One sha256 for all of it."""
        return hashlib.sha256("".join(sorted(self.checksums().values())).encode()).hexdigest()

    def directory(self) -> Path:
        """Its place in the cache. Another version of the data has another place."""
        return paths.cache_dir() / "data" / f"{self.name}-{self.checksum()[:12]}"

    def known(self, name: str) -> str:
        """The name of one of its files. Raises BadInput with the nearest one."""
        if name not in self.files:
            raise BadInput(f"dataset {self.name} has no file '{name}'{nearest(name, self.files)}")
        return name


def amount_of(amount: float | None) -> str:
    """An amount as it stands in a file name: ``20000``, ``0.3`` or ``all``."""
    return "all" if amount is None else f"{amount:g}" if amount != int(amount) else str(int(amount))


def evenly(count: int, amount: float | None) -> list[int]:
    """Which ``amount`` of ``count`` things, evenly spaced and in order; all of them without an amount."""
    wanted = count if amount is None else int(amount)
    return [place * count // wanted for place in range(wanted)]
