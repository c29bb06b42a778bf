"""A host's side of a job: one pipeline, measured as by `twinbench run` on that host, one job at a time.

A job has all stacks of its pipeline, since stacks are measured side by side, which only one machine can do. This file
doesn't know who sends jobs: it takes plain data and returns plain data.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import twinbench
from twinbench import paths
from twinbench.errors import INTERRUPTED, TwinbenchError
from twinbench.store.store import Store

ASK_S = 0.5
"""Seconds between two attempts of a waiting job to lock the host."""

LOCK = "host.lock"
"""Name of the file that a job locks, in a directory of the user."""

RESULTS = "results.db"
"""File name of a job's store."""

ERROR = "twinbench: error: "
"""Start of the line in which the command tells its error."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A pipeline to measure. ``text`` is the pipeline's file, ``arguments`` are the other arguments of `twinbench run`.

    ``file`` is the pipeline file's path, where the data's paths are relative to that file: the host must have the same
    path. Otherwise ``file`` is None, and the host writes ``text`` to a file of its own.
    """

    key: str
    pipeline: str
    text: str
    file: str | None
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of a job: the exit code of `twinbench run`, its error in one line, and the bytes of the store.

    ``error`` is empty without an error, and ``store`` without a store. ``directory`` is the directory on ``host`` that
    holds the results until `forget` is called.
    """

    key: str
    host: str
    code: int
    error: str
    store: bytes
    directory: str


_running: dict[str, subprocess.Popen[str]] = {}
"""Processes by the key of their job."""

_stopped: set[str] = set()
"""Keys of jobs that were stopped, begun or not."""

_lock = threading.Lock()


def version() -> str:
    """Return the version of the twinbench that is installed here."""
    return twinbench.__version__


def measure(job: Job, say: Callable[[str, str], None]) -> Outcome:
    """Measure a job and return its outcome. ``say`` is called with this host's name and a line of progress."""
    name = socket.gethostname()
    directory = Path(tempfile.mkdtemp(prefix="twinbench-job-"))
    with _turn(job.key, lambda: say(name, f"{job.pipeline}: waiting for another job on this host")) as turn:
        say(name, f"{job.pipeline}: measuring; results are in {directory / RESULTS} until they have arrived")
        code, last = _run(job, directory, turn, lambda line: say(name, line))
    store = _content(directory / RESULTS)
    error = _error(code, last, store)
    return Outcome(key=job.key, host=name, code=code, error=error, store=store, directory=str(directory))


def _error(code: int, last: str, store: bytes) -> str:
    """Return the reason in one line why the command failed; empty if it didn't fail."""
    if last.startswith(ERROR):
        return last.removeprefix(ERROR)
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return "" if store or code == INTERRUPTED else f"ended with exit code {code} and no results; {last}"


def _content(store: Path) -> bytes:
    """Return the bytes of a store that no process has open; empty without a store.

    Opening and closing the store first moves what a killed process left in the journal into the file.
    """
    if not store.exists():
        return b""
    Store.open(store, create=False).close()
    return store.read_bytes()


def stop(key: str) -> None:
    """End a job as Ctrl-C would: its measurements so far are stored, and returned as its outcome."""
    with _lock:
        _stopped.add(key)
        if key in _running:
            _running[key].send_signal(signal.SIGINT)


def forget(directory: str) -> None:
    """Delete a job's directory on this host, once its results have arrived."""
    shutil.rmtree(directory, ignore_errors=True)


def _run(job: Job, directory: Path, turn: int, say: Callable[[str], None]) -> tuple[int, str]:
    """Run the command of a job. Returns the command's exit code and the last line that it wrote.

    The command inherits the lock on the host, which lasts until the command ends even if this process dies.
    """
    if job.file is None:
        (directory / "pipelines").mkdir()
        file = directory / "pipelines" / f"{job.pipeline}.toml"
        file.write_text(job.text, encoding="utf-8")
    else:
        file = Path(job.file)
    command = [sys.executable, "-P", "-m", "twinbench", "run", job.pipeline, *job.arguments]
    command += ["--pipelines", str(file.parent), "--store", str(directory / RESULTS), "--no-track", "--json"]
    with _lock:
        if job.key in _stopped:
            return INTERRUPTED, ""
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            process_group=0,
            pass_fds=(turn,),
        )
        _running[job.key] = process
    last = ""
    try:
        assert process.stderr is not None
        for line in process.stderr:
            last = line.rstrip("\n")
            if job.key not in _stopped:  # its advice how to resume is meant for a user of this host
                say(last)
        return process.wait(), last
    finally:
        with _lock:
            del _running[job.key]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _turn(key: str, waiting: Callable[[], None]) -> Iterator[int]:
    """Wait until no process of this host measures another job, and lock the host. A job that is stopped doesn't wait.

    Yields the descriptor of the lock, which lasts until the descriptor is closed here and wherever it is inherited.
    """
    descriptor = _open(_own_directory() / LOCK)
    has_waited = False
    try:
        while key not in _stopped:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not has_waited:
                    waiting()
                has_waited = True
                time.sleep(ASK_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _own_directory() -> Path:
    """Return a directory of this host that only this user can write to, made if it is missing.

    It is in the directory of temporary files, or in the cache where somebody else has taken its name there.
    """
    directory = Path(tempfile.gettempdir()) / f"twinbench-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        directory.mkdir(mode=0o700)
    status = directory.lstat()
    if stat.S_ISDIR(status.st_mode) and status.st_uid == os.getuid() and not status.st_mode & 0o022:
        return directory
    in_cache = paths.cache_dir() / socket.gethostname()
    paths.make_private(in_cache)
    return in_cache


def _open(path: Path) -> int:
    """Open a file of this user to lock it. Returns a descriptor. Raises TwinbenchError for what isn't such a file.

    A link isn't followed, and the opening of a named pipe doesn't wait for another process.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o600)
    except OSError as error:
        raise TwinbenchError(f"{path}: can't be locked: {error.strerror}; remove it") from error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.getuid():
        os.close(descriptor)
        raise TwinbenchError(f"{path}: can't be locked: it is not a file of this user; remove it")
    return descriptor
