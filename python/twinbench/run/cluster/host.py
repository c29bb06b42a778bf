"""What a host of a cluster does with a job: it measures one pipeline as `twinbench run` does there, one job at a time.

A job holds all stacks of its pipeline, for they are measured side by side, which only one machine can do. This file
knows nothing of who sends jobs: it takes plain data and gives back plain data.
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
"""How often a job that waits for its turn asks whether it has come."""

RESULTS = "results.db"
ERROR = "twinbench: error: "


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A pipeline to measure. ``text`` is the pipeline's file, ``arguments`` are those of `twinbench run` beside it.

    ``file`` is that file's path where its data are found from there: the host must then have the same path.
    """

    key: str
    pipeline: str
    text: str
    file: str | None
    arguments: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a job ended: the exit code of `twinbench run`, its error in a line, and the store, empty where there is none.

    ``place`` is the directory on ``host`` that keeps the results until `forget` is called.
    """

    key: str
    host: str
    code: int
    error: str
    store: bytes
    place: str


_running: dict[str, subprocess.Popen[str]] = {}
_stopped: set[str] = set()
_lock = threading.Lock()


def version() -> str:
    """Of the twinbench that is installed here."""
    return twinbench.__version__


def measure(job: Job, say: Callable[[str, str], None]) -> Outcome:
    """Measure a job and return what came of it. ``say`` is given this host's name and a line of progress."""
    name = socket.gethostname()
    place = Path(tempfile.mkdtemp(prefix="twinbench-job-"))
    with _turn(job.key, lambda: say(name, f"{job.pipeline}: waiting for another job on this host")) as turn:
        say(name, f"{job.pipeline}: measuring; results are in {place / RESULTS} until they have arrived")
        code, last = _run(job, place, turn, lambda line: say(name, line))
    store = _content(place / RESULTS)
    error = _error(code, last, store)
    return Outcome(key=job.key, host=name, code=code, error=error, store=store, place=str(place))


def _error(code: int, last: str, store: bytes) -> str:
    """What kept the command from ending as it should, in a line; empty if nothing did."""
    if last.startswith(ERROR):
        return last.removeprefix(ERROR)
    if code < 0:
        return f"ended by {signal.Signals(-code).name}"
    return "" if store or code == INTERRUPTED else f"ended with exit code {code} and no results; {last}"


def _content(store: Path) -> bytes:
    """Of a store that nobody has open any more; closing it moves what a killed process left in the journal."""
    if not store.exists():
        return b""
    Store.open(store, create=False).close()
    return store.read_bytes()


def stop(key: str) -> None:
    """End a job as Ctrl-C would: what it has measured is kept, and returned."""
    with _lock:
        _stopped.add(key)
        if key in _running:
            _running[key].send_signal(signal.SIGINT)


def forget(place: str) -> None:
    """Delete what a job left on this host, once its results have arrived."""
    shutil.rmtree(place, ignore_errors=True)


def _run(job: Job, place: Path, turn: int, say: Callable[[str], None]) -> tuple[int, str]:
    """The command's exit code and the last line that it wrote. It holds the turn itself, should this process die."""
    if job.file is None:
        (place / "pipelines").mkdir()
        file = place / "pipelines" / f"{job.pipeline}.toml"
        file.write_text(job.text, encoding="utf-8")
    else:
        file = Path(job.file)
    command = [sys.executable, "-m", "twinbench", "run", job.pipeline, *job.arguments]
    command += ["--pipelines", str(file.parent), "--store", str(place / RESULTS), "--no-track", "--json"]
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
            if job.key not in _stopped:  # what it says of going on there is not for who stopped it here
                say(last)
        return process.wait(), last
    finally:
        with _lock:
            del _running[job.key]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _turn(key: str, waiting: Callable[[], None]) -> Iterator[int]:
    """While no other job is measured on this host, by whichever process. A job that is stopped doesn't wait.

    Gives the descriptor that the turn lasts for, here or where it is inherited.
    """
    descriptor = _open(Path(tempfile.gettempdir()) / "twinbench-host.lock")
    told = False
    try:
        while key not in _stopped:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if not told:
                    waiting()
                told = True
                time.sleep(ASK_S)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    """A file that is only ever locked; it may be another user's."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644)
    except FileExistsError:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
