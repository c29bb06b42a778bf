"""The user's own data, which a pipeline's TOML file names: CSV files, or arrays in one NPZ file."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.data import cache, source
from twinbench.data.dataset import Dataset, Say, amount_of, evenly
from twinbench.errors import BadInput
from twinbench.modalities import MODALITIES, OPEN, ArrayShape
from twinbench.ops.contract import Arrays, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = {"b": "uint8", "i": "int64", "u": "int64", "f": "float64"}
"""Dtypes that the arrays beside ``x`` are read as, by the kinds of dtypes that they may have.

Every library takes these dtypes. An array of uint8 or float32 stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnFiles(Dataset):
    """Files of the user, which are read only when a pipeline runs, so that listing pipelines needs none of them."""

    paths: Mapping[str, Path]

    def missing(self) -> str | None:
        """Return which file doesn't exist and what to do, or None if all exist."""
        absent = next((path for path in self.paths.values() if not path.is_file()), None)
        if absent is None:
            return None
        if absent.exists():
            return f"{absent} is {'a directory' if absent.is_dir() else 'not a file'}; name a file"
        return f"{absent} does not exist; put the file there, or change its path"

    def fetch(self, say: Say) -> None:
        """Check that the files exist: their checksums aren't fixed beforehand. Raises BadInput."""
        reason = self.missing()
        if reason is not None:
            raise BadInput(f"dataset {self.name}: {reason}")

    def checksums(self) -> Mapping[str, str]:
        """Return the sha256 of each file's present content."""
        self.fetch(lambda line: None)
        return {name: _sha256(path, *_state(path)) for name, path in self.paths.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnTables(OwnFiles):
    """Tables in CSV files with a header, in UTF-8. ``main``: the table that a size cuts down."""

    main: str

    def file(self, name: str, amount: float | None) -> Path:
        """Return a copy in the cache; the main table's copy has ``amount`` rows, evenly spaced and in order."""
        path = self.paths[self.require_file(name)]
        cut = int(amount) if name == self.main and amount is not None else None
        target = self.directory() / f"{name}-{amount_of(cut)}.csv"
        if not cache.intact(target):
            with cache.written(target) as out, path.open("rb") as file:
                if cut is None:
                    shutil.copyfileobj(file, out)
                else:
                    out.writelines(line.encode() for line in self._cut(path, cut))
        return target

    def taken(self, amount: float | None) -> str:
        """Describe each table: "orders: 10,000 of 20,000 rows of 5 columns"."""
        return "; ".join(self._table(name, path, amount) for name, path in self.paths.items())

    def _table(self, name: str, path: Path, amount: float | None) -> str:
        records = _records(path)
        header = next(csv.reader([next(records, "")]), [])
        rows = sum(1 for _ in records)
        cut = min(int(amount), rows) if name == self.main and amount is not None else rows
        part = f"{rows:,}" if cut == rows else f"{cut:,} of {rows:,}"
        return f"{name}: {part} {_plural('row', rows)} of {len(header)} {_plural('column', len(header))}"

    def _cut(self, path: Path, wanted: int) -> Iterator[str]:
        rows = sum(1 for _ in _records(path)) - 1
        if wanted > rows:
            raise BadInput(f"dataset {self.name}: {wanted:,} rows asked for, but {path} has {max(rows, 0):,}")
        taken = {0, *(1 + row for row in evenly(rows, wanted))}
        for number, record in enumerate(_records(path)):
            if number in taken:
                yield record


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnArrays(OwnFiles):
    """Arrays in an NPZ file: ``x``; for training also ``y``, the classes from 0, and ``test``, 1 for test examples."""

    def value(self, amount: float | None) -> Arrays:
        """Return the examples, or ``amount`` of them, evenly spaced and in order."""
        return cache.arrays_at(self.directory() / f"examples-{amount_of(amount)}", lambda: self._read(amount))

    def taken(self, amount: float | None) -> str:
        """Describe the examples: "4,000 records of 2 samples", "20 grey images of 30 x 3"."""
        arrays = self.value(amount)
        x = arrays["x"]
        count = len(x)
        if self.modality not in MODALITIES:
            what = f"{count:,} {_plural('record', count)}"
        elif x.ndim == 2:
            what = f"{count:,} {_plural('record', count)} of {x.shape[1]:,} {_plural('sample', x.shape[1])}"
        else:
            colours = "RGB" if x.ndim == 4 else "grey"
            what = f"{count:,} {colours} {_plural('image', count)} of {x.shape[1]:,} x {x.shape[2]:,}"
        if "y" in arrays:
            what += f" in {len(set(arrays['y'].tolist()))} classes"
        if "test" in arrays:
            what += f", {int(arrays['test'].sum()):,} to test on"
        return what

    def _read(self, amount: float | None) -> Arrays:
        import numpy as np

        [path] = self.paths.values()
        self.fetch(lambda line: None)
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {
                    name: values.astype(values.dtype.newbyteorder("="), copy=False) for name, values in file.items()
                }
        except Exception:  # a damaged archive makes its readers raise errors of many kinds
            raise BadInput(
                f"dataset {self.name}: {path} is not an NPZ file of numbers, as numpy.savez writes it"
            ) from None
        problem = next(_problems(arrays, self.modality), None)
        if problem is not None:
            raise BadInput(f"dataset {self.name}: {path}: {problem}")
        count = len(arrays["x"])
        if amount is not None and amount > count:
            raise BadInput(f"dataset {self.name}: {amount:,.0f} {self.unit} asked for, but {path} has {count:,}")
        taken = evenly(count, amount)
        dtypes = {name: _dtype(values) for name, values in arrays.items()} | {"y": "int64", "test": "uint8"}
        return {name: values[taken].astype(dtypes[name], copy=False) for name, values in arrays.items()}


def _dtype(values: NDArray[Any]) -> str:
    """Return the dtype that an array is read as."""
    if values.dtype.kind == "U":
        return values.dtype.str
    return values.dtype.name if values.dtype.name in ("uint8", "float32") else NUMBERS[values.dtype.kind]


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"


def _problems(arrays: Arrays, modality: str) -> Iterator[str]:
    import numpy as np

    own = MODALITIES[modality].own if modality in MODALITIES else OPEN["arrays"]
    assert own is not None
    if "x" not in arrays:
        yield f"it has no array x, but {', '.join(arrays) or 'none at all'}"
        return
    x = arrays["x"]
    if own.x is None:
        if x.ndim == 0:
            yield "x is a single value, and must have one entry for each record"
    elif x.dtype != own.x.dtype or x.ndim not in own.x.axes or (x.ndim == 4 and x.shape[3] != 3):
        yield f"x is {x.dtype} {x.shape}, and must be {own.x.dtype} {own.x.description}{_remedy(x, own.x)}"
    if 0 in x.shape:
        yield f"x is {x.shape}, and must not be empty"
    if x.dtype.kind == "f" and len(wrong := np.argwhere(~np.isfinite(x))):
        first = tuple(int(index) for index in wrong[0])
        yield f"x{list(first)} is {x[first]}, and must be a finite number; replace the value, or leave out its record"
    for name, values in arrays.items():
        if own.x is None and values.dtype.kind == "U":
            pass  # text, which the user's own functions take
        elif values.dtype.kind not in NUMBERS or values.dtype.itemsize > np.dtype(np.float64).itemsize:
            yield f"{name} holds {values.dtype}, and not every library takes other arrays than numbers; leave it out"
        elif values.dtype.kind == "u" and values.max(initial=0) > np.iinfo(np.int64).max:
            yield f"{name} holds {values.max()}, and no library takes whole numbers from 2^63 on; leave it out"
        if values.shape[:1] != x.shape[:1]:
            yield f"{name} is {values.shape}, but x has {len(x)} examples; leave it out, or give it one value for each"
    for name, kinds in (("y", "iu"), ("test", "iub")):
        if name in arrays and (arrays[name].dtype.kind not in kinds or arrays[name].ndim != 1 or min(arrays[name]) < 0):
            yield f"{name} must be a whole number from 0 for each example"
    if "test" in arrays and max(arrays["test"]) > 1:
        yield "test must be 0 or 1 for each example"


def _remedy(x: NDArray[Any], wanted: ArrayShape) -> str:
    """Return what makes of x what is wanted, as NumPy's users write it; empty where that can't be told."""
    images = max(wanted.axes) == 4
    if x.ndim == min(wanted.axes) - 1:
        remedy = "save x[None], if this is a single one"
    elif images and x.ndim == 4 and x.shape[3] == 1:
        remedy = "save x[..., 0]"
    elif images and x.ndim == 4 and x.shape[3] == 4:
        remedy = "save x[..., :3]"
    elif images and x.ndim == 4 and x.shape[1] == 3:
        remedy = "save numpy.moveaxis(x, 1, 3)"
    elif not images and x.ndim == 3:
        remedy = f"save x.reshape(-1, {x.shape[2]})"
    elif x.dtype != wanted.dtype and x.dtype.kind in "biuf":
        remedy = f"{'scale and round it, and ' if images else ''}save x.astype('{wanted.dtype}')"
    else:
        return ""
    return f"; {remedy}"


def _records(path: Path) -> Iterator[str]:
    """Yield the records of a CSV file unchanged; a quoted value may extend over several lines."""
    with path.open(newline="", encoding="utf-8") as file:
        lines = _Lines(file)
        limit = csv.field_size_limit(2**31 - 1)  # a field may be longer than Python's csv module allows by default
        try:
            for _ in csv.reader(lines):
                yield lines.taken()
        except (UnicodeDecodeError, csv.Error) as error:
            raise BadInput(_reason(path) or f"{path}: not a CSV file in UTF-8: {error}") from None
        finally:
            csv.field_size_limit(limit)


def _reason(path: Path) -> str:
    """Say what a file is that isn't CSV in UTF-8, and what to do; empty if that can't be said."""
    from twinbench.ops.tables import read

    try:
        read.check_bytes(str(path))
    except OutsideContract as error:
        return str(error)
    return ""


class _Lines:
    """An iterator over lines that collects them until the caller takes them as one record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self._collected: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            self._collected.append(line)
            yield line

    def taken(self) -> str:
        record, self._collected = "".join(self._collected), []
        return record if record.endswith(("\n", "\r")) else record + "\n"


def _state(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_size, stat.st_mtime_ns


@lru_cache(maxsize=64)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Return the sha256 of a file, computed once for each size and time of modification."""
    return source.sha256(path)
