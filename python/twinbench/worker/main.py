"""The life of a worker: it reads its job, then answers one request at a time.

The answer to a request is ``{"ok": ...}``, or ``{"error": ...}`` with a line that says why. A worker ends with its
harness.
"""

from __future__ import annotations

import ctypes
import inspect
import signal
import sys
import traceback

from twinbench.errors import in_one_line
from twinbench.worker.cell import ANSWERS, Cell
from twinbench.worker.protocol import Channel, Job, Message

PR_SET_PDEATHSIG = 1
"""Option of prctl, from <linux/prctl.h>: the signal that a process gets when its parent dies."""


def main(read_fd: int, write_fd: int) -> None:
    """Answer requests until the harness closes its end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness handles Ctrl-C
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
            cell = cell or Cell(Job.of(job))
            channel.send({"ok": answer(cell, request)})
        except Exception as error:
            memory = isinstance(error, MemoryError)
            channel.send({"error": reason(cell, request, error), "memory": memory, "traceback": traceback.format_exc()})


def answer(cell: Cell, request: Message) -> Message:
    """Carry out one request. Returns the content of the reply as plain data."""
    if request["do"] not in ANSWERS:
        raise ValueError(f"unknown request {request['do']!r}")
    return ANSWERS[request["do"]](cell, **request["with"]).as_json()


def reason(cell: Cell | None, request: Message, error: Exception) -> str:
    """Say in one line which step raised what, and where."""
    step = cell.steps.get(request["with"].get("step", "")) if cell is not None else None
    if step is None:
        return in_one_line(error)
    code = getattr(inspect.unwrap(step.implementation), "__code__", None)
    return (
        f"{step.id}: {step.op.name} of {step.framework.name}: {in_one_line(error, [code.co_filename] if code else [])}"
    )


def die_with_the_harness() -> None:
    """Ask the kernel for SIGKILL when the harness dies: a stopped worker would never notice by itself (Linux).

    The kernel waits for the end of the thread that started the worker. A worker that serves a model must outlive this
    thread, which may belong to a pool. Such a worker is never stopped either, and so sees the end of its requests.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
