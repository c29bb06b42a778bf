"""What a worker says it saved, read by the harness: arrays, and the files of a model. It may have saved anything."""

from __future__ import annotations

from pathlib import Path

import psutil

from twinbench.errors import in_one_line
from twinbench.launch.process import WorkerFailure
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays

MOST_ARRAYS = 100_000
"""Most arrays in an output: more than the widest table has columns."""

LONGEST_NAME = 100_000
"""Most characters in the name of an array."""

MOST_OF_MEMORY = 8
"""Divisor of the available memory: a larger output than this part of it isn't copied into memory."""

MOST_BYTES = 900_000_000
"""Most bytes of a model's file: the store holds little more in one record."""


def output(step: str, directory: Path, *, mapped: bool = True) -> Arrays:
    """Return the arrays that a worker saved for a step. Raises WorkerFailure if there are none that can be read.

    They are memory-mapped only where they are large, and ``mapped``: a worker may still shorten its file, and a page
    that isn't there any more would end this process.
    """
    if not arrays.saved(directory):
        raise WorkerFailure("protocol", f"{step}: an answer before the file that it is about, {arrays.FILE}")
    try:
        saved = arrays.load(directory, mapped=mapped and _is_large(directory))
        "".join(saved).encode()
    except (OSError, ValueError, MemoryError) as error:
        raise WorkerFailure("protocol", f"{step}: its output can't be read: {in_one_line(error)}") from error
    if max(map(len, saved), default=0) > LONGEST_NAME:
        raise WorkerFailure("protocol", f"{step}: a name of more than {LONGEST_NAME:,} characters")
    if len(saved) > MOST_ARRAYS:
        raise WorkerFailure("protocol", f"{step}: {len(saved):,} arrays, where {MOST_ARRAYS:,} are the most")
    return saved


def _is_large(directory: Path) -> bool:
    """Whether a copy of the arrays would take much of the memory that is left."""
    available: int = psutil.virtual_memory().available
    return (directory / arrays.FILE).stat().st_size > available // MOST_OF_MEMORY


def model(step: str, directory: Path, name: str) -> dict[str, bytes]:
    """Return the files that a worker saved in a directory, by their paths there. ``name`` is the one that was told.

    Raises WorkerFailure if it isn't there, or if something is neither a file nor a directory.
    """
    files: dict[str, bytes] = {}
    try:
        names = [path.name for path in directory.iterdir()]
        for path in sorted(directory.rglob("*")):
            str(path).encode()
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise ValueError(f"{path.name} is neither a file nor a directory")
            if path.is_file() and path.stat().st_size > MOST_BYTES:
                raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes, where {MOST_BYTES:,} are the most")
            if path.is_file():
                files[str(path.relative_to(directory))] = path.read_bytes()
    except (OSError, ValueError) as error:
        raise WorkerFailure("protocol", f"{step}: its model can't be read: {in_one_line(error)}") from error
    if name not in names:
        raise WorkerFailure("protocol", f"{step}: a model '{ascii(name)[1:-1]}', and no file of this name")
    return files
