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
    waiting: int | None = None
    """Number of the signal that came meanwhile."""
    last = -GRACE_S
    """Time of the last interrupt, on the monotonic clock."""


_changing = threading.Lock()
"""Lock on the depth. The handler of signals doesn't take it."""


def heed() -> None:
    """Let the signals end this command. A signal that is ignored stays ignored, as ``nohup`` has it."""
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if _State.depth:
        _State.waiting = number
    elif time.monotonic() - _State.last >= GRACE_S:
        _State.last = time.monotonic()
        raise KeyboardInterrupt(signal.Signals(number).name)


@contextmanager
def held() -> Iterator[None]:
    """Hold interrupts off until the end of the context, in any thread; the main thread gets the last one then."""
    with _changing:
        _State.depth += 1
    try:
        yield
    finally:
        with _changing:
            _State.depth -= 1
        number = _State.waiting
        if number is not None and not _State.depth:
            _State.waiting = None
            if threading.current_thread() is threading.main_thread():
                _interrupt(number, None)
            else:
                os.kill(os.getpid(), number)
