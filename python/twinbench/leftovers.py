"""Temporary directories whose names say which process made them, so that the next start removes those of dead ones.

A process that is killed can remove nothing, and neither can its machine's next user tell what is still in use. So a
name holds the process's id, its start and its namespace: ids are given again, and containers may share a directory.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

PREFIX = "twinbench"

OWNER = re.compile(r"(\d+)-(\d+)-(\d+)")
"""What `owner` returns: process id, start, namespace."""


def owner() -> str:
    """Return a name of this process that no other process of this machine has, had, or will have."""
    return f"{os.getpid()}-{_start(os.getpid())}-{_namespace()}"


def is_dead(name: str) -> bool:
    """Whether `owner` returned this name in a process that has ended; False if that can't be told from here."""
    match = OWNER.fullmatch(name)
    if match is None or int(match[3]) != _namespace():
        return False
    return _start(int(match[1])) != int(match[2])


def directory(prefix: str = PREFIX, parent: Path | None = None) -> tempfile.TemporaryDirectory[str]:
    """Make a temporary directory, which is deleted at the end of its context, or else by a later start."""
    parent = Path(tempfile.gettempdir()) if parent is None else parent
    _sweep_once(parent, prefix)
    return tempfile.TemporaryDirectory(prefix=f"{prefix}-{owner()}-", dir=parent, ignore_cleanup_errors=True)


@cache
def _sweep_once(parent: Path, prefix: str) -> None:
    sweep(parent, prefix)


def sweep(parent: Path, prefix: str = PREFIX) -> None:
    """Remove what dead processes of this user left in a directory under names with this prefix."""
    named = re.compile(rf"{re.escape(prefix)}-({OWNER.pattern})-\w+")
    with contextlib.suppress(OSError), os.scandir(parent) as entries:
        for entry in entries:
            match = named.fullmatch(entry.name)
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                if match is None or status.st_uid != os.geteuid() or not is_dead(match[1]):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path, ignore_errors=True)
                else:
                    os.unlink(entry.path)


def _start(pid: int) -> int:
    """Return when a process started, in hundredths of a second; 0 if it has ended. A zombie has ended."""
    if sys.platform == "linux":
        try:
            fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        except OSError:
            return 0
        return 0 if fields[0] in (b"Z", b"X") else int(fields[19])
    import psutil

    try:
        return int(psutil.Process(pid).create_time() * 100)
    except psutil.NoSuchProcess:
        return 0


def _namespace() -> int:
    """Return the number of the namespace in which this process's id counts; 0 where there are none."""
    try:
        return os.stat("/proc/self/ns/pid").st_ino
    except OSError:
        return 0
