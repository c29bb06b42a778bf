"""Worker processes: starting, asking, stopping, limiting and killing them.

A worker leads a process group of its own, so that a kill ends everything that the worker started. This file
knows no store and no statistics.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Protocol

import psutil

from twinbench.launch import environments
from twinbench.worker.protocol import Job, Message, ProtocolError, Reply, Request, encode

MEMORY_CHECK_S = 0.05
"""Seconds between two checks of the resident memory while a request runs, if there is a limit."""

STDERR_TAIL = 4000
"""Characters of a dead worker's output that are kept."""

START_TIMEOUT_S = 300.0
"""Longest wait, in seconds, for a worker that imports its frameworks: Julia may precompile on its first start."""

LINE_LIMIT = 64 << 20
"""Longest answer of a worker, in bytes; a longer line is taken for garbage."""


class Ask(Protocol):
    """A function that asks a worker, within the time-out of the run."""

    def __call__(self, request: Request[Reply], **arguments: Any) -> Reply:
        """Send a request, and return the reply."""


class WorkerFailure(Exception):
    """A failure that ends a worker. ``kind`` is one of `twinbench.store.records.KINDS`."""

    def __init__(self, kind: str, reason: str, output: str = "") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason
        self.output = output


class Worker:
    """One live worker, with a directory of its own for temporary files.

    Every method may raise `WorkerFailure`, after which the worker is dead.
    """

    def __init__(
        self,
        job: Job,
        variables: Mapping[str, str],
        memory_limit: int | None = None,
        environment: str | None = None,
    ) -> None:
        """``environment``: a name in `twinbench.launch.environments`; None is the common environment."""
        self.memory_limit = memory_limit
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the worker
        self._scratch = scratch()
        requests_read, self._requests = os.pipe()
        self._answers, answers_write = os.pipe()
        try:
            own = environments.variables(environment, Path(self._scratch.name))
            module = "twinbench.worker.main"
            descriptors = [str(requests_read), str(answers_write)]
            self._process = subprocess.Popen(
                [environments.interpreter(environment), "-P", "-m", module, *descriptors],
                pass_fds=(requests_read, answers_write),
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=dict(variables) | own | {"TMPDIR": self._scratch.name, "KERAS_HOME": self._scratch.name},
                start_new_session=True,
            )
        except OSError as error:
            self._release()
            self._log.close()
            raise WorkerFailure("unavailable", f"its process can't be started: {error}") from error
        finally:
            os.close(requests_read)
            os.close(answers_write)
        self._buffer = b""
        self._send(job.as_json())

    @property
    def pid(self) -> int:
        """The worker's process id, which is also its process group."""
        return self._process.pid

    def ask(self, request: Request[Reply], timeout_s: float, **arguments: Any) -> Reply:
        """Send one request and return the reply, within ``timeout_s`` seconds of wall time."""
        self._send({"do": request.name, "with": arguments})
        doing = f"{request.name} {arguments.get('step', '')}".strip()
        line = self._line(time.monotonic() + timeout_s, doing, timeout_s)
        try:
            answer = json.loads(line)
            if "ok" in answer:
                return request.reply.of(answer["ok"])
            error, trace = str(answer["error"]), str(answer.get("traceback", ""))
        except ProtocolError as unfit:
            raise self._failure("protocol", f"{doing}: {unfit}") from None
        except (ValueError, KeyError, TypeError, RecursionError):
            raise self._failure("protocol", f"garbage instead of an answer: {line[:80]!r}") from None
        kind = "memory" if answer.get("memory") else "exception"
        self.kill()
        raise WorkerFailure(kind, (error.splitlines() or ["no reason given"])[0], trace[-STDERR_TAIL:])

    def pause(self) -> None:
        """Stop the whole group, so that it is silent while another worker is measured."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the whole group run again."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """Kill the whole group, and wait for its end. Safe to call twice."""
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._release()

    def _release(self) -> None:
        self._scratch.cleanup()
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._requests = self._answers = -1

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _send(self, message: Message) -> None:
        data = encode(message)
        try:
            while data:
                data = data[os.write(self._requests, data) :]
        except BrokenPipeError:
            raise self._death() from None

    def _line(self, deadline: float, doing: str, timeout_s: float) -> bytes:
        """Read up to the next newline, and check the deadline, the worker's life and its memory meanwhile."""
        while b"\n" not in self._buffer:
            left = deadline - time.monotonic()
            if left <= 0:
                raise self._failure("time-out", f"{doing}: no answer within {timeout_s:g} s")
            wait = min(left, MEMORY_CHECK_S) if self.memory_limit else left
            if select.select([self._answers], [], [], wait)[0]:
                chunk = os.read(self._answers, 1 << 16)
                if not chunk:
                    raise self._death()
                self._buffer += chunk
                if len(self._buffer) > LINE_LIMIT:
                    raise self._failure("protocol", f"{doing}: an answer that doesn't end")
            self._check_memory(doing)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line

    def _check_memory(self, doing: str) -> None:
        if self.memory_limit is None:
            return
        used = tree_rss(self.pid)
        if used > self.memory_limit:
            raise self._failure(
                "memory", f"{doing}: {used / 2**20:.0f} MiB resident, limit {self.memory_limit / 2**20:.0f} MiB"
            )

    def _failure(self, kind: str, reason: str) -> WorkerFailure:
        self.kill()
        return WorkerFailure(kind, reason, self.output())

    def _death(self) -> WorkerFailure:
        """Return the failure of a worker that closed its pipe."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return self._failure("protocol", "closed its pipe and went on")
        self.kill()
        if code < 0:
            name = signal.Signals(-code).name
            hint = ", perhaps by the kernel because memory ran out" if name == "SIGKILL" else ""
            return WorkerFailure("signal", f"killed by {name}{hint}", self.output())
        return WorkerFailure("exit", f"ended by itself with exit code {code}", self.output())

    def output(self) -> str:
        """Return the last `STDERR_TAIL` bytes that the worker printed."""
        size = self._log.seek(0, os.SEEK_END)
        self._log.seek(max(0, size - STDERR_TAIL))
        return self._log.read().decode(errors="replace")


def tree_rss(pid: int) -> int:
    """Sum up the resident bytes of a process and its descendants; 0 if the process has ended."""
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    total = 0
    for member in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            total += member.memory_info().rss
    return total


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Make a temporary directory, which is deleted at the end of its context."""
    return tempfile.TemporaryDirectory(prefix="twinbench-", ignore_cleanup_errors=True)
