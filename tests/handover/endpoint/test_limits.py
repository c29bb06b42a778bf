"""The server of the image refuses what is beyond its limits, and serves everybody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from benchmarks.figures import served
from twinbench.handover.deploy.targets import serve


def test_attacks_are_refused_and_nobody_else_notices(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(served, "LARGE_PARTS", 64)
    with served.served() as server:
        outcome = served.besieged(server, clients=4, slow=24, seconds=3, slow_bodies=False)
    assert outcome.failed == outcome.unrefused == []
    assert outcome.answers > 0
    assert outcome.added_bytes < served.MEMORY_BYTES


class Client:
    """One request to the gate, as an ASGI server passes it on."""

    def __init__(self, *parts: bytes, headers: dict[str, str] | None = None, stalls: bool = False) -> None:
        self.parts = list(parts)
        self.stalls = stalls
        self.answer: list[Any] = []
        given = {"content-type": "application/json"} | (headers or {})
        self.scope: dict[str, Any] = {
            "type": "http",
            "method": "POST",
            "path": "/invocations",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        }

    async def receive(self) -> Any:
        if not self.parts:
            await asyncio.sleep(0 if not self.stalls else 60)
            return {"type": "http.disconnect"}
        body = self.parts.pop(0)
        return {"type": "http.request", "body": body, "more_body": bool(self.parts) or self.stalls}

    async def send(self, message: Any) -> None:
        self.answer.append(message)

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])


async def ok(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the body that was let through."""
    message = await receive()
    await asyncio.sleep(0.05)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message["body"]})


def ask(*clients: Client) -> list[int]:
    """Send the requests at once to one gate, which must hold nothing afterwards. Returns the statuses."""

    async def all_() -> int:
        gate = serve.Gate(ok)
        await asyncio.gather(*(gate(client.scope, client.receive, client.send) for client in clients))
        return gate.held_bytes + gate.waiting

    assert asyncio.run(all_()) == 0
    return [client.status for client in clients]


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"BODY_BYTES": 100, "HELD_BYTES": 250, "BODY_S": 0.3, "WAITING": 2, "COMPUTING": 1}.items():
        monkeypatch.setattr(serve, name, value)


def test_a_body_arrives_in_parts_and_is_let_through_whole():
    client = Client(b'{"inputs"', b": [1]}")
    assert ask(client) == [200]
    assert client.answer[1]["body"] == b'{"inputs": [1]}'


@pytest.mark.parametrize(
    ("client", "status"),
    [
        (Client(b"{}", headers={"content-length": "101"}), 413),
        (Client(b"{}", headers={"content-length": "9" * 5000}), 413),
        (Client(b"{}", headers={"content-length": "-1"}), 413),
        (Client(b"x" * 60, b"x" * 60), 413),
        (Client(b"{}", stalls=True), 408),
        (Client(b"{}", headers={"content-type": "application/x-parquet"}), 415),
        (Client(b"{}", headers={"content-encoding": "gzip"}), 415),
        (Client(b"[]"), 400),
        (Client(b"{"), 400),
        (Client(b'{"inputs": [[1], [1, 2]]}'), 400),
        (Client(b'{"dataframe_records": [{"a": 1}, {"b": 1}]}'), 400),
        (Client(b'{"dataframe_records": [{"a": 1}, {"a": 2}]}'), 200),
        (Client(b'{"inputs": ["x", "y"]}'), 200),
        (Client(b"a,b\n1,2\n", headers={"content-type": "text/csv; charset=utf-8"}), 200),
        (Client(b"\xff", headers={"content-type": "text/csv"}), 400),
    ],
)
def test_what_is_beyond_a_limit_is_refused_with_its_status(client: Client, status: int):
    assert ask(client) == [status]


def test_too_many_bytes_at_once_are_asked_to_come_back():
    clients = [Client(b"x" * 90, stalls=True) for _ in range(4)]
    assert sorted(ask(*clients)) == [408, 408, 503, 503]


def test_too_many_requests_at_once_are_asked_to_come_back():
    assert sorted(ask(*(Client(b"{}") for _ in range(5)))) == [200, 200, 200, 503, 503]


def test_texts_are_as_large_as_the_longest_of_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve, "TEXT_BYTES", 100)
    assert ask(Client(b'{"inputs": ["xxxxxxxxxxxx", "y"]}')) == [200]
    assert ask(Client(b'{"inputs": ["xxxxxxxxxxxx", "y", "z"]}')) == [413]


def test_tables_have_a_limit_of_columns(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(serve, "COLUMNS", 2)
    csv = {"content-type": "text/csv"}
    assert ask(Client(b"a,b\n1,2\n", headers=csv), Client(b"a,b,c\n", headers=csv)) == [200, 413]
    assert ask(Client(b'"a\n",b,c\n', headers=csv)) == [413]
    assert ask(Client(b'{"inputs": [{"a": 1, "b": 2, "c": 3}]}')) == [413]
