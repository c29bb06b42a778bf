"""Servers on loopback that do to a client what servers should not do."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Hostile(BaseHTTPRequestHandler):
    """Healthy at first, so that a client begins to send."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.endswith("/health"):
            self._say(200, b"OK")
        else:
            self.mischief()

    def do_POST(self) -> None:
        self.mischief()

    def mischief(self) -> None:
        raise NotImplementedError

    def _say(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Write no log."""


class Busy(_Hostile):
    """Asks to come back in an hour."""

    def mischief(self) -> None:
        self._say(429, b"{}", Retry_After="3600")


class Silent(_Hostile):
    """Says nothing any more."""

    def mischief(self) -> None:
        time.sleep(600)


class Dripping(_Hostile):
    """Sends a byte of a long answer every now and then, so that no time-out of a socket ends it."""

    def mischief(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        with contextlib.suppress(OSError):
            while True:
                self.wfile.write(b" ")
                time.sleep(0.1)


class Echo(_Hostile):
    """Answers with all that it was told, the secrets included, and with an escape sequence."""

    def mischief(self) -> None:
        told = f"\x1b[2J no: {self.headers} {self.path} at {self.server.server_address}"
        self._say(400, json.dumps({"error_code": "INVALID_PARAMETER_VALUE", "message": told}).encode())


@contextlib.contextmanager
def served(handler: type[socketserver.BaseRequestHandler]) -> Iterator[str]:
    """Yield the address of a server, without its scheme."""
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
