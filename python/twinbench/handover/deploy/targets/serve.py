"""MLflow's scoring server for the model beside this file: ``GET /ping`` and ``POST /invocations``.

The server listens on the port that the platform names, else on 8080, and beyond loopback only if ``HOST`` is set.
``serve.py ping`` checks a running server's health; any other argument, such as SageMaker's ``serve``, is ignored.

Whoever can reach the server can send it anything, so everything has a limit: the time in which a request arrives, its
size, what its content may become in memory, the requests that wait and those that compute at once. What is beyond a
limit is refused, and the other clients are served.
"""

from __future__ import annotations

import asyncio
import csv
import gc
import io
import json
import os
import resource
import sys
import urllib.request
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

PORTS = ("AIP_HTTP_PORT", "PORT")
"""Environment variables in which Vertex AI and Cloud Run name the port."""

BODY_BYTES = int(os.environ.get("MAX_BODY_BYTES", 16 << 20))
"""Size of the largest body of a request."""

HELD_BYTES = 4 * BODY_BYTES
"""Largest sum of the bodies that are held at once; a request beyond it is asked to come back."""

TEXT_BYTES = 64 << 20
"""Most memory that the texts in a request may need: an array of texts gives each of them the room of the longest."""

CONTAINERS = 500_000
"""Most lists and objects in a JSON body; each takes a hundred bytes, and the text of an empty one is two characters."""

COLUMNS = 10_000
"""Most columns of a table; a model has a feature for each."""

HEADER_S, BODY_S, WAIT_S, REQUEST_S = 10.0, 30.0, 60.0, 180.0
"""Longest times in seconds: for a request's header, for its body, for its turn, and for all of it with the answer."""

COMPUTING, WAITING = 2, 512
"""Most requests that compute at once, and that wait for their turn."""

CONNECTIONS = 2000
"""Most connections at once; beyond it, the one that has kept the server waiting for longest is closed."""

TYPES = {"application/json", "text/csv"}
"""Media types of the bodies that are read. MLflow also reads Parquet, of which 400 kB may become gigabytes."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


class Refused(Exception):
    """A request that is beyond a limit: the status of HTTP, and the reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Gate:
    """An application that lets requests within the limits through to another."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.held_bytes = 0
        self.waiting = 0
        self.turns = asyncio.Semaphore(COMPUTING)
        self.pool: ThreadPoolExecutor | None = None

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self.pool is None:  # in which MLflow computes
            self.pool = ThreadPoolExecutor(COMPUTING)
            asyncio.get_running_loop().set_default_executor(self.pool)
        if scope["type"] != "http":
            await self.application(scope, receive, send)
            return
        held = Held(self)
        try:
            headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
            has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
            if scope["method"] != "POST":
                if has_body:
                    raise Refused(413, "only a POST may have a body")
                await self.application(scope, receive, send)
                return
            kind = self._kind(headers)
            body = await self._body(headers, receive, held)
            answer = await self._answer(scope, body, kind)
        except Refused as refused:
            answer = _refusal(refused)
        finally:
            held.release()
        for message in answer:
            await send(message)

    def _kind(self, headers: MutableMapping[str, str]) -> str:
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind not in TYPES or headers.get("content-encoding", "identity").lower() != "identity":
            raise Refused(415, f"a body is one of {', '.join(sorted(TYPES))}, and not compressed")
        return kind

    async def _body(self, headers: MutableMapping[str, str], receive: Receive, held: Held) -> bytes:
        declared = headers.get("content-length", "0")
        if not declared.isdecimal() or len(declared) > 18 or int(declared) > BODY_BYTES:
            raise Refused(413, f"a body has at most {BODY_BYTES} bytes")
        try:
            async with asyncio.timeout(BODY_S):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        raise Refused(400, "the client is gone")
                    held.add(message.get("body", b""))
                    if not message.get("more_body", False):
                        return bytes(held.content)
        except TimeoutError:
            raise Refused(408, f"a body arrives within {BODY_S:g} s") from None

    async def _answer(self, scope: Message, body: bytes, kind: str) -> list[Message]:
        """Return the answer's messages: a client that reads slowly keeps nobody else waiting."""
        if self.waiting >= WAITING:
            raise Refused(503, "too many requests are waiting")
        self.waiting += 1
        try:
            async with asyncio.timeout(WAIT_S):
                await self.turns.acquire()
        except TimeoutError:
            raise Refused(503, "too many requests were waiting") from None
        finally:
            self.waiting -= 1
        messages: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def collect(message: Message) -> None:
            messages.append(message)

        try:
            await asyncio.to_thread(check_json if kind == "application/json" else check_csv, body)
            await self.application(scope, receive, collect)
        finally:
            self.turns.release()
        return messages


class Held:
    """The body of one request as far as it has arrived, counted in the sum of all."""

    def __init__(self, gate: Gate) -> None:
        self.content = bytearray()
        self._gate = gate

    def add(self, part: bytes) -> None:
        """Add what has arrived. Raises Refused beyond a limit."""
        if len(self.content) + len(part) > BODY_BYTES:
            raise Refused(413, f"a body has at most {BODY_BYTES} bytes")
        if self._gate.held_bytes + len(part) > HELD_BYTES:
            raise Refused(503, "too many large requests at once")
        self._gate.held_bytes += len(part)
        self.content += part

    def release(self) -> None:
        """Give the memory back."""
        self._gate.held_bytes -= len(self.content)
        self.content = bytearray()


