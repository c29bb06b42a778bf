"""A scheduler and workers of Dask on loopback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

Start = Callable[..., "subprocess.Popen[bytes]"]


WORK = """
[pipeline]
name = "mine"
modality = "probe"
stacks = ["probe-a", "probe-b"]

[goal]
question = "Where was this measured?"

[sizes]
default = {}

[[step]]
op = "probe.work"
loops = 200_000
"""


@contextmanager
def process(arguments: list[str], places: dict[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``dask`` with these arguments, until the end of the test."""
    with log.open("wb") as out:
        started = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env=places,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
        )
        try:
            yield started
        finally:
            children = psutil.Process(started.pid).children(recursive=True) if started.poll() is None else []
            for each in (*children, started):
                each.kill()
            started.wait(30)


@contextmanager
def a_scheduler(scratch: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """One on loopback: its address and its process."""
    file = scratch / "scheduler.json"
    listen = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--no-show"]
    with process(["scheduler", *listen, "--scheduler-file", str(file)], dict(os.environ), scratch / "log") as started:
        yield wait_for(lambda: file.exists() and json.loads(file.read_text())["address"]), started


@pytest.fixture(scope="module")
def scheduler(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of one that these tests share."""
    with a_scheduler(tmp_path_factory.mktemp("scheduler")) as (address, _):
        yield address


@pytest.fixture
def worker(scheduler: str, places: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Starts workers, of the shared scheduler if not of another one."""
    with ExitStack() as stack:

        def start(name: str, *arguments: str, of: str = scheduler, **variables: str) -> subprocess.Popen[bytes]:
            listen = ["--host", "127.0.0.1", "--no-dashboard", "--nworkers", "1", "--nthreads", "1"]
            options = [*listen, "--local-directory", str(tmp_path / name), "--name", name]
            offered = arguments or ("--resources", "twinbench=1")
            log = tmp_path / f"{name}.log"
            command = ["worker", of, *options, *offered]
            started = stack.enter_context(process(command, places | variables, log))
            wait_for(lambda: "Registered to" in log.read_text())
            return started

        yield start


def wait_for(found: Callable[[], object], seconds: float = 60) -> str:
    """What it finds in the end."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if value := found():
                return str(value)
        except (OSError, ValueError):
            pass
        time.sleep(0.1)
    pytest.fail("nothing came")


@pytest.fixture
def mine(tmp_path: Path) -> list[str]:
    """Arguments that name a pipeline of the user's own, which no host has."""
    directory = tmp_path / "mine"
    directory.mkdir()
    (directory / "mine.toml").write_text(WORK)
    return ["mine", "--pipelines", str(directory)]
