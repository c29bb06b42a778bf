"""A scoring server of one model on loopback: the file that an image runs, in a process group of its own."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from twinbench.handover.deploy.write import TARGETS
from twinbench.handover.endpoint import client
from twinbench.handover.endpoint.client import Address, Client, EndpointFailure
from twinbench.handover.models import variables
from twinbench.launch.process import START_TIMEOUT_S, tree_rss
from twinbench.launch.variables import worker_environment

HOST = "127.0.0.1"

THREADS = 1
"""Threads of the server, as in the image and in a run."""

POLL_S = 0.01
"""Pause between two checks that the server is ready, in seconds: the resolution of the start time."""

MEMORY_CHECK_S = 0.05

END_S = 10.0
"""Longest wait for the processes of a killed server, in seconds: workers end when their connection closes."""


class Server:
    """A server process, started by the constructor; leaving the context ends it and every process it started."""

    def __init__(self, model: Path, framework: str) -> None:
        """Start the server. ``model`` is a directory named ``model``; ``serve.py`` is copied beside it."""
        script = shutil.copy(TARGETS / "serve.py", model.with_name("serve.py"))
        extra = {"PORT": str(_free_port()), "MLFLOW_DISABLE_TELEMETRY": "true", **variables(framework)}
        self.address: Address = client.address(f"http://{HOST}:{extra['PORT']}")
        self.peak_rss_bytes = 0
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the server
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script)],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env=worker_environment(THREADS, extra),
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        family = self._family()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        _, alive = psutil.wait_procs(family, timeout=END_S)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._log.close()

    def wait(self) -> float:
        """Wait until ``/ping`` answers; returns seconds since the start. Raises EndpointFailure."""
        while True:
            if self._process.poll() is not None:
                raise EndpointFailure(
                    f"the server ended with exit code {self._process.returncode}: {self._last_line()}"
                )
            with contextlib.suppress(EndpointFailure), Client(self.address, START_TIMEOUT_S) as asking:
                if asking.ping():
                    return time.perf_counter() - self.started
            if time.perf_counter() - self.started > START_TIMEOUT_S:
                raise EndpointFailure(f"the server is not ready within {START_TIMEOUT_S:g} s: {self._last_line()}")
            time.sleep(POLL_S)

    def look(self) -> None:
        """Update the peak with the memory in use now."""
        self.peak_rss_bytes = max(self.peak_rss_bytes, tree_rss(self._process.pid))

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Update the peak memory every `MEMORY_CHECK_S` inside the context, which takes some processor time."""
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(MEMORY_CHECK_S):
                self.look()

        watching = threading.Thread(target=watch)
        watching.start()
        try:
            yield
        finally:
            ended.set()
            watching.join()

    def cpu_s(self) -> float:
        """Return the processor time of the server and of every process it started, in seconds since its start."""
        total = 0.0
        for process in self._family():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def _family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self._process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _last_line(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log.read().decode(errors="replace").splitlines() if line.strip()]
        return lines[-1][:300] if lines else "no reason given"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
