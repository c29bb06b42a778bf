"""The processes that a worker starts: listing them, measuring their memory, signalling and ending all of them.

A process may leave its worker's group by a session of its own, and its parent may die. On Linux a worker adopts such
orphans while it lives (``PR_SET_CHILD_SUBREAPER``), and the harness does when the worker has died; there they are
recognised because they were seen before or inherited `MARK`. Elsewhere only the group and living parents' children are
listed.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import psutil

from twinbench import leftovers
from twinbench.worker.channel import PR_SET_CHILD_SUBREAPER

MARK = "TWINBENCH_WORKER"
"""Environment variable of a worker and its descendants: the name of the harness's process, and the worker's number."""

END_S = 10.0
"""Longest time, in seconds, in which processes are killed again and again until none is left."""

Member = tuple[int, float]
"""A process: its id and its start, since ids are given again."""


@cache
def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, and end the orphans of dead harnesses (Linux)."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    for entry in os.scandir("/proc"):
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and entry.stat().st_uid == os.geteuid():
                harness = _mark(int(entry.name)).rpartition(".")[0]
                if harness and leftovers.is_dead(harness):
                    os.kill(int(entry.name), signal.SIGKILL)


def members(pid: int) -> set[Member]:
    """Return the living descendants of a process, in a form that is still valid when the process has died."""
    return {(child, start) for child in _descendants(pid) if (start := _start(child)) is not None}


def member(pid: int) -> set[Member]:
    """Return a process itself in that form; empty if it has ended."""
    start = _start(pid)
    return set() if start is None else {(pid, start)}


def _descendants(pid: int) -> list[int]:
    """Return the ids of the descendants of a process, zombies included."""
    listed: list[int] = []
    waiting = [pid]
    while waiting:
        children = _children(waiting.pop())
        listed += children
        waiting += children
    return listed


def _children(pid: int) -> list[int]:
    if not _kernel_lists_children():
        try:
            return [child.pid for child in psutil.Process(pid).children()]
        except psutil.Error:
            return []
    listed: list[int] = []
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                listed += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_bytes().split())
    return listed


@cache
def _kernel_lists_children() -> bool:
    return Path(f"/proc/self/task/{os.getpid()}/children").exists()


def _start(pid: int) -> float | None:
    """Return when a process started, or None if it has ended: a zombie has."""
    try:
        process = psutil.Process(pid)
        return None if process.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD) else process.create_time()
    except psutil.Error:
        return None


def _mark(pid: int) -> str:
    """Return the `MARK` of a process; empty for one without a mark, and where it can't be read."""
    try:
        variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return ""
    name = f"{MARK}=".encode()
    return next((v.removeprefix(name).decode(errors="replace") for v in variables if v.startswith(name)), "")


def tree_rss(pid: int) -> int:
    """Sum up the resident bytes of a process and its descendants; 0 if the process has ended."""
    total = 0
    for member in (pid, *_descendants(pid)):
        with contextlib.suppress(psutil.Error):
            total += psutil.Process(member).memory_info().rss
    return total


def awake(processes: Iterable[Member]) -> bool:
    """Whether one of these processes, which were stopped, runs again."""
    for pid, start in processes:
        with contextlib.suppress(psutil.Error):
            if _start(pid) == start and psutil.Process(pid).status() != psutil.STATUS_STOPPED:
                return True
    return False


def signal_all(pid: int, number: int) -> set[Member]:
    """Send a signal to a worker's group, and to those of its descendants that have left the group.

    Returns the descendants.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)
    listed = members(pid)
    for child, _ in listed:
        with contextlib.suppress(OSError):
            if os.getpgid(child) != pid:
                os.kill(child, number)
    return listed


def end(pid: int, seen: Iterable[Member], mark: str) -> None:
    """Kill a worker and all that it started. The caller, whose child the worker is, waits for the worker afterwards.

    ``seen`` are descendants that were listed earlier: a worker that died by itself left its children to the harness.
    """
    until = time.monotonic() + END_S
    known = set(seen)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)  # a stopped worker starts no more processes
    while (alive := members(pid)) and time.monotonic() < until:
        known |= alive
        _kill(child for child, _ in alive)
    zombies = set(_descendants(pid))
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    with contextlib.suppress(OSError, AttributeError):
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # from now on, its children are the harness's
    left = zombies | {child for child, start in known if _start(child) in (start, None)}
    while (left := left | _marked(mark) - {pid}) and time.monotonic() < until:
        _kill(left)
        left = {child for child in left if not _is_gone(child)}


def _marked(mark: str) -> set[int]:
    """Return the children of this process that have a mark."""
    return {child for child in _children(os.getpid()) if _mark(child) == mark}


def _kill(processes: Iterable[int]) -> None:
    for pid in processes:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    time.sleep(0.001)  # so that they can end


def _is_gone(pid: int) -> bool:
    """Whether a process that was killed has ended; if it is a child of this process, its zombie is removed."""
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return _start(pid) is None
