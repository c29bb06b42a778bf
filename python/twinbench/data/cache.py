"""The cache of datasets, which never holds an incomplete file, however many processes write at once.

Files and directories are written under a temporary name beside their target, and then renamed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from twinbench import leftovers
from twinbench.errors import BadInput
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that becomes ``target`` when the context ends.

    Raises BadInput if the cache isn't writable.
    """
    with _writable_parent(target):
        leftovers.sweep(target.parent, target.name)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}-{leftovers.owner()}-")
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def filled(target: Path) -> Iterator[Path]:
    """Make a temporary directory that becomes ``target`` when the context ends, unless another process was quicker."""
    with _writable_parent(target):
        temporary = leftovers.directory("unfinished", target.parent)
    with temporary as name:
        yield Path(name)
        with contextlib.suppress(OSError):
            os.rename(name, target)


def arrays_at(target: Path, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays saved in the directory ``target``, memory-mapped; ``make`` computes them the first time."""
    if not arrays.saved(target):
        with filled(target) as directory:
            arrays.save(directory, make())
            if not arrays.saved(target):
                shutil.rmtree(target, ignore_errors=True)  # an earlier version's, in another form
    return arrays.load(target)


@contextmanager
def _writable_parent(target: Path) -> Iterator[None]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise BadInput(
            f"the cache can't be written: {error}; set TWINBENCH_CACHE_DIR to a directory with free space"
        ) from None
