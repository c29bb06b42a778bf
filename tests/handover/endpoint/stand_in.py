"""A server that speaks the protocol of MLflow's, and answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from twinbench.results.models.kept import Model

Answer = Callable[[int, list[Any]], tuple[int, bytes]]
"""Status and content, for the number of a request and its rows."""


@contextmanager
def answering(answer: Answer, *, keeps: bool = True, delay_s: float = 0.0) -> Iterator[str]:
    """A server that speaks the protocol, and answers rows as the test says."""
    lock, count = threading.Lock(), iter(range(1 << 30))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1" if keeps else "HTTP/1.0"
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.respond(200 if self.path == "/ping" else 404, b"\n")

        def do_POST(self) -> None:
            rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["instances"]
            with lock:
                number = next(count)
            time.sleep(delay_s)
            self.respond(*answer(number, rows))

        def respond(self, status: int, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def right(model: Model) -> Answer:
    """The run's own answers."""
    known = {row.tobytes(): scores.tolist() for row, scores in zip(model.example, model.scores, strict=False)}

    def answer(_: int, rows: list[Any]) -> tuple[int, bytes]:
        found = [known[np.asarray(row, np.float32).tobytes()] for row in rows]
        return 200, json.dumps({"predictions": found}).encode()

    return answer
