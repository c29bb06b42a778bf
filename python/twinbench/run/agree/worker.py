"""The reference's worker: a process that does nothing but compute references, one task after the other, in stages.

It imports what a reference needs, and no library under test.
"""

from __future__ import annotations

import contextlib
import io
import sys
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinbench.errors import BadInput, TwinbenchError, in_one_line
from twinbench.plan import pipeline as pipelines
from twinbench.run.agree import reference
from twinbench.run.agree.task import Made, Task
from twinbench.worker.channel import Channel, ErrorKind, bind_to_the_harness, kind_of, serve
from twinbench.worker.protocol import Content, Done, Message, Request


@dataclass(frozen=True, slots=True)
class ReferenceJob(Content):
    """The job of the reference's worker: to wait for tasks."""


@dataclass(frozen=True, slots=True)
class Stage(Content):
    """The name of the next stage; or an empty name at the end of a task, with what was made."""

    name: str
    directory: str
    files: dict[str, str]
    said: str
    """Text for the user, such as what of the cache was damaged."""


READY = Request("ready", Done)
BEGIN = Request("begin", Stage)
NEXT = Request("next", Stage)


class ReferenceWorker:
    """The task that is being carried out."""

    def __init__(self) -> None:
        self._stages: Generator[str, None, Made] = _nothing()

    def answer(self, request: Message) -> Message:
        """Begin a task, or go on with the present one up to the beginning of its next stage."""
        if request["do"] == READY.name:
            return Done().as_json()
        if request["do"] == BEGIN.name:
            self._stages = reference.in_stages(task(**request["with"]))
        said = io.StringIO()
        try:
            with reference.quiet(), contextlib.redirect_stderr(said):
                name, made = next(self._stages), Made(Path(), {}, "")
        except StopIteration as ended:
            name, made = "", ended.value
        return Stage(name, str(made.directory), dict(made.files), said.getvalue()).as_json()


def task(pipeline: str, spec: dict[str, Any], size: str, device: str, made: dict[str, Any] | None, number: int) -> Task:
    """Return a task from what `plain` made of it. Raises BadInput if the pipeline's file was changed since."""
    loaded = pipelines.load(Path(pipeline))
    if plain(Task(loaded))["spec"] != spec:
        raise BadInput(f"{pipeline}: the file was changed while it was read; start again")
    before = None if made is None else Made(Path(made["directory"]), made["files"], made["device"])
    return Task(loaded, size, device, before, number)


def plain(task: Task) -> dict[str, Any]:
    """Return a task as plain data: the pipeline by the path of its file, and by its steps to compare."""
    made = task.made
    return {
        "pipeline": str(task.pipeline.path),
        "spec": _listed(task.pipeline.as_json()) | {"sizes": dict(task.pipeline.sizes)},
        "size": task.size,
        "device": task.device,
        "made": made and {"directory": str(made.directory), "files": dict(made.files), "device": made.device},
        "number": task.number,
    }


def _listed(value: Any) -> Any:
    """Return JSON data as it arrives at the other end: with lists for tuples."""
    if isinstance(value, dict):
        return {key: _listed(item) for key, item in value.items()}
    return [_listed(item) for item in value] if isinstance(value, list | tuple) else value


def _nothing() -> Generator[str, None, Made]:
    """Yield no stages: before the first task there are none."""
    yield from ()
    raise RuntimeError("no task was begun")


def _reason(request: Message, error: Exception) -> str:
    return str(error) if isinstance(error, TwinbenchError) else in_one_line(error)


def _kind(error: Exception) -> ErrorKind:
    if isinstance(error, TwinbenchError):
        return "refused" if isinstance(error, BadInput) else "stopped"
    return kind_of(error)


def main(read_fd: int, write_fd: int) -> None:
    """Answer requests until the harness closes its end."""
    channel = Channel(read_fd, write_fd)
    messages = channel.messages()
    if next(messages, None) is not None:
        bind_to_the_harness()
        serve(channel, messages, ReferenceWorker().answer, _reason, _kind)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
