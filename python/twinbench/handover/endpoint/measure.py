"""Measuring an endpoint: first whether it gives the run's answers, then how long it takes.

Whatever was timed is compared with the run's scores as well, afterwards. Client and server share the processors where
both are on one machine; what the client takes shows in the latency of ``/ping``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import cycle
from pathlib import Path
from threading import Barrier
from typing import TYPE_CHECKING, Any

import twinbench
from twinbench.handover import models
from twinbench.handover.endpoint import client
from twinbench.handover.endpoint.client import Address, Client, EndpointFailure
from twinbench.handover.endpoint.server import Server
from twinbench.launch.process import scratch
from twinbench.numbers.normal import NORMAL_95
from twinbench.results.models.endpoints import HERE, Endpoint, EndpointLatency, Throughput
from twinbench.results.models.kept import Model
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

RTOL, ATOL = 1e-4, 1e-5
"""Of scores in float32, summed in another order: less than anybody decides by."""

BATCH = 256

SINGLE_SHARE = 0.6
"""Of the budget for single requests; the others have the rest."""

WARM_UP_SHARE = 0.2
"""Of either part: what it begins with, and is not counted."""

MIN_REQUESTS = 20
"""Single requests of the warm-up, and again of the measurement, however long they take."""


@dataclass(frozen=True, slots=True)
class Protocol:
    """How to measure."""

    budget_s: float
    """For the requests that are timed, warm-ups included."""
    clients: int
    timeout_s: float
    """Longest wait for an answer."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, and what the run says of its rows."""

    body: bytes
    scores: NDArray[Any]


class Differs(Exception):
    """An answer that isn't the run's."""

    def __init__(self, error: float | None, detail: str) -> None:
        super().__init__(detail)
        self.error = error
        self.detail = detail


def measure(address: Address, model: Model, protocol: Protocol) -> Endpoint:
    """Measure a server that is there. Raises EndpointFailure."""
    return _measured(address, model, protocol, address.shown, None)


def serve(store: Store, model: Model, protocol: Protocol) -> Endpoint:
    """Start a server with a cell's model, measure it, and end it. Raises EndpointFailure and TrackingError."""
    with scratch() as place:
        saved = models.save(store, model, Path(place))
        with Server(saved.rename(Path(place) / "model"), model.framework) as server:
            try:
                return _measured(server.address, model, protocol, HERE, server)
            except EndpointFailure as failure:
                raise EndpointFailure(f"{model.cell.stack}: {failure}") from None


def _measured(address: Address, model: Model, protocol: Protocol, place: str, server: Server | None) -> Endpoint:
    rows = model.example
    ready = server.wait() if server else None
    with Client(address, protocol.timeout_s) as asking:
        began = server.started if server else time.perf_counter()
        answer = asking.score(client.request(rows))
        first = time.perf_counter() - began
        version = asking.version()
    found = Endpoint(
        stack=model.cell.stack,
        place=place,
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        versions={"twinbench": twinbench.__version__} | ({"mlflow": version} if version else {}),
        agrees=False,
        error=None,
        detail="",
        ready_s=ready,
        first_s=first,
        latency=None,
        throughput=None,
        peak_rss_bytes=None,
        cpu_s=None,
    )
    try:
        error = _compare(answer, model.scores[: len(rows)], address)
        latency = _latency(address, model, protocol)
        if server:
            server.look()
        with server.watched() if server else nullcontext():
            throughput = _throughput(address, model, protocol)
    except Differs as differs:
        return replace(found, error=differs.error, detail=differs.detail, first_s=None)
    memory, cpu = (server.peak_rss_bytes, server.cpu_s()) if server else (None, None)
    return replace(
        found,
        agrees=True,
        error=error,
        latency=latency,
        throughput=throughput,
        peak_rss_bytes=memory,
        cpu_s=cpu,
    )


def _compare(answer: bytes, scores: NDArray[Any], address: Address) -> float:
    """The worst distance of an answer from the run's scores, against the tolerance. Raises Differs above 1."""
    import numpy as np

    try:
        given = np.asarray(client.predictions(answer, address.shown), np.float64)
    except (TypeError, ValueError):
        raise Differs(None, "predictions that are no numbers, or rows of different lengths") from None
    if scores.ndim == 1 and given.shape == (len(scores), 2):
        given = given[:, 1]  # scikit-learn says both
    if given.shape != scores.shape:
        raise Differs(None, f"predictions of shape {given.shape}, the run's are {scores.shape}")
    errors = np.abs(given - scores) / (ATOL + RTOL * np.abs(scores))
    worst = np.unravel_index(np.argmax(np.where(np.isnan(errors), np.inf, errors)), errors.shape)
    error = float(errors[worst])
    if not error <= 1:
        raise Differs(
            error if math.isfinite(error) else None,
            f"row {worst[0]} scores {given[worst]:.6g}, in the run {scores[worst]:.6g}",
        )
    return error


