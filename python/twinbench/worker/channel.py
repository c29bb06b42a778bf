"""The connection of the harness and a worker: one JSON object per line, over file descriptors of their own.

stdin and stdout aren't used: a library may print, and starting Julia makes stdin non-blocking.

The harness sends a job, and then requests: ``{"id": 1, "do": "first", "with": {...}}``. The answer to a request is
``{"id": 1, "ok": ...}``, or ``{"id": 1, "error": ..., "kind": ..., "traceback": ...}`` with a line that says why.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, get_args

from twinbench.worker.content import LONGEST, Content, Message, ProtocolError

Reply = TypeVar("Reply", bound=Content)

ErrorKind = Literal["exception", "memory", "protocol", "refused", "stopped"]
"""Kinds of errors that a worker tells; ``refused``: an input that the user must change, ``stopped``: an error of
twinbench's own that has a line for the user."""

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""Options of prctl, from <linux/prctl.h>: the signal that a process gets when its parent dies, and whether a process
becomes the parent of descendants whose own parent has died."""


class Channel:
    """The worker's end of the connection. Reads and writes block."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._incoming = os.fdopen(read_fd, "r", encoding="utf-8")
        self._write_fd = write_fd

    def messages(self) -> Iterator[Message]:
        """Yield messages until the harness closes its end or goes away."""
        for line in self._incoming:
            yield json.loads(line)

    def send(self, message: Message) -> None:
        """Send one message, in full."""
        data = encode(message)
        while data:
            data = data[os.write(self._write_fd, data) :]


def encode(message: Message) -> bytes:
    """Return a message as one line of bytes. Raises ProtocolError for what isn't JSON, such as NaN."""
    try:
        return json.dumps(message, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:
        raise ProtocolError(f"a message that isn't JSON: {error}") from error


def bind_to_the_harness(*, serves_a_model: bool = False) -> None:
    """Leave Ctrl-C to the harness, keep the processes that are started here as descendants, and die with the harness.

    On Linux the kernel sends SIGKILL when the harness dies: a stopped worker would never notice by itself. The kernel
    waits for the end of the thread that started the worker. A worker that serves a model must outlive this thread,
    which may belong to a pool. Such a worker is never stopped either, and so sees the end of its requests.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        prctl = ctypes.CDLL(None).prctl
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        if not serves_a_model:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def kind_of(error: Exception) -> ErrorKind:
    """Return the kind of an exception that a library raised."""
    return (
        "memory" if isinstance(error, MemoryError) else "protocol" if isinstance(error, ProtocolError) else "exception"
    )


def serve(
    channel: Channel,
    requests: Iterator[Message],
    answer: Callable[[Message], Message],
    reason: Callable[[Message, Exception], str],
    kind: Callable[[Exception], ErrorKind] = kind_of,
) -> None:
    """Answer requests until there are no more: with what ``answer`` returns, or with its error's reason and kind."""
    for request in requests:
        try:
            content = answer(request)
            channel.send({"id": request["id"], "ok": content})
        except Exception as error:
            text, trace = reason(request, error), traceback.format_exc()
            channel.send(error_answer(request["id"], kind(error), text, trace))


class Refusal(Exception):
    """An error that a worker answered: its kind, a line that says why, and the traceback."""

    def __init__(self, kind: str, reason: str, traceback: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.traceback = traceback


@dataclass(frozen=True, slots=True)
class _Error(Content):
    id: int
    error: str
    kind: str
    traceback: str

    def __post_init__(self) -> None:
        if self.kind not in get_args(ErrorKind):
            raise ProtocolError(f"kind: {ascii(self.kind)[:40]} instead of one of {', '.join(get_args(ErrorKind))}")


def error_answer(number: int, kind: ErrorKind, reason: str, traceback: str) -> Message:
    """Return the answer to a request that failed; half surrogate pairs are replaced."""
    texts = (text.encode(errors="replace").decode()[:LONGEST] for text in (reason, traceback))
    return _Error(number, next(texts), kind, next(texts)).as_json()


def read_answer(line: bytes, number: int, reply: type[Reply]) -> Reply:
    """Return the content of the answer to request ``number``. Raises Refusal, or ProtocolError for anything else."""
    try:
        answer = json.loads(line, object_pairs_hook=_unique)
        if not isinstance(answer, dict) or answer.keys() not in ({"id", "ok"}, {"id", "error", "kind", "traceback"}):
            raise ProtocolError(f"garbage instead of an answer: {ascii(line[:80])[2:-1]}")
        if type(answer["id"]) is not int or answer["id"] != number:
            raise ProtocolError(f"an answer to request {ascii(answer['id'])[:40]} instead of {number}")
        if "ok" in answer:
            return reply.of(answer["ok"])
        error = _Error.of(answer)
    except ProtocolError:
        raise
    except (ValueError, RecursionError):
        raise ProtocolError(f"garbage instead of an answer: {ascii(line[:80])[2:-1]}") from None
    raise Refusal(error.kind, (error.error.split("\n") or [""])[0].strip() or "no reason given", error.traceback)


def _unique(pairs: list[tuple[str, Any]]) -> Message:
    """Return an object of JSON. Raises ProtocolError for a key that is there twice: which value counts isn't said."""
    content = dict(pairs)
    if len(content) < len(pairs):
        raise ProtocolError("an object with a key that is there twice")
    return content
