"""The server of the image under many clients, with attacks beside: nobody else's answer fails, and memory is bounded.

The server is the one that ``twinbench endpoint --serve`` starts, with a small model of scikit-learn.
"""

from __future__ import annotations

import http.client
import io
import json
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures.figure import Figure
from twinbench.handover.deploy.targets import serve as limits
from twinbench.handover.endpoint.server import Server

LIBRARIES = ("mlflow", "uvicorn", "scikit-learn")

CLIENTS, SLOW, SECONDS = 200, 600, 30.0
"""Numbers of clients and of slow connections, and how long the clients ask."""

ROWS = [[0.25 * row, 1.0 - 0.25 * row] for row in range(8)]

MEMORY_BYTES = 1 << 30
"""Most memory that the attacks may add."""

SLACK_S = 10.0
"""Time that a busy machine may add to the limits of the server, in seconds."""


@dataclass
class Outcome:
    """The clients' answers, and what the attacks met."""

    answers: int = 0
    failed: list[str] = field(default_factory=list)
    """For each answer that was missing or wrong, what came instead."""
    unrefused: list[str] = field(default_factory=list)
    """For each attack that wasn't refused within its limit, which it was."""
    added_bytes: int = 0
    """Memory at the peak, less that before the attacks."""


def measure() -> Iterator[Figure]:
    """Yield failed answers, attacks that weren't refused, and the memory that they took."""
    with served() as server:
        outcome = besieged(server, clients=CLIENTS, slow=SLOW, seconds=SECONDS)
    for fault in (outcome.failed + outcome.unrefused)[:20]:
        print(f"  {fault[:300]}", flush=True)
    yield Figure("answers to 200 clients", outcome.answers)
    yield Figure("answers that failed", len(outcome.failed), "", "<=", 0)
    yield Figure("attacks that were not refused in time", len(outcome.unrefused), "", "<=", 0)
    yield Figure("memory that was added", outcome.added_bytes / 2**20, "MiB", "<=", MEMORY_BYTES / 2**20)


@contextmanager
def served() -> Iterator[Server]:
    """Yield a running server of a model that tells two clouds of points apart."""
    import mlflow.sklearn
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    points = np.random.default_rng(0).normal(size=(200, 2))
    model = LogisticRegression().fit(points, points[:, 0] > points[:, 1])
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "model"
        mlflow.sklearn.save_model(model, path, serialization_format="cloudpickle", pip_requirements=[])
        with Server(path, "scikit-learn") as server:
            server.wait()
            yield server


