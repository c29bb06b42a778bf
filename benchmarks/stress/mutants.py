"""Wrong workers: each framework of this plug-in is a probe whose worker answers one request in one wrong way.

The file is installed as somebody else's package (`benchmarks.stress.site`), so it imports nothing beside twinbench. The
environment variable ``TWINBENCH_MUTANTS`` holds the numbers of the mutations that become frameworks.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from twinbench.frameworks.probe import FRAMEWORKS as PROBES
from twinbench.worker import cell, channel, protocol

ABSENT = object()
LATE_S = 600.0

VALUES: dict[str, Any] = {
    "absent": ABSENT,
    "null": None,
    "text": "x",
    "true": True,
    "list": [7],
    "object": {"x": 1},
    "negative": -1,
    "nan": float("nan"),
    "infinite": float("inf"),
    "zero": 0,
    "huge": 2**63,
    "longest": 2**63 - 1,
    "digits": 10**4000,
    "surrogate": "\ud800",
    "deep": json.loads("[" * 100 + "]" * 100),
    "many": list(range(20_000)),
}
"""Values that a field of a reply gets, by name."""

TIMING = protocol.Timing(1e3, 1e3, 0.0, 1)
REPLIES: Mapping[protocol.Request[Any], protocol.Content] = {
    protocol.LOAD: protocol.Loaded({"probe": 1}, {"probe": "cpu"}, {"probe": {"x": "y"}}, 1),
    protocol.FIRST: protocol.FirstCall(TIMING, 0, 0, {"value": "float64"}),
    protocol.EXTRACT: protocol.Crossing(1),
    protocol.THREAD_COUNTS: protocol.ThreadCounts({"probe": {"pool": 1}}),
    protocol.WARM_UP: protocol.WarmUp(1, 1, "settled", None, 0, None, 1.0, 1.0),
    protocol.BURST: protocol.Burst((TIMING,) * 3),
    protocol.MEMORY: protocol.Memory(1, 1),
    protocol.REPEAT: protocol.Repeated(1.0),
    protocol.VARIED: protocol.Varied(1.0, 1, 1, (), ""),
}
"""A good reply to every request that a run of a probe makes, in this order."""

FILES = (protocol.EXTRACT, protocol.REPEAT, protocol.VARIED)
"""Requests whose answers are about a file."""

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Mutation:
    """One wrong way: a value at a path of the reply to a request, or an act instead of the answer."""

    request: str
    act: str
    path: Path = ()

    def __str__(self) -> str:
        return f"{self.request} {self.act} {'.'.join(map(str, self.path))}".strip()


def paths(plain: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the paths of all parts of a message: of a list, the first item's."""
    items = plain.items() if isinstance(plain, dict) else list(enumerate(plain))[:1] if isinstance(plain, list) else ()
    for key, value in items:
        yield (*path, key)
        yield from paths(value, (*path, key))


def changed(plain: Any, path: Path, value: Any) -> Any:
    """Return a message with another value at a path, or without this part; unchanged if the path isn't there.

    A name of the good reply stands for the first name of a reply whose framework is called otherwise.
    """
    result = deepcopy(plain)
    inner = result
    try:
        for key in path[:-1]:
            inner = inner[_here(inner, key)]
        last = _here(inner, path[-1])
        if value is ABSENT:
            del inner[last]
        else:
            inner[last] = value
    except (KeyError, IndexError, TypeError):
        return plain
    return result


def _here(inner: Any, key: str | int) -> str | int:
    return next(iter(inner)) if isinstance(inner, dict) and key == "probe" and inner and key not in inner else key


def mutations() -> list[Mutation]:
    """Return every mutation: of each field of each reply, and each act instead of each reply."""
    listed = []
    for request, reply in REPLIES.items():
        message = {"id": 1, "ok": reply.as_json(), "more": 1}
        listed += [Mutation(request.name, name, path) for path in paths(message) for name in VALUES]
        listed += [Mutation(request.name, act) for act in ACTS]
        listed += [Mutation(request.name, "no_file")] if request in FILES else []
    return listed


def twice(send: Callable[[bytes], None], line: bytes) -> None:
    """Answer twice."""
    send(line + line)


