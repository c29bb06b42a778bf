"""The datasets by name. Listing them reads and downloads nothing."""

from __future__ import annotations

from collections.abc import Mapping

from twinbench.data import series
from twinbench.data.audio import RECORDING, SNIPPETS
from twinbench.data.dataset import Dataset
from twinbench.data.db_benchmark import DB_BENCHMARK
from twinbench.data.flights import NYCFLIGHTS13
from twinbench.data.speech import SPOKEN_DIGITS
from twinbench.errors import BadInput, nearest

DATASETS: Mapping[str, Dataset] = {
    dataset.name: dataset
    for dataset in (NYCFLIGHTS13, *DB_BENCHMARK, *series.DATASETS, SPOKEN_DIGITS, RECORDING, SNIPPETS)
}


def get(name: str) -> Dataset:
    """The dataset of this name. Raises BadInput with the nearest one."""
    if name not in DATASETS:
        raise BadInput(f"unknown dataset '{name}'{nearest(name, DATASETS)}")
    return DATASETS[name]
