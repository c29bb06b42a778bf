"""The process of one function: starting, asking and ending it. What it prints goes to a file, and is never parsed."""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Mapping
from typing import IO, TYPE_CHECKING, Any

from twinbench import paths
from twinbench.errors import BadInput, JuliaUnavailable, TwinbenchError
from twinbench.julia import find
from twinbench.julia.find import Julia
from twinbench.julia.start import environment
from twinbench.launch.variables import THREAD_VARIABLES
from twinbench.pair import target as targets
from twinbench.pair.callee import wire
from twinbench.pair.target import Target

if TYPE_CHECKING:
    from twinbench.store.records import Kind

START_S = 300.0
"""Longest wait, in seconds, until a function is loaded: Julia may precompile the user's packages."""

LARGEST = 4 << 30
"""Largest answer in bytes; a longer one is taken for garbage."""

START_PYTHON = (
    "import sys; home = sys.argv.pop(1); sys.path[:] = [home, *filter(None, sys.path)]; "
    "from twinbench.pair.callee.main import main; sys.path.remove(home); main()"
)
"""Imports the callee from this package's directory, which the user's own imports then don't see."""


START_JULIA = "push!(LOAD_PATH, popfirst!(ARGS)); import TwinBenchPair; pop!(LOAD_PATH); TwinBenchPair.main()"
"""Imports the package ``julia/pair``, whose compiled code Julia keeps; the user's project needs nothing of it."""


class Died(Exception):
    """A process that ended, hung, or answered with garbage; the message says which."""

    def __init__(self, message: str, kind: Kind = "protocol") -> None:
        """``kind`` is one of `twinbench.store.records.KINDS`."""
        super().__init__(message)
        self.kind: Kind = kind


class Process:
    """A live process with a function in it."""

    def __init__(self, target: Target, extra: Mapping[str, str] | None = None) -> None:
        """Start the process, without waiting for it. Raises BadInput and JuliaUnavailable.

        ``extra`` are environment variables beside the user's.
        """
        self.target = target
        self.hung = False
        """Whether the process was killed because it gave no answer in time."""
        command, variables = _command(target)
        self.printed: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        self.complained: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  lives as long as the process
        reading, self._requests = os.pipe()
        self._answers, writing = os.pipe()
        try:
            self._process = subprocess.Popen(
                [*command, str(reading), str(writing)],
                pass_fds=(reading, writing),
                stdin=subprocess.DEVNULL,
                stdout=self.printed,
                stderr=self.complained,
                env=variables | dict(extra or {}),
                start_new_session=True,
            )
        except OSError as error:
            raise BadInput(f"{target.name}: {command[0]} can't be started: {error}") from None
        finally:
            os.close(reading)
            os.close(writing)

    @property
    def pid(self) -> int:
        """The process id, which is also the process group."""
        return self._process.pid

    def send(self, request: dict[str, Any]) -> None:
        """Send a request, without waiting for the answer. Raises Died."""
        if self._requests < 0:
            raise Died("its process has ended", "exit")
        data = wire.encode(request)
        data = struct.pack("<Q", len(data)) + data
        try:
            while data:
                data = data[os.write(self._requests, data) :]
        except BrokenPipeError:
            raise self._death() from None

    def answer(self, timeout_s: float) -> dict[str, Any]:
        """Wait for the answer to the oldest request. Raises Died, after which the process is dead."""
        deadline = time.monotonic() + timeout_s
        (length,) = struct.unpack("<Q", self._bytes(8, deadline, timeout_s))
        if length > LARGEST:
            raise self._killed("its answer is garbage")
        try:
            answer: dict[str, Any] = wire.decode(self._bytes(length, deadline, timeout_s))
        except ValueError as error:
            raise self._killed(f"its answer is garbage: {error}") from None
        return answer

    def ask(self, request: dict[str, Any], timeout_s: float) -> dict[str, Any]:
        """Send a request and wait for the answer. Raises Died."""
        self.send(request)
        return self.answer(timeout_s)

    def said(self, *, since: int = 0) -> str:
        """Return what the process printed to standard output, from a number of bytes on."""
        self.printed.seek(since)
        return self.printed.read(4000).decode(errors="replace")

    def said_bytes(self) -> int:
        """Return how many bytes the process has printed to standard output."""
        return os.fstat(self.printed.fileno()).st_size

    def close(self) -> None:
        """Kill the process and all that it started. Safe to call twice."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._requests, self._answers):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        self._requests = self._answers = -1

    def _bytes(self, count: int, deadline: float, timeout_s: float) -> bytes:
        data = bytearray()
        while len(data) < count:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                self.hung = True
                raise self._killed(f"gives no answer within {timeout_s:g} s", "time-out")
            chunk = os.read(self._answers, min(count - len(data), 1 << 20))
            if not chunk:
                raise self._death()
            data += chunk
        return bytes(data)

    def _killed(self, reason: str, kind: Kind = "protocol") -> Died:
        self.close()
        return Died(reason, kind)

    def _death(self) -> Died:
        """Return why a process that closed its pipe has ended, with the last line that it printed as an error."""
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            return self._killed("closes its pipe")
        self.close()
        self.complained.seek(0)
        lines = self.complained.read().decode(errors="replace").split("\n")
        said = [line.strip() for line in lines if line.strip()]
        last = next((f": {line}" for line in said if line.startswith("ERROR")), "")
        last = last or (f": {said[-1]}" if said else "")
        if code < 0:
            return Died(f"its process is killed by {signal.Signals(-code).name}{last}", "signal")
        return Died(f"its process ends with exit code {code}{last}", "exit")


def _command(target: Target) -> tuple[list[str], dict[str, str]]:
    """Return the command that starts a target's process, without its descriptors, and the environment variables."""
    variables = os.environ | dict.fromkeys(THREAD_VARIABLES, str(target.threads)) | {"OMP_DYNAMIC": "FALSE"}
    if target.language == "python":
        return [targets.interpreter(target), "-c", START_PYTHON, str(paths.PACKAGE.parent)], variables
    julia = julia_of(target)
    options = ["--startup-file=no", f"--project={julia.project}", "-e", START_JULIA]
    return [julia.exe, *options, str(paths.resource("julia") / "pair")], variables | environment(julia, target.threads)


def julia_of(target: Target) -> Julia:
    """Return the Julia that runs a target: the configured one, with the target's project. Raises JuliaUnavailable."""
    own = targets.project(target)
    julia = find.named() or find.provisioned()
    if julia is None:
        executable = shutil.which("julia")
        if executable is None or own is None:
            raise JuliaUnavailable(f"{target.name}: no Julia found; {find.SETUP_HINT}")
        return Julia(exe=executable, project=own, depot=os.environ.get("JULIA_DEPOT_PATH"), source="environment")
    if shutil.which(julia.exe) is None:
        raise JuliaUnavailable(f"{target.name}: no executable at {julia.exe}; {find.SETUP_HINT}")
    return julia if own is None else Julia(**_fields(julia) | {"project": own})


def _fields(julia: Julia) -> dict[str, Any]:
    return {name: getattr(julia, name) for name in ("exe", "depot", "lib", "bindir", "source")}


def start(functions: list[Target]) -> list[Process]:
    """Start the processes of several functions side by side. Raises BadInput, JuliaUnavailable and TwinbenchError."""
    processes: list[Process] = []
    try:
        for target in functions:
            processes.append(Process(target))
            processes[-1].send(target.loading())
    except Died as error:
        raise TwinbenchError(f"{processes[-1].target.name}: {error}") from None
    except BaseException:
        for process in processes:
            process.close()
        raise
    return processes
