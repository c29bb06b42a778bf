"""Work that is not timed, on several workers at once: as many as the processor has room for.

Each worker is asked by a thread of its own. The store is left to the calling thread.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

Key = TypeVar("Key")
Result = TypeVar("Result")


def lanes(threads: int) -> int:
    """Return how many workers of N threads have a core for each thread; 1 at least."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // threads)


def side_by_side(
    work: Mapping[Key, Callable[[], Result]], most: int, abort: Callable[[], None]
) -> Generator[tuple[Key, Future[Result]], None, None]:
    """Do all the work, at most ``most`` parts at once, and yield each part's future when the part is done.

    ``abort`` is called if the calling thread is interrupted or closes the generator: it makes the running parts end.
    """
    with ThreadPoolExecutor(most, thread_name_prefix="side-by-side") as pool:
        keys = {pool.submit(part): key for key, part in work.items()}
        try:
            for future in as_completed(keys):
                yield keys[future], future
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            abort()
            raise