def late(send: Callable[[bytes], None], line: bytes) -> None:
    """Answer after the time-out."""
    time.sleep(LATE_S)
    send(line)


def half(send: Callable[[bytes], None], line: bytes) -> None:
    """Begin an answer, and don't end it."""
    send(line[: len(line) // 2])
    time.sleep(LATE_S)


def endless(send: Callable[[bytes], None], line: bytes) -> None:
    """Write more than any answer has."""
    while True:
        send(b"[" * (1 << 20))


def garbage(send: Callable[[bytes], None], line: bytes) -> None:
    """Write bytes that aren't text."""
    send(b"\xff\xfe\x00{]\n")


def nested(send: Callable[[bytes], None], line: bytes) -> None:
    """Write JSON that no parser can follow."""
    send(b'{"ok":' * 100_000 + b"\n")


def close(send: Callable[[bytes], None], line: bytes) -> None:
    """Close the pipe, and go on."""
    os.close(int(sys.argv[2]))
    time.sleep(LATE_S)


def leave(send: Callable[[bytes], None], line: bytes) -> None:
    """End without an answer."""
    os._exit(3)


def answer_and_leave(send: Callable[[bytes], None], line: bytes) -> None:
    """End after the answer."""
    send(line)
    os._exit(0)


def crash(send: Callable[[bytes], None], line: bytes) -> None:
    """Die of a signal."""
    os.kill(os.getpid(), signal.SIGSEGV)


def stop(send: Callable[[bytes], None], line: bytes) -> None:
    """Stop."""
    os.kill(os.getpid(), signal.SIGSTOP)


def orphan(send: Callable[[bytes], None], line: bytes) -> None:
    """Die, and leave a child in a session of its own, which holds the pipe."""
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    subprocess.Popen(command, start_new_session=True, pass_fds=[int(sys.argv[2])])
    os._exit(4)


def nest(send: Callable[[bytes], None], line: bytes) -> None:
    """Answer, and leave a child of a dead child in a session of its own."""
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(LATE_S)
        os._exit(0)
    send(line)


def wake(send: Callable[[bytes], None], line: bytes) -> None:
    """Answer, and have a child wake the worker whenever it is stopped."""
    if os.fork() == 0:
        os.setsid()
        while True:
            os.kill(os.getppid(), signal.SIGCONT)
    send(line)


def refuse(send: Callable[[bytes], None], line: bytes) -> None:
    """Answer with an error of a kind that there isn't."""
    send(json.dumps({"id": json.loads(line)["id"], "error": "", "kind": "x", "traceback": ""}).encode() + b"\n")


ACTS = {
    act.__name__: act
    for act in (
        *(twice, late, half, endless, garbage, nested, close, leave, answer_and_leave, crash, stop, orphan, nest, wake),
        refuse,
    )
}


def mutate(mutation: Mutation, threads: int) -> None:
    """Make this worker answer in the wrong way from now on."""
    current = [protocol.LOAD.name, ""]

    def noted(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def answer(*args: Any, **kwargs: Any) -> Any:
            current[:] = [name, kwargs.get("directory", "")]
            return method(*args, **kwargs)

        return answer

    cell.ANSWERS.update({name: noted(name, method) for name, method in cell.ANSWERS.items()})

    def send(self: channel.Channel, message: Any) -> None:
        def write(data: bytes) -> None:
            while data:
                data = data[os.write(self._write_fd, data) :]

        if current[0] != mutation.request or "ok" not in message:
            write(json.dumps(message).encode() + b"\n")
        elif mutation.act in ACTS:
            ACTS[mutation.act](write, json.dumps(message).encode() + b"\n")
        elif mutation.act == "no_file":
            shutil.rmtree(current[1])
            write(json.dumps(message).encode() + b"\n")
        else:
            write(json.dumps(changed(message, mutation.path, VALUES[mutation.act])).encode() + b"\n")

    channel.Channel.send = send  # type: ignore[method-assign]  # the mutation


ALL = mutations()
FRAMEWORKS = tuple(
    replace(PROBES[0], name=f"mutant-{number}", packages=("mutants",), load=partial(mutate, ALL[int(number)]))
    for number in os.environ.get("TWINBENCH_MUTANTS", "").split()
)
