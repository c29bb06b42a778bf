"""All datasets by name. Listing them reads and downloads nothing."""

from __future__ import annotations

from collections.abc import Mapping

from twinbench.data import series
from twinbench.data.audio import RECORDING, SNIPPETS
from twinbench.data.dataset import Dataset
from twinbench.data.db_benchmark import DB_BENCHMARK
from twinbench.data.digits import DIGITS
from twinbench.data.flights import NYCFLIGHTS13
from twinbench.data.mnist import FASHION_MNIST, MNIST
from twinbench.data.photos import PHOTOS
from twinbench.data.speech import SPOKEN_DIGITS
from twinbench.errors import BadInput, nearest

_TABLES = (NYCFLIGHTS13, *DB_BENCHMARK)
_SIGNALS = (*series.DATASETS, SPOKEN_DIGITS, RECORDING, SNIPPETS)
_IMAGES = (DIGITS, PHOTOS, MNIST, FASHION_MNIST)

DATASETS: Mapping[str, Dataset] = {dataset.name: dataset for dataset in (*_TABLES, *_SIGNALS, *_IMAGES)}


def get(name: str) -> Dataset:
    """Return the dataset of this name. Raises BadInput with the nearest name."""
    if name not in DATASETS:
        raise BadInput(f"unknown dataset '{name}'{nearest(name, DATASETS)}")
    return DATASETS[name]
