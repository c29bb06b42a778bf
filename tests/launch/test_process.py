"""The life and death of a worker: death is noticed at once, and what it started is measured, stopped and ended too."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from twinbench.launch.process import Worker, WorkerFailure
from twinbench.worker.content import Content
from twinbench.worker.protocol import Done, Request

ROOT = Path(__file__).parents[2]
ACT = Request("act", Done)
Start = Callable[..., Worker]


@dataclass(frozen=True, slots=True)
class Odd(Content):
    """The job of `odd_worker`: an act, and a text that its processes are recognised by."""

    act: str
    token: str


@pytest.fixture
def token(tmp_path: Path) -> str:
    """A text that no other process has among its arguments."""
    return str(tmp_path / "token")


@pytest.fixture
def start(token: str) -> Iterator[Start]:
    """Starts a worker that will do something odd."""
    workers: list[Worker] = []

    def started(act: str, memory_limit: int | None = None) -> Worker:
        variables = os.environ | {"PYTHONPATH": str(ROOT)}
        workers.append(Worker(Odd(act, token), variables, memory_limit, module="tests.launch.odd_worker"))
        return workers[-1]

    yield started
    for worker in workers:
        worker.kill()


def relatives(token: str) -> list[psutil.Process]:
    return [process for process in psutil.process_iter(["cmdline"]) if token in (process.info["cmdline"] or [])]


def test_death_is_noticed_at_once_although_a_child_holds_the_pipe_and_the_child_is_ended(start: Start, token: str):
    worker = start("orphan")
    begun = time.monotonic()
    with pytest.raises(WorkerFailure, match="exit code 4") as failure:
        worker.ask(ACT, 60)
    assert failure.value.kind == "exit"
    assert time.monotonic() - begun < 20
    assert not relatives(token)


def test_a_child_of_a_dead_child_without_its_variables_is_counted_and_ended(start: Start, token: str):
    worker = start("nested")
    worker.ask(ACT, 60)
    (child,) = relatives(token)
    assert child.ppid() == worker.pid
    worker.pause()
    assert child.status() == psutil.STATUS_STOPPED
    worker.resume()
    assert child.status() != psutil.STATUS_STOPPED
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(WorkerFailure, match="SIGKILL"):
        worker.ask(ACT, 60)
    assert not relatives(token)


def test_the_memory_of_a_child_in_a_session_of_its_own_counts(start: Start, token: str):
    worker = start("large", memory_limit=200 << 20)
    with pytest.raises(WorkerFailure, match="limit 200 MiB") as failure:
        worker.ask(ACT, 60)
    assert failure.value.kind == "memory"
    assert not relatives(token)


def test_a_worker_that_goes_on_while_it_is_stopped_is_noticed(start: Start):
    worker = start("")
    worker.ask(ACT, 60)
    for _ in range(3):
        worker.pause()
        assert psutil.Process(worker.pid).status() == psutil.STATUS_STOPPED
        worker.resume()
    worker.pause()
    os.kill(worker.pid, signal.SIGCONT)
    with pytest.raises(WorkerFailure, match="went on while it was stopped") as failure:
        worker.resume()
    assert failure.value.kind == "protocol"


def test_a_worker_that_was_woken_and_stopped_again_is_noticed(start: Start):
    worker = start("")
    worker.ask(ACT, 60)
    worker.pause()
    os.kill(worker.pid, signal.SIGCONT)
    os.kill(worker.pid, signal.SIGSTOP)
    while psutil.Process(worker.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)
    with pytest.raises(WorkerFailure, match="went on while it was stopped"):
        worker.resume()


def test_a_request_that_is_not_read_is_a_time_out(start: Start):
    with pytest.raises(WorkerFailure, match="no answer within 1 s") as failure:
        start("deaf").ask(ACT, 1, rows="x" * 1_000_000)
    assert failure.value.kind == "time-out"


def test_a_worker_leaves_neither_files_nor_descriptors(start: Start):
    start("").kill()
    before = set(os.listdir("/proc/self/fd"))
    worker = start("")
    worker.ask(ACT, 60)
    scratch = Path(worker._scratch.name)
    assert scratch.is_dir()
    worker.kill()
    worker.kill()
    assert not scratch.exists()
    assert len(set(os.listdir("/proc/self/fd")) - before) <= 1, "beside the worker's output, which can still be read"
