"""The cache of datasets, which never holds an incomplete file, however many processes write at once.

Files and directories are written under a temporary name beside their target, and then renamed. The checksums of what
they hold are in a file beside them, so that damage is found before anything is computed or judged by it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from twinbench import leftovers, paths
from twinbench.errors import BadInput, TwinbenchError
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays

SUMS = ".sums"
"""End of the name of the file with the checksums of a file or directory, after the whole name."""

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""Errors of a disk that takes no more."""

SHORT_WRITE = " requested and "
"""Words of NumPy's error, without a number, when a file takes fewer values than it should."""

_looked: dict[Path, dict[str, tuple[int, ...]]] = {}
"""What the files of each target looked like when their checksums were last right, in this process."""


class CacheFull(TwinbenchError):
    """The cache's disk takes no more. What was measured is in the store, and the run can be resumed."""


def is_full(error: BaseException) -> bool:
    """Whether an exception says that a disk takes no more."""
    return isinstance(error, OSError) and (error.errno in FULL or SHORT_WRITE in str(error))


@contextmanager
def written(target: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file that becomes ``target`` when the context ends.

    Raises BadInput if the cache isn't writable, and CacheFull.
    """
    with _writable_parent(target):
        leftovers.sweep(target.parent, target.name)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f"{target.name}-{leftovers.owner()}-")
    try:
        with _room(target):
            with os.fdopen(handle, "wb") as file:
                yield file
            os.replace(name, target)
            _seal(target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextmanager
def filled(target: Path) -> Iterator[Path]:
    """Make a temporary directory that becomes ``target`` when the context ends, unless another process was quicker.

    Raises BadInput if the cache isn't writable, and CacheFull.
    """
    with _writable_parent(target):
        temporary = leftovers.directory("unfinished", target.parent)
    with temporary as name, _room(target):
        yield Path(name)
        with contextlib.suppress(OSError):
            os.rename(name, target)
        if not Path(name).exists():
            _seal(target)


def arrays_at(target: Path, make: Callable[[], Arrays]) -> Arrays:
    """Return the arrays saved in the directory ``target``, memory-mapped; ``make`` computes them the first time."""
    if not (intact(target) and arrays.saved(target)):
        with filled(target) as directory:
            arrays.save(directory, make())
            if target.exists() and not arrays.saved(target):
                remove(target)  # an earlier version's, in another form
    return arrays.load(target)


def intact(target: Path) -> bool:
    """Whether a file or directory is in the cache, and holds what was written.

    A damaged one is removed, which is said on stderr, so that the caller makes it again. One that an earlier version
    of twinbench wrote is believed, and gets checksums.
    """
    if not target.exists():
        return False
    look = _look(target)
    if _looked.get(target) == look:
        return True
    if not _sums(target).is_file():
        with contextlib.suppress(OSError):
            _seal(target)
    damaged = damage(target)
    if not damaged:
        _looked[target] = look
        return True
    print(f"twinbench: the cache was damaged, and is made again: {damaged}", file=sys.stderr)
    remove(target)
    return False


def damage(target: Path) -> str:
    """Return which file of a target doesn't hold what was written, and why; empty if all do. Every byte is read."""
    try:
        expected = json.loads(_sums(target).read_text(encoding="utf-8"))
        sums = {str(name): str(digest) for name, digest in expected.items()}
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, AttributeError):
        return f"{_sums(target)}: can't be read"
    for name, digest in sums.items():
        try:
            if _digest(target / name if name else target) != digest:
                return f"{target / name if name else target}: another checksum"
        except OSError as error:
            return f"{target / name}: {error.strerror}"
    return ""


def remove(target: Path) -> None:
    """Remove a file or directory with its checksums. Raises BadInput if that fails."""
    _looked.pop(target, None)
    try:
        _sums(target).unlink(missing_ok=True)
        if target.is_dir():
            gone = Path(tempfile.mkdtemp(dir=target.parent, prefix="damaged-"))
            os.rename(target, gone / target.name)  # at once, for other processes
            shutil.rmtree(gone, ignore_errors=True)
        else:
            target.unlink(missing_ok=True)
    except OSError as error:
        raise BadInput(f"{target}: is damaged and can't be removed: {error.strerror}; remove it") from error


def _sums(target: Path) -> Path:
    return target.with_name(target.name + SUMS)


def _files(target: Path) -> list[tuple[str, Path]]:
    """Return the files of a target with their names in it; a file is its own only file, without a name."""
    if not target.is_dir():
        return [("", target)]
    return [(str(path.relative_to(target)), path) for path in sorted(target.rglob("*")) if path.is_file()]


def _look(target: Path) -> dict[str, tuple[int, ...]]:
    files = [path for _, path in _files(target)]
    stats = {str(path): path.stat() for path in [*files, _sums(target)] if path.exists()}
    return {path: (status.st_ino, status.st_size, status.st_mtime_ns) for path, status in stats.items()}


def _seal(target: Path) -> None:
    """Write the checksums of what a target holds."""
    sums = json.dumps({name: _digest(path) for name, path in _files(target)})
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=target.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(sums)
        os.replace(name, _sums(target))
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "blake2b").hexdigest()


@contextmanager
def _room(target: Path) -> Iterator[None]:
    """Raise CacheFull where a disk takes no more."""
    try:
        yield
    except OSError as error:
        if not is_full(error):
            raise
        what = f"{target.parent}: the cache's disk is full ({error.strerror or error})"
        advice = "free some space, or set TWINBENCH_CACHE_DIR to another disk, and give --resume to go on with the run"
        raise CacheFull(f"{what}; {advice}") from error


@contextmanager
def _writable_parent(target: Path) -> Iterator[None]:
    try:
        with _room(target):
            paths.make_private(target.parent)
            yield
    except OSError as error:
        raise BadInput(
            f"the cache can't be written: {error}; set TWINBENCH_CACHE_DIR to a directory with free space"
        ) from None