def besieged(server: Server, *, clients: int, slow: int, seconds: float, slow_bodies: bool = True) -> Outcome:
    """Ask a server from many clients for some seconds, and attack it meanwhile.

    ``slow``: connections that send their header slowly; a sixth of them send a body, if ``slow_bodies``.
    """
    outcome = Outcome()
    host, port = "127.0.0.1", int(server.address.parts.port or 0)
    expected = _asked(http.client.HTTPConnection(host, port, timeout=60))
    requests = attacks()
    server.look()
    before = server.peak_rss_bytes
    slow_attacks: list[Callable[[str, int], str]] = [
        lambda host, port: _slow(host, port, slow, b"GET /ping HTTP/1.1\r\nX: ", limits.HEADER_S),
        lambda host, port: _slow(host, port, slow // 6, POST + b"Content-Length: 1000000\r\n\r\n", limits.BODY_S),
    ][: 1 + slow_bodies]
    end = time.monotonic() + seconds
    with ThreadPoolExecutor(clients + len(slow_attacks) + 2) as pool, server.watched():
        attacking = [pool.submit(attack, host, port) for attack in slow_attacks]
        attacking += [pool.submit(_one_by_one, host, port, requests[turn::2]) for turn in range(2)]
        asking = [pool.submit(_client, host, port, expected, end) for _ in range(clients)]
        for done in asking:
            answers, failed = done.result()
            outcome.answers += answers
            outcome.failed += failed
        outcome.unrefused = [fault for attack in attacking if (fault := attack.result())]
    outcome.added_bytes = server.peak_rss_bytes - before
    if _asked(http.client.HTTPConnection(host, port, timeout=60)) != expected:
        outcome.failed.append("after the attacks the answer is another one")
    return outcome


POST = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"


def _asked(connection: http.client.HTTPConnection) -> Any:
    connection.request("POST", "/invocations", json.dumps({"inputs": ROWS}), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != http.client.OK:
        raise OSError(f"status {answer.status}: {content[:200]!r}")
    return json.loads(content)["predictions"]


def _client(host: str, port: int, expected: Any, end: float) -> tuple[int, list[str]]:
    """Ask again and again on one connection; returns the number of right answers, and what came instead of others."""
    answers, failed = 0, []
    connection = http.client.HTTPConnection(host, port, timeout=120)
    while time.monotonic() < end:
        try:
            right = _asked(connection) == expected
            answers += right
            failed += [] if right else ["another answer"]
        except (OSError, http.client.HTTPException, ValueError) as error:
            failed.append(f"{type(error).__name__}: {error}")
            connection.close()
    connection.close()
    return answers, failed


def _refused(host: str, port: int, head: bytes, body: Iterator[bytes] | bytes, statuses: tuple[int, ...]) -> str:
    """Send a request, and return what is wrong with its refusal: a status, or a connection that is closed."""
    began = time.monotonic()
    with socket.create_connection((host, port), timeout=limits.REQUEST_S) as connection:
        sent = 0
        with suppress(OSError):  # the server need not read on
            connection.sendall(head)
            for part in [body] if isinstance(body, bytes) else body:
                connection.sendall(part)
                sent += len(part)
        answer = b""
        with suppress(OSError):
            answer = connection.recv(4096)
    status = int(answer[9:12]) if answer[:5] == b"HTTP/" else 0
    took = time.monotonic() - began
    if status not in (*statuses, 0) or took > limits.BODY_S + limits.WAIT_S + SLACK_S:
        return f"{head[:150]!r}: status {status} after {took:.0f} s and {sent >> 20} MiB: {answer[-200:]!r}"
    return ""


def _one_by_one(host: str, port: int, requests: list[Attack]) -> str:
    return "; ".join(fault for attack in requests if (fault := attack(host, port)))


def _zeros(count: int) -> Iterator[bytes]:
    part = b"0" * (1 << 20)
    return (part for _ in range(count))


@dataclass(frozen=True)
class Attack:
    """A request that must be refused."""

    body: bytes
    """Body; an empty one stands for `LARGE_PARTS` parts of a MiB."""
    statuses: tuple[int, ...]
    header: bytes = b""
    """Headers instead of the length."""
    head: bytes = POST

    def __call__(self, host: str, port: int) -> str:
        """Send the request; return what is wrong with its refusal, or nothing."""
        header = self.header or b"Content-Length: %d\r\n\r\n" % len(self.body)
        return _refused(host, port, self.head + header, self.body or _zeros(LARGE_PARTS), self.statuses)


LARGE_PARTS = 1024
"""Number of MiB of the largest bodies."""


def attacks() -> list[Attack]:
    """Return the requests that must be refused."""
    import gzip

    csv, parquet = (POST.replace(b"application/json", kind) for kind in (b"text/csv", b"application/x-parquet"))
    refused = (400, 413)
    return [
        Attack(b"", (413,), b"Content-Length: %d\r\n\r\n" % (LARGE_PARTS << 20)),
        Attack(b"", refused, b"Transfer-Encoding: chunked\r\n\r\n40000000\r\n"),
        Attack(b"", (400,), b"GET /ping HTTP/1.1\r\nX: ", b""),
        Attack(_parquet(), (415,), head=parquet),
        Attack(gzip.compress(b"0" * (8 << 20)), (415,), b"Content-Encoding: gzip\r\nContent-Length: 8000\r\n\r\n"),
        Attack(json.dumps({"inputs": ["x" * 100_000] + ["y"] * 100_000}).encode(), refused),
        Attack(json.dumps({"dataframe_records": [{str(n): 1} for n in range(100_000)]}).encode(), refused),
        Attack(b'{"inputs": [' + b"[1],[1,2]," * 100_000 + b"[1]]}", refused),
        Attack(b'{"inputs": [' + b"[],{}," * (1 << 21) + b"[]]}", refused),
        Attack(b'{"inputs": ' + b"[" * 200_000 + b"]" * 200_000 + b"}", refused),
        Attack(b'{"inputs": ' + b"9" * 100_000 + b"}", refused),
        Attack(b"a," * (4 << 20) + b"a\n", refused, head=csv),
    ]


def _parquet() -> bytes:
    """Return a small Parquet file of 512 MiB of zeros."""
    import pyarrow as pa
    from pyarrow import parquet

    file = io.BytesIO()
    table = pa.table({"a": pa.nulls(1 << 20, pa.float64()).fill_null(0.0)})
    with parquet.ParquetWriter(file, table.schema, compression="zstd") as writer:
        for _ in range(64):
            writer.write_table(table)
    return file.getvalue()


def _slow(host: str, port: int, count: int, beginning: bytes, limit_s: float) -> str:
    """Hold connections open by a byte every second; return what is wrong if one is open after its limit."""
    connections = []
    for _ in range(count):
        with suppress(OSError):
            connection = socket.create_connection((host, port), timeout=10)
            connection.sendall(beginning)
            connection.setblocking(False)
            connections.append(connection)
    end = time.monotonic() + limit_s + SLACK_S
    while connections and time.monotonic() < end:
        threading.Event().wait(1)
        connections = [connection for connection in connections if _is_open(connection)]
    still = len(connections)
    for connection in connections:
        connection.close()
    return f"{still} of {count} slow connections are open after {limit_s:g} s: {beginning[:60]!r}" if still else ""


def _is_open(connection: socket.socket) -> bool:
    try:
        connection.send(b"x")
        if connection.recv(4096) == b"":
            raise OSError
    except BlockingIOError:
        return True
    except OSError:
        connection.close()
        return False
    connection.close()  # it was answered, which ends it
    return False
