"""The threads and processes that a call starts or uses; ``census.jl`` of ``julia/pair`` does the same."""

from __future__ import annotations

import os
import resource
import sys
import threading
import time
from typing import Any

SHARE = 0.01
"""Share of a call's processor time that a thread has if it counts."""

LEAST_S = 2e-4
"""Least processor time, in seconds, of a thread that counts."""

SHORTEST_S = 5e-3
"""Shortest call, in seconds, of which processor time and time are compared."""


class Census:
    """What is started and used while this is entered: threads beside the calling one, and processes."""

    def __init__(self) -> None:
        self.threads = self.processes = 0
        self.processors = 0.0

    def __enter__(self) -> Census:
        self._originals: list[tuple[Any, Any]] = []
        self._replace(threading.Thread, "threads")
        if "multiprocessing.process" in sys.modules:
            self._replace(sys.modules["multiprocessing.process"].BaseProcess, "processes")
        self._by_thread = _by_thread()
        self._cpu_s, self._start_s = _cpu_s(), time.perf_counter()
        return self

    def _replace(self, kind: Any, noun: str) -> None:
        """Have the method ``start`` of a class count how many of its instances are alive at once."""
        original, started = kind.start, []

        def start(instance: Any) -> None:
            original(instance)
            started.append(instance)
            setattr(self, noun, max(getattr(self, noun), sum(each.is_alive() for each in started)))

        self._originals.append((kind, original))
        kind.start = start

    def __exit__(self, *_: object) -> None:
        wall_s, cpu_s = time.perf_counter() - self._start_s, _cpu_s() - self._cpu_s
        for kind, original in self._originals:
            kind.start = original
        least = max(SHARE * cpu_s, LEAST_S)
        growth = {thread: spent - self._by_thread.get(thread, 0.0) for thread, spent in _by_thread().items()}
        growth.pop(threading.get_native_id(), None)
        self.threads = max(self.threads, sum(spent >= least for spent in growth.values()))
        self.processes = max(self.processes, _children())
        self.processors = cpu_s / wall_s if wall_s >= SHORTEST_S else 0.0

    def counts(self) -> dict[str, Any]:
        """Return the numbers of threads and processes, and how many processors were busy on average."""
        return {"threads": self.threads, "processes": self.processes, "processors": self.processors}


def _cpu_s() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _by_thread() -> dict[int, float]:
    """Return the processor time in seconds of each thread; nothing where the system doesn't list threads."""
    spent = {}
    for name in _listed("/proc/self/task"):
        try:
            spent[int(name)] = time.clock_gettime(
                ~int(name) << 3 | 6
            )  # the clock of another thread, as Linux numbers it
        except OSError:  # it has just ended
            continue
    return spent


def _children() -> int:
    """Return how many processes this one has started that are still there."""
    count = 0
    for name in filter(str.isdecimal, _listed("/proc")):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                count += int(file.read().rpartition(b")")[2].split()[1]) == os.getpid()
        except OSError:
            continue
    return count


def _listed(directory: str) -> list[str]:
    return os.listdir(directory) if os.path.isdir(directory) else []
