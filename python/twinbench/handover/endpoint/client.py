"""A client of one scoring server that speaks MLflow's protocol over one persistent connection. It times nothing."""

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
"""Longest answer that is read, in bytes; a longer one is an error."""

HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Pattern of the header names that HTTP allows."""


class EndpointFailure(TwinbenchError):
    """The endpoint gave no usable answer."""


@dataclass(frozen=True, slots=True)
class Address:
    """URL of an endpoint, with the headers of every request."""

    parts: SplitResult
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    """HTTP headers sent with every request; they may hold secrets."""

    @property
    def shown(self) -> str:
        """URL without its query, as it is shown and stored."""
        host = f"[{self.parts.hostname}]" if ":" in (self.parts.hostname or "") else self.parts.hostname
        port = "" if self.parts.port is None else f":{self.parts.port}"
        return f"{self.parts.scheme}://{host}{port}{self.parts.path}"

    @property
    def scoring(self) -> str:
        """Path and query that rows are sent to: MLflow's ``/invocations`` if the URL has no path."""
        path = self.parts.path if self.parts.path.strip("/") else INVOCATIONS
        return f"{path}?{self.parts.query}" if self.parts.query else path

    def beside(self, route: str) -> str | None:
        """Return the path of another MLflow route; None if the URL's path shows that MLflow doesn't answer directly."""
        path = self.scoring.partition("?")[0]
        return path.removesuffix(INVOCATIONS) + route if path.endswith(INVOCATIONS) else None


def address(url: str, headers: Mapping[str, str] | None = None) -> Address:
    """Parse a URL.

    Raises BadInput, also for a URL with a password, which other users could read off the process list.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadInput(f"{url!r} is not a URL: {error}; try http://127.0.0.1:8080") from None
    if parts.username is not None or parts.password is not None:
        raise BadInput("a URL must not hold a user or a password; use --header Authorization=VARIABLE")
    if parts.scheme not in SCHEMES or not parts.hostname or port == 0 or not url.isprintable() or " " in url:
        raise BadInput(f"{url!r} is not a URL of an endpoint; try http://127.0.0.1:8080")
    return Address(parts, dict(headers or {}))


def headers(options: list[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Parse ``NAME=VARIABLE`` to a header with that variable's value.

    Raises BadInput, whose text never holds a value.
    """
    values = {}
    for option in options:
        name, _, variable = option.partition("=")
        if not HEADER.fullmatch(name) or not variable:
            raise BadInput(f"--header: {option!r} is not NAME=VARIABLE; try Authorization=TOKEN")
        if variable not in environment:
            raise BadInput(f"--header: the environment has no variable '{variable}'; set it to the header's value")
        value = environment[variable]
        if not value.isprintable() or not value.isascii():
            raise BadInput(f"--header: the value of {variable} can't be sent in a header; it must be printable ASCII")
        values[name] = value
    return values


class Client:
    """A client with one connection, for one thread, used as a context manager. Methods may raise EndpointFailure."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self.address = address
        self.connections = 0
        """Number of connections opened so far; more than 1 if the server closes them."""
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
        """Send a scoring request, and return the body of the answer."""
        status, answer = self._ask("POST", self.address.scoring, body, {"Content-Type": "application/json"})
        if status != http.client.OK:
            raise EndpointFailure(f"{self.address.shown}: HTTP status {status}{_excerpt(answer)}")
        return answer

    def ping(self) -> bool:
        """Ask ``/ping`` whether the server is healthy; False also if the server has no such route."""
        route = self.address.beside(PING)
        return route is not None and self._ask("GET", route)[0] == http.client.OK

    def version(self) -> str | None:
        """Ask for MLflow's version; None if the server doesn't report it."""
        route = self.address.beside(VERSION)
        status, answer = (0, b"") if route is None else self._ask("GET", route)
        return answer.decode("ascii", "replace")[:40] if status == http.client.OK else None

    def _ask(
        self, method: str, route: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Send a request, and return the status and the body of the answer."""
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
        """Read the whole body, within the time-out and `ANSWER_LIMIT`."""
        deadline = time.monotonic() + self._timeout_s
        content = bytearray()
        while chunk := answer.read1(1 << 16):
            content += chunk
            if len(content) > ANSWER_LIMIT:
                raise self._failure("an answer that doesn't end")
            if time.monotonic() > deadline:
                raise TimeoutError
        answer.close()  # so that the next request can use the connection
        return bytes(content)

    def _failure(self, reason: str) -> EndpointFailure:
        self._http.close()
        return EndpointFailure(f"{self.address.shown}: {reason}")


def request(rows: NDArray[Any]) -> bytes:
    """Encode rows as the JSON request that both MLflow and Vertex AI accept."""
    return json.dumps({"instances": rows.tolist()}).encode()


def predictions(answer: bytes, shown: str) -> Any:
    """Decode the predictions of an answer, as JSON values. Raises EndpointFailure."""
    try:
        decoded = json.loads(answer)
    except ValueError:
        raise EndpointFailure(f"{shown}: no JSON in the answer{_excerpt(answer)}") from None
    if not isinstance(decoded, dict) or "predictions" not in decoded:
        raise EndpointFailure(f"{shown}: no 'predictions' in the answer{_excerpt(answer)}")
    return decoded["predictions"]


def _excerpt(answer: bytes) -> str:
    """Return the start of an answer on one line; for an MLflow error, its message."""
    text = answer[:4000].decode("utf-8", "replace")
    with contextlib.suppress(ValueError, KeyError, TypeError):
        text = str(json.loads(text)["message"])
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return f": {line[:200]}" if line else ""
