"""Errors that a user can act on, with the exit code that belongs to them."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable
from pathlib import Path
from types import TracebackType

OK = 0
FAILED = 1
BAD_INPUT = 2
REQUIRED_UNAVAILABLE = 3
REGRESSED = 4
"""Exit code of `compare` and `monitor` if a condition holds on which the user asked them to fail."""
INTERRUPTED = 130


class TwinbenchError(Exception):
    """An error with a message of one line: what was found, where, what to do. The command ends with ``exit_code``.

    The message may quote a library, an address or a name: secrets in it are removed, line breaks become spaces, and the
    middle of a longer message than `LONGEST` is left out.
    """

    exit_code = FAILED

    def __init__(self, *arguments: object) -> None:
        from twinbench.foreign import redacted  # when it is needed: workers start without it

        texts = (redacted(value) if isinstance(value, str) else value for value in arguments)
        super().__init__(*(_line(value) if isinstance(value, str) else value for value in texts))


class BadInput(TwinbenchError):
    """A bad argument, pipeline file or dataset."""

    exit_code = BAD_INPUT


class StoreError(TwinbenchError):
    """The results can't be written or read: a full disk, a read-only directory, a file that isn't a store."""


class JuliaUnavailable(TwinbenchError):
    """No Julia can be used; the message gives the reason and the command to run."""

    exit_code = REQUIRED_UNAVAILABLE


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return ``"; did you mean 'x'?"``, or the valid names if none is close; empty without valid names."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; valid: {', '.join(names)}" if names else ""


LONGEST = 2000
"""Most characters of a message that are shown: more than any library's reason, less than a printed table."""

END = 400
"""Characters of the end of a longer message that are shown: what to do is said there."""


def _line(text: str) -> str:
    line = " ".join(text.splitlines()) if len(text.splitlines()) > 1 else text
    return line if len(line) <= LONGEST else f"{line[: LONGEST - END]} [...] {line[-END:]}"


def in_one_line(error: BaseException, files: Collection[str] = ()) -> str:
    """Describe an exception of a library in one line: its type, its whole message, and where it was raised.

    The place is the last line of one of the ``files`` that was being executed, or else of any file. It is left out for
    exceptions of the library's own types, whose messages say what is wrong. Secrets in the message are removed.
    """
    from twinbench.foreign import redacted

    message = redacted(" ".join(_message(error).partition("\nStacktrace:")[0].split()))[:LONGEST]
    name = type(error).__name__
    text = f"{name}: {message}" if message else f"{name} without a message"
    place = _place(error.__traceback__, files) if type(error).__module__ == "builtins" else ""
    return f"{text} ({place})" if place else text


def _message(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # another library's method
        return "(its message can't be had)"


def _place(trace: TracebackType | None, files: Collection[str]) -> str:
    """Return file and line of the innermost frame in one of the files; of the innermost frame if none is in them."""
    places: list[tuple[bool, str]] = []
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        places.append((file in files, f"{Path(file).name}, line {trace.tb_lineno}"))
        trace = trace.tb_next
    wanted = [place for inside, place in places if inside] or [place for _, place in places]
    return wanted[-1] if wanted else ""
