"""The cache of datasets: what is in it is whole, whoever wrote it and however many did at once.

Files and directories are written beside their place and renamed.
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

from twinbench.errors import BadInput
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """A file to write, which then is at ``target`` as a whole. Raises BadInput where the cache can't be written."""
    with _place(target):
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def made(target: Path) -> Iterator[Path]:
    """A directory to fill, which then is at ``target`` as a whole; if somebody was quicker, theirs stays."""
    with _place(target):
        unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix="unfinished-"))
    try:
        yield unfinished
        with contextlib.suppress(OSError):
            os.rename(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def kept(target: Path, make: Callable[[], Arrays]) -> Arrays:
    """Arrays that are made once and then memory-mapped from the directory ``target``."""
    if not arrays.saved(target):
        with made(target) as directory:
            arrays.save(directory, make())
    return arrays.load(target)


@contextmanager
def _place(target: Path) -> Iterator[None]:
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise BadInput(f"the cache can't be written: {error}; set TWINBENCH_CACHE_DIR to a place with room") from None
