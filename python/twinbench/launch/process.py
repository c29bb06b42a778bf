"""Worker processes: starting, asking, stopping, limiting and killing them.

A worker leads a process group of its own. What it started ends with it, in whatever group or session that is. This file
knows no store and no statistics.
"""

from __future__ import annotations

import atexit
import itertools
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any, Protocol

import psutil

from twinbench import leftovers
from twinbench.launch import bus_errors, environments, family
from twinbench.launch.family import tree_rss as tree_rss
from twinbench.launch.interrupts import held
from twinbench.launch.pipes import Ended, Endless, Pipes, TimedOut, Unread
from twinbench.worker.channel import Refusal, encode, read_answer
from twinbench.worker.protocol import Content, ProtocolError, Reply, Request

STDERR_TAIL = 4000
"""Characters of a dead worker's output that are kept."""

START_TIMEOUT_S = 300.0
"""Longest wait, in seconds, for a worker that imports its frameworks: Julia may precompile on its first start."""

CLOSED_S = 5.0
"""Longest wait, in seconds, for the end of a worker that has closed its pipes."""

STOP_S = 10.0
"""Longest wait, in seconds, until a worker that was stopped doesn't run any more."""

CLOCK_TICK_NS = 1e8
"""Error of a clock of processor time, in nanoseconds: some systems count in ticks of 10 ms, for each thread."""

MODULE = "twinbench.worker.main"
"""Module that a worker executes."""

_numbers = itertools.count()
"""Numbers of this process's workers."""


_alive: set[Worker] = set()
"""Workers that were started and not killed."""


