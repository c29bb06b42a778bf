"""Imports of plug-ins, tried in a process of their own before this one does them: they may end the process, or not end.

The process imports one plug-in after the other and writes a verdict on each, up to the first that does harm. Where the
process dies or hangs, the plug-in whose verdict is missing is the culprit. Another process goes on with the next one.
The process must import no library under test.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from importlib.metadata import EntryPoint

from twinbench.errors import in_one_line

LIMIT_S = 20.0
"""Longest time of an import, in seconds. A plug-in's module imports no library under test, and takes milliseconds."""

START_S = 60.0
"""Longest time in seconds that the process itself may take, beside the imports."""

LONGEST_EXCERPT = 60


def problems(entries: Sequence[EntryPoint]) -> list[str]:
    """Return for each entry point what is wrong with its import, "" where nothing is."""
    found: list[str] = []
    while len(found) < len(entries):
        verdicts, end = _tried(entries[len(found) :])
        found += verdicts
        if len(found) < len(entries) and not (verdicts and verdicts[-1]):
            found.append(end)
    return found


def _tried(entries: Sequence[EntryPoint]) -> tuple[list[str], str]:
    """Import entry points in one process. Returns the verdicts, and what kept the process from the next one."""
    values = [(entry.name, entry.value, entry.group) for entry in entries]
    job = json.dumps({"path": sys.path, "entries": values, "limit_s": LIMIT_S})
    with tempfile.TemporaryFile() as verdicts:
        try:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=verdicts,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            return [], f"its import can't be tried: {error.strerror}"
        try:
            process.communicate(job.encode(), START_S + LIMIT_S * len(entries))
            late = False
        except subprocess.TimeoutExpired:  # SIGALRM was ignored
            late = True
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            code = process.wait()
        verdicts.seek(0)
        return [json.loads(line) for line in verdicts if line.endswith(b"\n")], _end(code, late)


def _end(code: int, late: bool) -> str:
    """Describe how a process ended that should have gone on; ``late`` where this process ended it."""
    if late or code == -signal.SIGALRM:
        return f"its import isn't done after {LIMIT_S:g} s"
    how = f"by {signal.Signals(-code).name}" if code < 0 else f"with exit code {code}"
    return f"its import ends the process {how}"


def _main() -> None:
    job = json.load(sys.stdin)
    sys.path[:] = job["path"]
    with os.fdopen(os.dup(1), "w") as told, tempfile.TemporaryFile() as file:
        os.dup2(file.fileno(), 1)
        for name, value, group in job["entries"]:
            problem = _problem(EntryPoint(name, value, group), file.fileno(), job["limit_s"])
            print(json.dumps(problem), file=told, flush=True)
            if problem:
                break  # what this import left behind could be taken for the next one's
    os._exit(0)  # whatever was left to be done at the end


def _problem(entry: EntryPoint, printed: int, limit_s: float) -> str:
    """Import an entry point. Returns what is wrong with that; ``printed``: the file that is standard output."""
    size, before, out = os.fstat(printed).st_size, _state(), io.StringIO()
    with _limited(limit_s):
        try:
            with contextlib.redirect_stdout(out):
                entry.load()
        except BaseException as error:  # SystemExit included
            return in_one_line(error)
        after = _state()
    text = out.getvalue() + os.pread(printed, 4096, size).decode(errors="replace")
    if text.strip():
        excerpt = " ".join(text.split())[:LONGEST_EXCERPT]
        return f"its import prints '{excerpt}'; a module of a plug-in prints nothing"
    changed = next((what for what, value in after.items() if value != before[what]), None)
    return f"its import changes {changed}; a module of a plug-in leaves the process as it is" if changed else ""


@contextlib.contextmanager
def _limited(limit_s: float) -> Iterator[None]:
    """End this process by SIGALRM if the context takes longer than this."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _state() -> dict[str, object]:
    """Return what an import must not change, by what it is called."""
    lasting = [thread.name for thread in threading.enumerate() if not thread.daemon]
    return {
        "the working directory": os.getcwd(),
        "how signals are handled": {number: signal.getsignal(number) for number in signal.valid_signals()},
        "the process's threads": lasting,
        "the file mode mask": _mask(),
        "the recursion limit": sys.getrecursionlimit(),
    }


def _mask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


if __name__ == "__main__":
    _main()
