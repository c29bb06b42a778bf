"""The cache of datasets: checked sources turned once into CSV files of each size, and into memory-mapped arrays.

Files are written beside their place and renamed, so that two runs at once can't see half of one.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from twinbench import paths
from twinbench.data.registry import Dataset, Table
from twinbench.errors import BadInput, nearest
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays

CHUNK = 1 << 20


def csv_file(dataset: Dataset, name: str, rows: int | None) -> Path:
    """The CSV file of a table, uncompressed; its main table is cut to ``rows``, evenly spaced and in order."""
    table = _table(dataset, name)
    cut = rows if name == dataset.main and rows is not None and rows < table.rows else None
    target = _directory(dataset) / f"{name}-{cut or 'all'}.csv"
    if not target.is_file():
        source = _checked(dataset, table)
        with _written(target) as out, _opened(source, table) as file:
            if cut is None:
                shutil.copyfileobj(file, out, CHUNK)
            else:
                out.writelines(_evenly(file, table.rows, cut))
    return target


def table_arrays(dataset: Dataset, name: str, rows: int | None) -> Arrays:
    """A table as memory-mapped neutral columns: integers, floats and strings as pyarrow infers them."""
    target = _directory(dataset) / f"{name}-{rows or 'all'}.npy.d"
    if not arrays.saved(target):
        arrays.save(target, _read(csv_file(dataset, name, rows)))
    return arrays.load(target)


def _read(path: Path) -> Arrays:
    import numpy as np
    import pyarrow as pa
    from pyarrow import csv

    options = csv.ConvertOptions(null_values=["", "NA"], strings_can_be_null=True, timestamp_parsers=["-"])
    out: Arrays = {}
    for name, column in zip(
        (table := csv.read_csv(path, convert_options=options)).column_names, table.columns, strict=True
    ):
        if pa.types.is_integer(column.type) and column.null_count == 0:
            out[name] = column.to_numpy()
        elif pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            out[name] = column.cast(pa.float64()).to_numpy()
        else:
            out[name] = np.array([value or "" for value in column.cast(pa.string()).to_pylist()], dtype=np.str_)
    return out


def source_files(dataset: Dataset) -> dict[str, str]:
    """Table to checksum: what the results are tied to."""
    return {name: table.sha256 for name, table in dataset.tables.items()}


def checksum(dataset: Dataset) -> str:
    """One sha256 for the whole dataset, over the checksums of its files."""
    return hashlib.sha256("".join(sorted(source_files(dataset).values())).encode()).hexdigest()


def _table(dataset: Dataset, name: str) -> Table:
    if name not in dataset.tables:
        raise BadInput(f"dataset {dataset.name} has no table '{name}'{nearest(name, dataset.tables)}")
    return dataset.tables[name]


def _directory(dataset: Dataset) -> Path:
    return paths.cache_dir() / "data" / f"{dataset.name}-{checksum(dataset)[:12]}"


def _checked(dataset: Dataset, table: Table) -> Path:
    """The distributed file, if it is there and has the right checksum. The distribution isn't imported."""
    try:
        files = importlib.metadata.files(dataset.distribution) or []
    except importlib.metadata.PackageNotFoundError:
        remedy = f"pip install {dataset.distribution}"
        raise BadInput(f"dataset {dataset.name}: its package is not installed; {remedy}") from None
    path = next((Path(str(file.locate())) for file in files if str(file) == table.file), None)
    if path is None or not path.is_file():
        raise BadInput(f"dataset {dataset.name}: {table.file} is missing; reinstall {dataset.distribution}")
    found = sha256(path)
    if found != table.sha256:
        raise BadInput(
            f"dataset {dataset.name}: checksum mismatch of {path}: {found[:12]}... instead of {table.sha256[:12]}...; "
            f"reinstall {dataset.distribution}"
        )
    return path


def sha256(path: Path) -> str:
    """The checksum of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _opened(path: Path, table: Table) -> Iterator[IO[bytes]]:
    if table.member is None:
        with path.open("rb") as file:
            yield file
    else:
        with zipfile.ZipFile(path) as archive, archive.open(table.member) as file:
            yield file


@contextmanager
def _written(target: Path) -> Iterator[IO[bytes]]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    except OSError as error:
        raise BadInput(f"the cache can't be written: {error}; set TWINBENCH_CACHE_DIR to a place with room") from None
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _evenly(lines: IO[bytes], rows: int, wanted: int) -> Iterator[bytes]:
    """The header, then ``wanted`` of ``rows`` lines: line k * rows // wanted for each k."""
    yield next(lines)
    take = 0
    for place, line in enumerate(lines):
        if take < wanted and place == take * rows // wanted:
            take += 1
            yield line