@atexit.register
def _end_all() -> None:
    """Kill the workers that nobody has killed, because what should have was interrupted."""
    for worker in list(_alive):
        worker.kill()


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
        job: Content,
        variables: Mapping[str, str],
        memory_limit: int | None = None,
        environment: str | None = None,
        module: str = MODULE,
    ) -> None:
        """``environment``: a name in `twinbench.launch.environments`; None is the common environment."""
        if not getattr(job, "served", False):  # the process of a server is somebody else's
            bus_errors.announce()
            family.adopt_orphans()
        self.memory_limit = memory_limit
        self._mark = f"{leftovers.owner()}.{next(_numbers)}"
        self._requests = itertools.count(1)
        self._watched: tuple[str, Callable[[float], None]] | None = None
        self._family: set[family.Member] = set()
        """Descendants that were seen."""
        self._is_paused = self._is_killed = False
        self._asking, self._ending = threading.RLock(), threading.RLock()
        with held():
            self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the worker
            self._scratch = scratch()
            self._pipes = Pipes()
            self._process = self._started(module, variables, environment)
            _alive.add(self)
        self._pipes.send(encode(job.as_json()))

    def _started(self, module: str, variables: Mapping[str, str], environment: str | None) -> subprocess.Popen[bytes]:
        process = None
        try:
            own = environments.variables(environment, Path(self._scratch.name))
            directory = self._scratch.name
            process = subprocess.Popen(
                [environments.interpreter(environment), "-P", "-m", module, *map(str, self._pipes.of_the_worker)],
                pass_fds=self._pipes.of_the_worker,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=subprocess.STDOUT,
                env=dict(variables) | own | {"TMPDIR": directory, "KERAS_HOME": directory, family.MARK: self._mark},
                start_new_session=True,
            )
        except OSError as error:
            raise WorkerFailure("unavailable", f"its process can't be started: {error}") from error
        finally:
            self._pipes.attach(process)
            if process is None:
                self._release()
                self._log.close()
        return process

    @property
    def pid(self) -> int:
        """The worker's process id, which is also its process group."""
        return self._process.pid

    def watch(self, doing: str, waiting: Callable[[float], None]) -> None:
        """Have ``waiting`` called with the seconds that a request takes, and call what requests do ``doing``."""
        self._watched = doing, waiting

    def ask(self, request: Request[Reply], timeout_s: float, **arguments: Any) -> Reply:
        """Send one request and return the reply, within ``timeout_s`` seconds of wall time."""
        with self._asking:
            return self._asked(request, timeout_s, arguments)

    def _asked(self, request: Request[Reply], timeout_s: float, arguments: Mapping[str, Any]) -> Reply:
        number = next(self._requests)
        doing = self._watched[0] if self._watched else f"{request.name} {arguments.get('step', '')}".strip()
        start = time.monotonic()
        try:
            self._pipes.send(encode({"id": number, "do": request.name, "with": dict(arguments)}))
            line = self._pipes.line(start + timeout_s, self._look(doing, start))
            reply = read_answer(line, number, request.reply)
            _check_claims(reply, time.monotonic() - start)
        except TimedOut:
            raise self._failure("time-out", f"{doing}: no answer within {timeout_s:g} s") from None
        except Unread:
            raise self._failure("protocol", f"{doing}: an answer before the request was read") from None
        except Endless:
            raise self._failure("protocol", f"{doing}: an answer that doesn't end") from None
        except ProtocolError as unfit:
            raise self._failure("protocol", f"{doing}: {unfit}") from None
        except Ended:
            raise self._death() from None
        except Refusal as refusal:
            self.kill()
            raise WorkerFailure(refusal.kind, refusal.reason, refusal.traceback[-STDERR_TAIL:]) from None
        self._family |= family.members(self.pid)
        return reply

    def pause(self) -> None:
        """Stop the worker and all that it started, so that it is silent while another worker is measured."""
        if self._is_paused:
            return
        self._family |= family.signal_all(self.pid, signal.SIGSTOP)
        until = time.monotonic() + STOP_S
        is_stopped = not hasattr(os, "waitid")  # a system that can't tell
        while not self._has_ended():
            is_stopped = is_stopped or self._event(os.WSTOPPED)
            if is_stopped and not family.awake(self._family):
                break
            if time.monotonic() > until:
                raise self._failure("protocol", f"went on for {STOP_S:g} s after it was stopped")
            time.sleep(0.0002)
        self._is_paused = True

    def resume(self) -> None:
        """Let the worker and all that it started run again."""
        if self._is_paused and (self._event(os.WSTOPPED | os.WCONTINUED) or family.awake(self._family)):
            raise self._failure("protocol", "went on while it was stopped and another stack was measured")
        self._is_paused = False
        family.signal_all(self.pid, signal.SIGCONT)
        self._event(os.WCONTINUED)

    def _event(self, kinds: int) -> bool:
        """Whether the worker has stopped or gone on since the last call; where the system can't tell, it has not."""
        try:
            return os.waitid(os.P_PID, self.pid, kinds | os.WNOHANG) is not None
        except (ChildProcessError, AttributeError):
            return False

    def _has_ended(self) -> bool:
        try:
            return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is not None
        except ChildProcessError:
            return True
        except AttributeError:  # a system without waitid
            return self._process.poll() is not None

    def kill(self) -> None:
        """Kill the worker and all that it started, and wait for its end. Safe to call twice."""
        with held():
            with self._ending:
                if not self._is_killed:
                    family.end(self.pid, self._family, self._mark)
                    self._process.wait()
                    self._is_killed = True
            if self._asking.acquire(timeout=CLOSED_S):  # another thread that asks notices the end
                try:
                    self._release()
                finally:
                    self._asking.release()
            _alive.discard(self)

    def _release(self) -> None:
        self._scratch.cleanup()
        self._pipes.close()

    def _look(self, doing: str, start: float) -> Callable[[], None] | None:
        """Return the function that is called while a request runs; None if nothing must be watched."""
        if self.memory_limit is None and self._watched is None:
            return None

        def look() -> None:
            if self.memory_limit is not None:
                self._check_memory(doing, self.memory_limit)
            if self._watched is not None:
                self._watched[1](time.monotonic() - start)

        return look

    def _check_memory(self, doing: str, limit: int) -> None:
        self._family |= family.members(self.pid)
        used = tree_rss(self.pid)
        if used > limit:
            raise self._failure("memory", f"{doing}: {used / 2**20:.0f} MiB resident, limit {limit / 2**20:.0f} MiB")

    def _failure(self, kind: str, reason: str) -> WorkerFailure:
        self.kill()
        return WorkerFailure(kind, reason, self.output())

    def _death(self) -> WorkerFailure:
        """Return the failure of a worker that has ended or closed its pipes."""
        until = time.monotonic() + CLOSED_S
        while not self._has_ended() and time.monotonic() < until:
            time.sleep(0.001)
        has_ended = self._has_ended()
        self.kill()
        code = self._process.returncode
        if not has_ended:
            return WorkerFailure("protocol", "closed its pipe and went on", self.output())
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


def _check_claims(reply: Content, elapsed_s: float) -> None:
    """Check the times and the memory in a reply against this process's clock and this machine's memory."""
    if reply.claimed_ns > elapsed_s * 1.01e9 + 1e6:
        raise ProtocolError(f"it says that {reply.claimed_ns / 1e9:.3g} s passed, and {elapsed_s:.3g} s did")
    if reply.claimed_cpu_ns > elapsed_s * 1.01e9 * (os.cpu_count() or 1) + CLOCK_TICK_NS:
        raise ProtocolError(f"it says that it took {reply.claimed_cpu_ns / 1e9:.3g} s of the processor's time")
    if reply.claimed_bytes and reply.claimed_bytes > psutil.virtual_memory().total + psutil.swap_memory().total:
        raise ProtocolError(f"it says that it has {reply.claimed_bytes:,} bytes, more than this machine")


def scratch() -> tempfile.TemporaryDirectory[str]:
    """Make a temporary directory, which is deleted at the end of its context, or by a later start after a kill."""
    return leftovers.directory()
