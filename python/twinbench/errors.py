"""Errors that a user can act on, with the exit code that belongs to them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

OK = 0
FAILED = 1
BAD_INPUT = 2
REQUIRED_UNAVAILABLE = 3
REGRESSED = 4
"""Exit code of `compare` and `monitor` if a condition holds on which the user asked them to fail."""
INTERRUPTED = 130


class TwinbenchError(Exception):
    """An error with a message of one line: what was found, where, what to do. The command ends with ``exit_code``."""

    exit_code = FAILED


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
