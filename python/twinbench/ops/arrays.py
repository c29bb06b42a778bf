"""Neutral values on disk: one NPY file per array, with the names beside them, so that readers can memory-map.

And a small array inside a message, where a file would take longer than what is done with it.

No pickle is ever written or read.
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


def save(directory: Path, arrays: Arrays) -> None:
    """Write arrays into a directory, made if needed. The index comes last: without it the value isn't there."""
    import numpy as np

    directory.mkdir(parents=True, exist_ok=True)
    for place, values in enumerate(arrays.values()):
        np.save(directory / f"{place}.npy", values, allow_pickle=False)
    (directory / INDEX).write_text(json.dumps(list(arrays)), encoding="utf-8")


def load(directory: Path, *, mapped: bool = True) -> Arrays:
    """Read what `save` wrote, memory-mapped and read-only unless told otherwise."""
    names = json.loads((directory / INDEX).read_text(encoding="utf-8"))
    return {name: _read(directory / f"{place}.npy", mapped) for place, name in enumerate(names)}


def _read(path: Path, mapped: bool) -> NDArray[Any]:
    import numpy as np

    try:
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)  # type: ignore[no-any-return]
    except ValueError:
        if not mapped:
            raise
        return _read(path, mapped=False)  # an empty array can't be mapped


def saved(directory: Path) -> bool:
    """Whether a whole value is there."""
    return (directory / INDEX).is_file()


def pack(array: NDArray[Any]) -> dict[str, Any]:
    """An array of numbers as JSON can hold it."""
    import numpy as np

    content = base64.b64encode(np.ascontiguousarray(array).data).decode()
    return {"dtype": array.dtype.str, "shape": list(array.shape), "base64": content}


def unpack(packed: Mapping[str, Any]) -> NDArray[Any]:
    """What `pack` was given, read-only."""
    import numpy as np

    return np.frombuffer(base64.b64decode(packed["base64"]), packed["dtype"]).reshape(packed["shape"])