def _latency(address: Address, model: Model, protocol: Protocol) -> EndpointLatency:
    """Of one row a request: the warm-up is left out, ``/ping`` is asked after every request."""
    rows = [
        Asked(client.request(model.example[row : row + 1]), model.scores[row : row + 1])
        for row in range(len(model.example))
    ]
    budget = SINGLE_SHARE * protocol.budget_s
    with Client(address, protocol.timeout_s) as asking:
        pings = asking.ping()
        warm_up = _singles(asking, rows, WARM_UP_SHARE * budget, pings)
        timed = _singles(asking, rows, (1 - WARM_UP_SHARE) * budget, pings)
    for asked, answer in {*warm_up.answers, *timed.answers}:
        _compare(answer, rows[asked].scores, address)
    return _quantiles(timed.walls, timed.pings, asking.connections)


@dataclass(frozen=True, slots=True)
class Singles:
    """Requests one after the other: seconds of each, of the pings between, and which request got which answers."""

    walls: list[float]
    pings: list[float]
    answers: set[tuple[int, bytes]]


def _singles(asking: Client, rows: Sequence[Asked], seconds: float, pings: bool) -> Singles:
    done = Singles([], [], set())
    end = time.perf_counter() + seconds
    for number, asked in cycle(enumerate(rows)):
        start = time.perf_counter()
        if start >= end and len(done.walls) >= MIN_REQUESTS:
            return done
        answer = asking.score(asked.body)
        stop = time.perf_counter()
        done.walls.append(stop - start)
        done.answers.add((number, answer))
        if pings:
            start = time.perf_counter()
            asking.ping()
            done.pings.append(time.perf_counter() - start)
    return done


def _quantiles(walls: Sequence[float], pings: Sequence[float], connections: int) -> EndpointLatency:
    """By NumPy's default, linear between order statistics; the interval takes requests for independent."""
    import numpy as np

    ordered = np.sort(walls)
    half = NORMAL_95 * math.sqrt(len(ordered)) / 2
    low = max(0, math.floor(len(ordered) / 2 - half))
    high = min(len(ordered) - 1, math.ceil(len(ordered) / 2 + half))
    p50, p95, p99 = np.percentile(ordered, [50, 95, 99])
    return EndpointLatency(
        p50_s=float(p50),
        low_s=float(ordered[low]),
        high_s=float(ordered[high]),
        p95_s=float(p95),
        p99_s=float(p99),
        requests=len(ordered),
        ping_s=float(np.median(pings)) if pings else None,
        connections=connections,
    )


def _throughput(address: Address, model: Model, protocol: Protocol) -> Throughput:
    """Of many rows a request, from several clients at once, each with a connection of its own."""
    import numpy as np

    repeated = np.resize(np.arange(len(model.example)), BATCH)
    asked = Asked(client.request(model.example[repeated]), model.scores[repeated])
    budget = (1 - SINGLE_SHARE) * protocol.budget_s
    warm = Barrier(protocol.clients)

    def ask(_: int) -> tuple[float, float, int, set[bytes]]:
        """When the first request began and the last one ended, how many there were, and the answers."""
        try:
            with Client(address, protocol.timeout_s) as asking:
                answers = {*_until(asking, asked, WARM_UP_SHARE * budget)}
                warm.wait()  # for the others; one that fails ends it for all
                start = time.perf_counter()
                done = [*_until(asking, asked, (1 - WARM_UP_SHARE) * budget)]
                return start, time.perf_counter(), len(done), answers.union(done)
        except BaseException:
            warm.abort()
            raise

    with ThreadPoolExecutor(protocol.clients) as pool:
        futures = [pool.submit(ask, number) for number in range(protocol.clients)]
    failed = [error for future in futures if (error := future.exception()) is not None]
    if failed:
        raise next((error for error in failed if isinstance(error, EndpointFailure)), failed[0])
    starts, stops, counts, answers = zip(*(future.result() for future in futures), strict=True)
    for answer in set().union(*answers):
        _compare(answer, asked.scores, address)
    requests = sum(counts)
    return Throughput(BATCH * requests / (max(stops) - min(starts)), BATCH, protocol.clients, requests)


def _until(asking: Client, asked: Asked, seconds: float) -> Iterator[bytes]:
    """Answers until the time is over, at least one."""
    end = time.perf_counter() + seconds
    yield asking.score(asked.body)
    while time.perf_counter() < end:
        yield asking.score(asked.body)
