"""A client of one scoring server that speaks MLflow's protocol, over one kept-alive connection. It times nothing."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import SplitResult, urlsplit

from twinbench.errors import BadInput, TwinbenchError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMES = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}

INVOCATIONS, PING, VERSION = "/invocations", "/ping", "/version"

ANSWER_LIMIT = 64 << 20
"""Bytes after which an answer without an end is taken for garbage."""

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""What HTTP allows as the name of one."""


class EndpointFailure(TwinbenchError):
    """The endpoint gave no answer that can be used."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where requests go."""

    parts: SplitResult
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """Sent with every request; they may hold secrets."""

    @property
    def shown(self) -> str:
        """The URL as it is shown and kept."""
        host = f"[{self.parts.hostname}]" if ":" in (self.parts.hostname or "") else self.parts.hostname
        port = "" if self.parts.port is None else f":{self.parts.port}"
        return f"{self.parts.scheme}://{host}{port}{self.parts.path}"

    @property
    def scoring(self) -> str:
        """Path and query that rows are sent to: MLflow's own where the URL has no path."""
        path = self.parts.path if self.parts.path.strip("/") else INVOCATIONS
        return f"{path}?{self.parts.query}" if self.parts.query else path

    def beside(self, route: str) -> str | None:
        """Another of MLflow's routes; None where the path says that something else stands before MLflow."""
        path = self.scoring.partition("?")[0]
        return path.removesuffix(INVOCATIONS) + route if path.endswith(INVOCATIONS) else None


def address(url: str, headers: Mapping[str, str] | None = None) -> Address:
    """The address of a URL. Raises BadInput, also for one with a password: the command line is no place for it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{url!r} is no URL: {error}; try http://127.0.0.1:8080") from None
    if parts.username is not None or parts.password is not None:
        raise BadInput("a URL with a user or a password is not taken; use --header Authorization=VARIABLE")
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise BadInput(f"{url!r} is no URL of an endpoint; try http://127.0.0.1:8080")
    return Address(parts, dict(headers or {}))


def headers(options: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """``NAME=VARIABLE`` to the header with that variable's value. Raises BadInput, never with a value in it."""
    found = {}
    for option in options:
        name, _, variable = option.partition("=")
        if not HEADER.fullmatch(name) or not variable:
            raise BadInput(f"--header: {option!r} is not NAME=VARIABLE; try Authorization=TOKEN")
        if variable not in environment:
            raise BadInput(f"--header: the environment has no variable '{variable}'; set it to the header's value")
        value = environment[variable]
        if not value.isprintable() or not value.isascii():
            raise BadInput(f"--header: what {variable} holds can't be sent in a header")
        found[name] = value
    return found


class Client:
    """One connection, in one thread. Use it as a context manager. Every method may raise `EndpointFailure`."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.address = address
        self.connections = 0
        """How many were opened; more than 1 where the server closes them."""
        self._timeout_s = timeout_s
        connection = SCHEMES[address.parts.scheme]
        self._http = connection(str(address.parts.hostname), address.parts.port, timeout=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._http.close()

    def score(self, body: bytes) -> bytes:
        """The answer to a request, as it came."""
        status, answer = self._ask("POST", self.address.scoring, body, {"Content-Type": "application/json"})
        if status != http.client.OK:
            raise EndpointFailure(f"{self.address.shown}: HTTP status {status}{_said(answer)}")
        return answer

    def ping(self) -> bool:
        """Whether the server says that it is well; False also where it has no such route."""
        route = self.address.beside(PING)
        return route is not None and self._ask("GET", route)[0] == http.client.OK

    def version(self) -> str | None:
        """MLflow's, where the server tells it."""
        route = self.address.beside(VERSION)
        status, answer = (0, b"") if route is None else self._ask("GET", route)
        return answer.decode("ascii", "replace")[:40] if status == http.client.OK else None

    def _ask(
        self, method: str, route: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Status and content of an answer."""
        self.connections += self._http.sock is None
        try:
            self._http.request(method, route, body, {**self.address.headers, **(headers or {})})
            answer = self._http.getresponse()
            return answer.status, self._content(answer)
        except TimeoutError:
            raise self._failure(f"no answer within {self._timeout_s:g} s") from None
        except (OSError, http.client.HTTPException) as error:
            raise self._failure(f"{error}" or type(error).__name__) from None

    def _content(self, answer: http.client.HTTPResponse) -> bytes:
        """All of it, within the time and the size that an answer may have."""
        deadline = time.monotonic() + self._timeout_s
        content = bytearray()
        while chunk := answer.read1(1 << 16):
            content += chunk
            if len(content) > ANSWER_LIMIT:
                raise self._failure("an answer that doesn't end")
            if time.monotonic() > deadline:
                raise TimeoutError
        answer.close()  # which leaves the connection to the next request
        return bytes(content)

    def _failure(self, reason: str) -> EndpointFailure:
        self._http.close()
        return EndpointFailure(f"{self.address.shown}: {reason}")


def request(rows: NDArray[Any]) -> bytes:
    """Rows in the form that MLflow and Vertex AI both take."""
    return json.dumps({"instances": rows.tolist()}).encode()


def predictions(answer: bytes, shown: str) -> Any:
    """What an answer predicts, as JSON has it. Raises EndpointFailure."""
    try:
        decoded = json.loads(answer)
    except ValueError:
        raise EndpointFailure(f"{shown}: no JSON in the answer{_said(answer)}") from None
    if not isinstance(decoded, dict) or "predictions" not in decoded:
        raise EndpointFailure(f"{shown}: no 'predictions' in the answer{_said(answer)}")
    return decoded["predictions"]


def _said(answer: bytes) -> str:
    """The beginning of an answer, on one line; of MLflow's errors the message."""
    text = answer[:4000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["message"])
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {line[:200]}" if line else ""
