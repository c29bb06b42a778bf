"""Neutral values on disk, one file for each value, and small arrays inside a message.

A file begins with `MAGIC` and the length of a table in JSON, as 8 bytes in little-endian order. The table has an entry
for each array: name, dtype, shape, whether the order is Fortran's, and where the bytes begin, counted from the first
array. A file is memory-mapped as a whole, so a value of thousands of arrays needs one descriptor. No pickle is ever
written or read.
"""

from __future__ import annotations

import base64
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

FILE = "value.arrays"
"""File of a value, in a directory of its own."""

MAGIC = b"twinbench arrays 1\n\0\0\0\0\0"
"""First bytes of a file, 24 of them."""

ALIGNMENT = 64
"""Divisor of the position of each array in a file: a line of the processor's cache, as NumPy aligns its own files."""

KINDS = "biufcU"
"""Kinds of dtypes, as NumPy names them: Booleans, whole numbers, real and complex numbers, and text."""


def save(directory: Path, arrays: Arrays) -> None:
    """Write arrays into a directory, which is created if needed. Raises ValueError for a dtype that isn't in `KINDS`.

    The file gets its name last: without it the directory holds no value.
    """
    import numpy as np

    table: list[list[Any]] = []
    ordered: list[NDArray[Any]] = []
    offset = 0
    for name, values in arrays.items():
        array = np.asanyarray(values)
        if array.dtype.kind not in KINDS:
            raise ValueError(f"{name}: an array of {array.dtype} can't be saved")
        is_fortran = array.flags.f_contiguous and not array.flags.c_contiguous
        ordered.append(array.T if is_fortran else array)
        table.append([name, array.dtype.str, list(array.shape), is_fortran, offset])
        offset += _padded(array.nbytes)
    head = json.dumps(table).encode()
    directory.mkdir(parents=True, exist_ok=True)
    unfinished = directory / f"{FILE}.{os.getpid()}"
    with unfinished.open("wb") as file:
        file.write((MAGIC + len(head).to_bytes(8, "little") + head).ljust(_start(len(head)), b"\0"))
        for array in ordered:
            np.ascontiguousarray(array).tofile(file)
            file.write(bytes(_padded(array.nbytes) - array.nbytes))
    unfinished.replace(directory / FILE)


def load(directory: Path, *, mapped: bool = True) -> Arrays:
    """Read what `save` wrote, read-only and memory-mapped unless ``mapped`` is false.

    Raises OSError without a file, and ValueError for a file that `save` didn't write.
    """
    import numpy as np

    path = directory / FILE
    content: NDArray[np.uint8] = np.memmap(path, np.uint8, "r") if mapped else np.fromfile(path, np.uint8)
    if bytes(content[: len(MAGIC)]) != MAGIC:
        raise ValueError(f"{path}: not a file of arrays")
    size = int.from_bytes(bytes(content[len(MAGIC) : len(MAGIC) + 8]), "little")
    start = _start(size)
    try:
        table = json.loads(bytes(content[len(MAGIC) + 8 : len(MAGIC) + 8 + size]))
        loaded = {str(name): _part(content, start, *entry) for name, *entry in table}
        if len(loaded) < len(table):
            raise ValueError("a name that is there twice")
        return loaded
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not a file of arrays, or a damaged one: {error}") from error


def _part(
    content: NDArray[Any], start: int, dtype: str, shape: list[int], is_fortran: bool, offset: int
) -> NDArray[Any]:
    """Return one array of a file's content. Raises ValueError or TypeError for an array that isn't in the file."""
    import numpy as np

    kind = np.dtype(dtype)
    count = math.prod(shape)
    if kind.kind not in KINDS or any(length < 0 for length in shape) or offset < 0:
        raise ValueError(f"an array of {kind} and of shape {shape} at {offset}")
    if start + offset + count * kind.itemsize > len(content):
        raise ValueError(f"{len(content):,} bytes, and an array up to byte {start + offset + count * kind.itemsize:,}")
    if count * kind.itemsize == 0:
        return np.empty(shape, kind)
    return np.ndarray(shape, kind, content, start + offset, order="F" if is_fortran else "C")


def _padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _start(head: int) -> int:
    """Return where the first array begins, after a table of ``head`` bytes."""
    return _padded(len(MAGIC) + 8 + head)


def saved(directory: Path) -> bool:
    """Return whether a directory holds a complete value."""
    return (directory / FILE).is_file()


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Encode an array of numbers as JSON can hold it, where a file would take longer than the work on the array."""
    import numpy as np

    content = base64.b64encode(np.ascontiguousarray(array).data).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def unpack(packed: Mapping[str, Any]) -> NDArray[Any]:
    """Decode what `pack` returned, read-only."""
    import numpy as np

    return np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"]).reshape(packed["shape"])
