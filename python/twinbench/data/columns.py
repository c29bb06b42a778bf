"""Read a dataset's CSV files into neutral columns, once; later calls memory-map the columns."""

from __future__ import annotations

from pathlib import Path

from twinbench.data import cache
from twinbench.data.dataset import Dataset
from twinbench.ops.contract import Arrays


def columns(dataset: Dataset, name: str, amount: float | None) -> Arrays:
    """Return a table by column, with the types that pyarrow infers; missing values are NaN and ``""``."""
    file = dataset.file(name, amount)
    return cache.arrays_at(file.with_suffix(".npy.d"), lambda: _read(file))


def _read(path: Path) -> Arrays:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True, timestamp_parsers=["-"])
    table = csv.read_csv(path, convert_options=options)
    out: Arrays = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_integer(column.type) and column.null_count == 0:
            out[name] = column.to_numpy()
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            out[name] = column.cast(pa.float64()).to_numpy()
        else:
            out[name] = np.array([value or "" for value in column.cast(pa.string()).to_pylist()], dtype=np.str_)
    return out
