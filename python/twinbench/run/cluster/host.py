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
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import twinbench
from twinbench.errors import INTERRUPTED
from twinbench.store.store import Store

ASK_S = 0.5
"""Seconds between two attempts of a waiting job to lock the host."""

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
    descriptor = _open(Path(tempfile.gettempdir()) / "twinbench-host.lock")
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


def _open(path: Path) -> int:
    """Open a file to lock, which may be another user's. Returns a descriptor for reading."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