def check_json(body: bytes) -> None:
    """Check that a JSON body needs little more memory as a table or an array than as text. Raises Refused."""
    if body.count(b"[") + body.count(b"{") > CONTAINERS:
        raise Refused(413, f"a body has at most {CONTAINERS} lists and objects; send the rows in several requests")
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Refused(400, f"the body is not valid JSON: {str(error)[:200]}") from None
    if not isinstance(document, dict):
        raise Refused(400, "the body is a JSON object such as {'instances': [...]}")
    for key, value in document.items():
        if key == "dataframe_records":
            columns = {tuple(record) if isinstance(record, dict) else None for record in _items(value)}
            if len(columns) > 1:
                raise Refused(400, "all records have the same keys in the same order")
        _check_rows(key, value)


def _check_rows(key: str, value: object) -> None:
    """Check that rows are of one length, and that texts in them are short. Raises Refused."""
    count = longest = 0
    waiting = [value]
    while waiting:
        each = waiting.pop()
        if isinstance(each, str):
            count, longest = count + 1, max(longest, len(each))
            if 4 * count * longest > TEXT_BYTES:
                raise Refused(413, f"'{key[:40]}' has texts that are too long for their number")
        elif isinstance(each, list):
            if len({len(inner) if isinstance(inner, list) else -1 for inner in each}) > 1:
                raise Refused(400, f"'{key[:40]}' has rows of different lengths")
            waiting += each
        elif isinstance(each, dict):
            if len(each) > COLUMNS:
                raise Refused(413, f"'{key[:40]}' has more than {COLUMNS} columns")
            waiting += each.values()


def _items(value: object) -> Iterable[object]:
    return value if isinstance(value, list) else ()


def check_csv(body: bytes) -> None:
    """Check that a CSV body has few columns. Raises Refused."""
    if body.partition(b"\n")[0].count(b",") > COLUMNS:
        raise Refused(413, f"a table has at most {COLUMNS} columns")
    try:
        header = next(csv.reader(io.StringIO(body.decode("utf-8"))), [])
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(400, f"the body is not CSV in UTF-8: {error}") from None
    if len(header) > COLUMNS:
        raise Refused(413, f"a table has at most {COLUMNS} columns")


def _refusal(refused: Refused) -> list[Message]:
    body = json.dumps({"error_code": "REFUSED", "message": str(refused)}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    headers += [(b"connection", b"close"), *([(b"retry-after", b"1")] if refused.status == 503 else [])]
    start = {"type": "http.response.start", "status": refused.status, "headers": headers}
    return [start, {"type": "http.response.body", "body": body}]


def protocol() -> type[asyncio.Protocol]:
    """Return uvicorn's protocol with times for header and request, and a limit of connections."""
    import h11
    from uvicorn.protocols.http.h11_impl import H11Protocol

    idle: dict[Limited, None] = {}

    class Limited(H11Protocol):
        """A connection that is closed when a request takes too long, whatever the client sends meanwhile."""

        _timer: asyncio.TimerHandle | None = None
        _in_request = False

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            self._limit(in_request=False)
            if len(self.connections) > CONNECTIONS:
                next(iter(idle), self).transport.abort()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            in_request = self.conn.their_state is not h11.IDLE
            if in_request != self._in_request:
                self._limit(in_request=in_request)

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._limit(in_request=self.conn.their_state is not h11.IDLE)

        def connection_lost(self, exc: Exception | None) -> None:
            self._stop()
            super().connection_lost(exc)

        def _limit(self, *, in_request: bool) -> None:
            self._stop()
            self._in_request = in_request
            if not in_request:
                idle[self] = None
            self._timer = self.loop.call_later(REQUEST_S if in_request else HEADER_S, self.transport.abort)

        def _stop(self) -> None:
            idle.pop(self, None)
            if self._timer is not None:
                self._timer.cancel()

    return Limited


def allow_connections() -> None:
    """Raise the limit of open files as far as the system lets it, so that connections are the smaller number."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = 2 * CONNECTIONS if most == resource.RLIM_INFINITY else min(most, 2 * CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, most))


def port() -> int:
    """Return the port to listen on."""
    return next((int(os.environ[name]) for name in PORTS if os.environ.get(name)), 8080)


def serve() -> None:
    """Load the model, then answer requests until a signal ends the server."""
    import uvicorn
    from mlflow.pyfunc import load_model, scoring_server

    allow_connections()
    gc.set_threshold(100_000, 20, 100)  # the rows of a request are many objects, and no garbage
    model = load_model(str(Path(__file__).with_name("model")))
    uvicorn.run(
        Gate(scoring_server.init(model)),
        host=os.environ.get("HOST", "127.0.0.1"),
        port=port(),
        access_log=False,
        http=protocol(),
        ws="none",
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["ping"]:
        urllib.request.urlopen(f"http://127.0.0.1:{port()}/ping", timeout=10).close()
    else:
        serve()
