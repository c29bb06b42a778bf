"""The inputs that the command line gives: files and values, by position or by name."""

from __future__ import annotations

import csv
import json
import math
import re
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinbench.errors import BadInput
from twinbench.pair.callee import wire
from twinbench.pair.callee.values import MISSING, Masked, Named, Other, Table

NAMED = re.compile(r"([^\W\d]\w*)=(.*)", re.DOTALL)
SUFFIXES = (".npy", ".npz", ".csv", ".parquet", ".arrow", ".json", ".txt", ".wav", ".png", ".jpg")
LARGEST_WHOLE = 2**63


@dataclass(frozen=True, slots=True)
class Input:
    """The arguments of one call, as neutral values."""

    label: str
    positional: list[Any] = field(default_factory=list)
    named: dict[str, Any] = field(default_factory=dict)

    def encoded(self) -> bytes:
        """Return the arguments as the processes get them."""
        return wire.encode({"positional": tuple(self.positional), "named": Named(self.named)})

    def values(self) -> list[Any]:
        """Return all arguments, those by position first."""
        return [*self.positional, *self.named.values()]


def refuse_others(example: Input) -> None:
    """Check that both languages can have all arguments. Raises BadInput."""
    for index, value in enumerate(example.positional, 1):
        _refuse_others(value, f"{example.label}: argument {index}")
    for name, value in example.named.items():
        _refuse_others(value, f"{example.label}: argument '{name}'")
    try:
        example.encoded()
    except ValueError as error:
        raise BadInput(f"{example.label}: {error}") from None


def _refuse_others(value: Any, whose: str) -> None:
    if isinstance(value, Other):
        kinds = "numbers, strings, arrays, tables, and lists and mappings of these"
        raise BadInput(f"{whose}: a value of type {value.kind} can't be handed over; arguments are {kinds}")
    if isinstance(value, Table):
        value = value.columns
    if isinstance(value, Named):
        value = value.values
    if hasattr(value, "dtype") and value.dtype.kind == "O":
        value = value.ravel().tolist()
    if isinstance(value, (list, tuple, dict)):
        for item in value.values() if isinstance(value, dict) else value:
            _refuse_others(item, whose)


def from_options(texts: list[str]) -> Input:
    """Read the values of ``--input``, which together are the arguments of one call. Raises BadInput."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for text in texts:
        match = NAMED.fullmatch(text)
        if match is None:
            positional.append(read(Path(text)))
        elif match[1] in named:
            raise BadInput(f"--input {text}: {match[1]} is given twice; give each argument once")
        else:
            named[match[1]] = _value(match[2])
    return Input("the given input", positional, named)


def _value(text: str) -> Any:
    """Return what a text after ``NAME=`` means: a file's content, JSON, or the text itself."""
    if Path(text).suffix.lower() in SUFFIXES and Path(text).is_file():
        return read(Path(text))
    try:
        return json.loads(text)
    except ValueError:
        return text


def read(path: Path) -> Any:
    """Read a file as a neutral value. Raises BadInput for a file that is missing, damaged or of another kind."""
    readers = {
        ".npy": _npy,
        ".npz": _npz,
        ".csv": _csv,
        ".parquet": _arrow,
        ".arrow": _arrow,
        ".json": _json,
        ".txt": lambda file: file.read_text(encoding="utf-8"),
        ".wav": _wav,
        ".png": _picture,
        ".jpg": _picture,
    }
    if not path.is_file():
        hint = "" if path.suffix else f"; a value has a name, as in --input NAME={path}"
        raise BadInput(f"--input {path}: no such file{hint}")
    if path.suffix.lower() not in readers:
        raise BadInput(f"--input {path}: files are {', '.join(SUFFIXES)}, and a value is written NAME=VALUE")
    try:
        return readers[path.suffix.lower()](path)
    except Exception as error:  # a damaged file makes its readers raise errors of many kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise BadInput(f"--input {path}: can't be read: {reason}") from None


def _npy(path: Path) -> Any:
    import numpy as np

    array = np.load(path, allow_pickle=False)
    if not isinstance(array, np.ndarray):
        raise ValueError("the file is an archive of arrays; name it .npz")
    return _plain(array)


