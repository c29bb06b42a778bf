"""Messages between the harness and a worker: one JSON object a line, over descriptors of their own.

Not over stdin and stdout: a library may print, and starting Julia makes stdin non-blocking.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

Message = dict[str, Any]


class Channel:
    """The worker's end. Blocking."""

    def __init__(self, read_fd: int, write_fd: int) -> None:
        self._incoming = os.fdopen(read_fd, "r", encoding="utf-8")
        self._write_fd = write_fd

    def messages(self) -> Iterator[Message]:
        """Requests, until the harness closes its end or goes away."""
        for line in self._incoming:
            yield json.loads(line)

    def send(self, message: Message) -> None:
        """Answer."""
        data = encode(message)
        while data:
            data = data[os.write(self._write_fd, data) :]


def encode(message: Message) -> bytes:
    """A message as it goes over the wire. NaN is not JSON and is refused: ValueError."""
    return json.dumps(message, allow_nan=False).encode() + b"\n"
