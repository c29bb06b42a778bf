"""The harness's end of the connection to a worker: requests and answers as lines, with a deadline for both.

Neither a worker that doesn't read nor one that doesn't write can make the harness wait longer.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable

CHUNK = 1 << 16
"""Bytes of one read."""

LINE_LIMIT = 64 << 20
"""Longest answer of a worker, in bytes; a longer line is taken for garbage."""

LOOK_S = 0.05
"""Seconds between two looks at the worker while a request runs, where something must be looked at."""


class TimedOut(Exception):
    """The deadline has passed."""


class Unread(Exception):
    """The worker answered before it had read the request, or without a request."""


class Endless(Exception):
    """An answer is longer than `LINE_LIMIT`."""


class Ended(Exception):
    """The worker has ended, or has closed an end of its pipes."""


class Pipes:
    """Two pipes, and the process at their other end."""

    def __init__(self) -> None:
        self.requests_read, self._requests = os.pipe()
        self._answers, self.answers_write = os.pipe()
        os.set_blocking(self._requests, False)
        os.set_blocking(self._answers, False)
        self._process: subprocess.Popen[bytes] | None = None
        self._life = -1
        """Descriptor that can be read once the process has ended; -1 where the system has none (not Linux)."""
        self._waiting = b""
        """Bytes that the worker hasn't read yet."""
        self._buffer = bytearray()
        """Bytes that were read and not returned."""
        self._has_line = False
        """Whether they hold the end of a line."""

    @property
    def of_the_worker(self) -> tuple[int, int]:
        """Descriptors for the worker: it reads requests from the first, and writes answers to the second."""
        return self.requests_read, self.answers_write

    def attach(self, process: subprocess.Popen[bytes] | None) -> None:
        """Close the worker's ends here, once the process that has inherited them was started or could not be."""
        os.close(self.requests_read)
        os.close(self.answers_write)
        self._process = process
        if process is not None and hasattr(os, "pidfd_open"):
            with contextlib.suppress(OSError):
                self._life = os.pidfd_open(process.pid)

    def send(self, data: bytes) -> None:
        """Queue bytes, which `line` writes."""
        self._waiting += data

    def line(self, deadline: float, look: Callable[[], None] | None) -> bytes:
        """Write what is queued, and return the next line, without its end.

        ``look`` is called every `LOOK_S` seconds, and may raise. Raises TimedOut at ``deadline``, a time of the
        monotonic clock, and Unread, Endless or Ended.
        """
        if self._read() or self._buffer:
            raise Unread
        looked = time.monotonic()
        while not self._has_line:
            now = time.monotonic()
            if now >= deadline:
                raise TimedOut
            often = look is not None or self._life < 0
            events = self._wait(min(deadline - now, LOOK_S) if often else deadline - now)
            if self._requests in events:
                self._write()
            if (events & {self._answers, self._life} or self._has_ended()) and not self._read():
                raise Ended
            if look is not None and time.monotonic() - looked >= LOOK_S:
                look()
                looked = time.monotonic()
        if self._waiting:
            raise Unread
        line, _, self._buffer = self._buffer.partition(b"\n")
        self._has_line = b"\n" in self._buffer
        return bytes(line)

    def _wait(self, seconds: float) -> set[int]:
        """Wait until a descriptor is ready. Returns the ready ones."""
        poll = select.poll()
        poll.register(self._answers, select.POLLIN)
        if self._life >= 0:
            poll.register(self._life, select.POLLIN)
        if self._waiting:
            poll.register(self._requests, select.POLLOUT)
        return {descriptor for descriptor, _ in poll.poll(max(1, seconds * 1000))}

    def _has_ended(self) -> bool:
        return self._life < 0 and self._process is not None and self._process.poll() is not None

    def _write(self) -> None:
        try:
            self._waiting = self._waiting[os.write(self._requests, self._waiting) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            raise Ended from None

    def _read(self) -> bool:
        """Read what is there, up to the end of a line. Returns whether there was anything."""
        before = len(self._buffer)
        with contextlib.suppress(BlockingIOError):
            while chunk := os.read(self._answers, CHUNK):
                self._buffer += chunk
                self._has_line = b"\n" in chunk
                if self._has_line:
                    break
                if len(self._buffer) > LINE_LIMIT:
                    raise Endless
        return len(self._buffer) > before

    def close(self) -> None:
        """Close all descriptors. Safe to call twice."""
        for descriptor in (self._requests, self._answers, self._life):
            if descriptor >= 0:
                os.close(descriptor)
        self._requests = self._answers = self._life = -1
