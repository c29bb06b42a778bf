"""Neutral values on disk, one NPY file for each array, and small arrays inside a message.

Files can be memory-mapped by their readers; the names of the arrays are beside them. No pickle is ever written or read.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

INDEX = "names.json"
"""File with the names of the arrays, in order; array i is in the file ``i.npy``."""


def save(directory: Path, arrays: Arrays) -> None:
    """Write arrays into a directory, which is created if needed.

    The index is written last: without it the directory holds no value.
    """
    import numpy as np

    directory.mkdir(parents=True, exist_ok=True)
    for i, values in enumerate(arrays.values()):
        np.save(directory / f"{i}.npy", values, allow_pickle=False)
    (directory / INDEX).write_text(json.dumps(list(arrays)), encoding="utf-8")


def load(directory: Path, *, mapped: bool = True) -> Arrays:
    """Read what `save` wrote, read-only and memory-mapped unless ``mapped`` is false."""
    names = json.loads((directory / INDEX).read_text(encoding="utf-8"))
    return {name: _read(directory / f"{i}.npy", mapped) for i, name in enumerate(names)}


def _read(path: Path, mapped: bool) -> NDArray[Any]:
    import numpy as np

    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)  # type: ignore[no-any-return]
    except ValueError:
        if not mapped:
            raise
        return _read(path, mapped=False)  # an empty array can't be mapped


def saved(directory: Path) -> bool:
    """Return whether a directory holds a complete value."""
    return (directory / INDEX).is_file()


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """Encode an array of numbers as JSON can hold it, where a file would take longer than the work on the array."""
    import numpy as np

    content = base64.b64encode(np.ascontiguousarray(array).data).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def unpack(packed: Mapping[str, Any]) -> NDArray[Any]:
    """Decode what `pack` returned, read-only."""
    import numpy as np

    return np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"]).reshape(packed["shape"])
