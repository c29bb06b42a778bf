"""The life of a worker: it reads its job, then answers one request at a time, and ends with its harness."""

from __future__ import annotations

import inspect
import sys

from twinbench.errors import in_one_line
from twinbench.usercode.function import UserCodeError
from twinbench.worker.cell import ANSWERS, Cell
from twinbench.worker.channel import Channel, bind_to_the_harness, serve
from twinbench.worker.job import Job
from twinbench.worker.protocol import Message


class Worker:
    """A cell that is made when the first request needs it, so that an error in the job is the answer to a request."""

    def __init__(self, job: Message) -> None:
        self._job = job
        self._cell: Cell | None = None

    def answer(self, request: Message) -> Message:
        """Carry out one request. Returns the content of the reply as plain data."""
        self._cell = self._cell or Cell(Job.of(self._job))
        if request["do"] not in ANSWERS:
            raise ValueError(f"unknown request {request['do']!r}")
        return ANSWERS[request["do"]](self._cell, **request["with"]).as_json()

    def reason(self, request: Message, error: Exception) -> str:
        """Say in one line which step raised what, and where."""
        step = self._cell.steps.get(request["with"].get("step", "")) if self._cell is not None else None
        if step is None:
            return str(error) if isinstance(error, UserCodeError) else in_one_line(error)
        if step.own is not None:
            described = step.own.source.described(error)
            who = f"{step.id}: {step.own.source.text} of {step.framework.name}"
            return f"{step.id}: {described}" if isinstance(error, UserCodeError) else f"{who}: {described}"
        code = getattr(inspect.unwrap(step.implementation), "__code__", None)
        said = in_one_line(error, [code.co_filename] if code else [])
        return f"{step.id}: {step.op.name} of {step.framework.name}: {said}"


def main(read_fd: int, write_fd: int) -> None:
    """Answer requests until the harness closes its end."""
    channel = Channel(read_fd, write_fd)
    messages = channel.messages()
    job = next(messages, None)
    if job is None:
        return
    bind_to_the_harness(serves_a_model=bool(job.get("served")))
    worker = Worker(job)
    serve(channel, messages, worker.answer, worker.reason)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