def _npz(path: Path) -> Any:
    import numpy as np

    with np.load(path, allow_pickle=False) as archive:
        return {name: _plain(archive[name]) for name in archive.files}


def _plain(array: Any) -> Any:
    """Return an array with an element type that both languages have; strings as an array of objects."""
    from twinbench.pair.callee.native import neutral

    array = neutral(array)
    if isinstance(array, Table):
        raise ValueError("records of several fields can't be handed over; save each field as an array")
    return array


def _json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def _csv(path: Path) -> Table:
    """Read a CSV file with a header line. A column is of numbers or booleans if all its fields are; "" is missing."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.reader(file)
        header = next(lines, None)
        if not header:
            raise ValueError("the file is empty; the first line has the names of the columns")
        if len(set(header)) < len(header):
            raise ValueError(f"two columns are named '{next(name for name in header if header.count(name) > 1)}'")
        rows = list(_full_rows(lines, len(header)))
    return Table({name: _csv_column([row[i] for row in rows]) for i, name in enumerate(header)}, len(rows))


def _full_rows(lines: Any, width: int) -> Iterator[list[str]]:
    for row in lines:
        if len(row) not in (0, width):
            raise ValueError(f"line {lines.line_num} has {len(row)} fields, the header has {width}")
        if row:
            yield row


def _csv_column(texts: list[str]) -> Any:
    import numpy as np

    missing = np.array([text == "" for text in texts], bool)
    present = [text for text in texts if text != ""]
    for dtype, convert in (("int64", _whole), ("float64", _number), ("bool", _truth)):
        numbers = [convert(text) for text in present]
        if numbers and None not in numbers:
            values = np.zeros(len(texts), dtype)
            values[~missing] = numbers
            return Masked(values, missing) if missing.any() else values
    return _objects([text if text != "" else MISSING for text in texts])


def _objects(items: list[Any]) -> Any:
    import numpy as np

    array = np.empty(len(items), object)
    for index, item in enumerate(items):
        array[index] = item
    return array


def _whole(text: str) -> int | None:
    if not re.fullmatch(r"[+-]?(0|[1-9]\d{0,18})", text, re.ASCII):
        return None
    return int(text) if -LARGEST_WHOLE <= int(text) < LARGEST_WHOLE else None


def _number(text: str) -> float | None:
    if not re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf|nan", text, re.ASCII | re.IGNORECASE):
        return None
    return math.nan if text.lower() == "nan" else float(text)


def _truth(text: str) -> bool | None:
    return {"true": True, "false": False}.get(text.lower())


def _arrow(path: Path) -> Table:
    """Read a Parquet file or an Arrow IPC file."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from twinbench.pair.callee.native import neutral

    try:
        if path.suffix.lower() == ".parquet":
            frame = neutral(parquet.read_table(path))
        else:
            with pa.memory_map(str(path)) as file:
                frame = neutral(pa.ipc.open_file(file).read_all())
    except pa.ArrowException as error:
        raise ValueError(str(error)) from None
    assert isinstance(frame, Table)
    return frame


def _wav(path: Path) -> Any:
    """Read PCM samples, ``(samples,)`` or ``(samples, channels)``, as the whole numbers that the file holds."""
    import numpy as np

    with wave.open(str(path), "rb") as file:
        dtype = {1: "<u1", 2: "<i2", 4: "<i4"}.get(file.getsampwidth())
        if dtype is None:
            raise ValueError(f"samples have {8 * file.getsampwidth()} bits; convert the file to 16 bits")
        samples = np.frombuffer(file.readframes(file.getnframes()), dtype).copy()
        return samples if file.getnchannels() == 1 else samples.reshape(-1, file.getnchannels())


def _picture(path: Path) -> Any:
    """Read a PNG or JPEG file as ``(height, width)`` or ``(height, width, 3)`` of uint8."""
    from twinbench.ops.images.jpeg import read_jpeg
    from twinbench.ops.images.png import read_png

    read = read_png if path.suffix.lower() == ".png" else read_jpeg
    return read(path.read_bytes())
