"""Ctrl-C, SIGTERM and SIGHUP: each ends a command in the same way, by a KeyboardInterrupt in the main thread.

What must not be done by halves, such as starting a worker, holds them off until it is done.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command: from the terminal, from a scheduler or a service manager, and from a closed terminal."""

GRACE_S = 5.0
"""Seconds after an interrupt in which further ones do nothing, so that the command can tidy up."""


class _State:
    depth = 0
    """Number of contexts that hold interrupts off."""
    waiting = False
    """Whether an interrupt came meanwhile."""
    last = -GRACE_S
    """Time of the last interrupt, on the monotonic clock."""


def heed() -> None:
    """Let the signals end this command. A signal that is ignored stays ignored, as ``nohup`` has it."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _State.depth:
        _State.waiting = True
    elif time.monotonic() - _State.last >= GRACE_S:
        _State.last = time.monotonic()
        raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def held() -> Iterator[None]:
    """Hold interrupts off until the end of the context, where the last one is raised."""
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
        if _State.waiting and not _State.depth:
            _State.waiting = False
            if threading.current_thread() is threading.main_thread():
                _interrupt(signal.SIGINT, None)
            else:
                os.kill(os.getpid(), signal.SIGINT)
