"""Errors that a user can act on, with the exit code that belongs to them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

OK = 0
FAILED = 1
BAD_INPUT = 2
REQUIRED_UNAVAILABLE = 3
REGRESSED = 4
"""What `compare` or `monitor` was told to fail on is there."""
INTERRUPTED = 130


class TwinbenchError(Exception):
    """One line that says what, where and what to do. ``exit_code`` is what the command ends with."""

    exit_code = FAILED


class BadInput(TwinbenchError):
    """A bad argument, pipeline file or dataset."""

    exit_code = BAD_INPUT


class StoreError(TwinbenchError):
    """The results can't be written or read: full disk, read-only place, not a store."""


class JuliaUnavailable(TwinbenchError):
    """No usable Julia; the message says why and which command mends it."""

    exit_code = REQUIRED_UNAVAILABLE


def nearest(name: str, valid: Iterable[str]) -> str:
    """``"; did you mean 'x'?"``, or the valid names when none is near."""
    names = sorted(valid)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; valid: {', '.join(names)}" if names else ""
