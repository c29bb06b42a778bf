"""The life of a worker: it is told its cell, then does what it is asked, one request at a time.

Requests: ``load``, ``first`` (per step), ``thread_counts``, ``extract``, ``isolated``, ``again``, ``hand_over``,
``keep``, ``score``, ``warm_up``, ``burst``, ``memory``. Every request is answered by ``{"ok": ...}`` or
``{"error": ...}``; a worker that loses its harness dies.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import traceback

from twinbench.worker.cell import Cell
from twinbench.worker.protocol import Channel, Message

REQUESTS = frozenset(
    {
        "load",
        "first",
        "thread_counts",
        "extract",
        "isolated",
        "again",
        "hand_over",
        "keep",
        "score",
        "warm_up",
        "burst",
        "memory",
    }
)
PR_SET_PDEATHSIG = 1


def main(read_fd: int, write_fd: int) -> None:
    """Serve until the harness hangs up."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the harness's business
    channel = Channel(read_fd, write_fd)
    messages = channel.messages()
    job = next(messages, None)
    if job is None:
        return
    if not job.get("served"):
        die_with_the_harness()
    cell: Cell | None = None
    for request in messages:
        try:
            cell = cell or Cell(job)
            channel.send({"ok": answer(cell, request)})
        except Exception as error:
            channel.send({"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()})


def answer(cell: Cell, request: Message) -> Message:
    """Do one request."""
    if request["do"] not in REQUESTS:
        raise ValueError(f"unknown request {request['do']!r}")
    result: Message = getattr(cell, request["do"])(**request["with"])
    return result


def die_with_the_harness() -> None:
    """Ask the kernel for SIGKILL when the harness dies: a stopped worker would never notice by itself (Linux).

    What the kernel waits for is the end of the thread that started the worker. A ``served`` one must outlive it, since
    it may be a pool's. It is never stopped either, and so sees the end of its requests.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
