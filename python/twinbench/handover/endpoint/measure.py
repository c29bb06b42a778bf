"""Measure an endpoint: first check that its answers agree with the run's scores, then time them.

The answers of timed requests are checked as well, afterwards. On one machine, client and server share the processors;
the latency of ``/ping`` shows the client's share.
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
from twinbench.errors import BadInput
from twinbench.handover import models
from twinbench.handover.endpoint import client
from twinbench.handover.endpoint.client import Address, Client, EndpointFailure
from twinbench.handover.endpoint.server import Server
from twinbench.launch.process import scratch
from twinbench.numbers.answers import DisagreeingAnswer, check_answers
from twinbench.numbers.normal import NORMAL_95
from twinbench.results.models.endpoints import HERE, Endpoint, EndpointLatency, Throughput
from twinbench.results.models.kept import Model
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray

BATCH = 256
"""Rows in each request of the throughput measurement."""

SINGLE_SHARE = 0.6
"""Share of the budget for requests of one row; requests of `BATCH` rows have the rest."""

WARM_UP_SHARE = 0.2
"""Share of each part of the budget that is spent first on requests that aren't counted."""

LONGEST_S = 365 * 86_400.0
"""Longest budget and time-out in seconds."""

MIN_REQUESTS = 20
"""Fewest requests of one row in the warm-up, and again in the measurement, however long they take."""


@dataclass(frozen=True, slots=True)
class RequestPlan:
    """Budget, clients and time-out of a measurement."""

    budget_s: float
    """Time for requests in seconds, warm-ups included."""
    clients: int
    timeout_s: float
    """Longest wait for an answer, in seconds."""

    def __post_init__(self) -> None:
        """Check the times: a time-out above a year is none to a socket. Raises BadInput."""
        if not (0 <= self.budget_s <= LONGEST_S and 0 < self.timeout_s <= LONGEST_S):
            raise BadInput(f"--budget and --timeout take seconds, up to {LONGEST_S:,.0f} (a year)")


@dataclass(frozen=True, slots=True)
class CheckedRequest:
    """A request body, with the scores that the run stored for its rows."""

    body: bytes
    scores: NDArray[Any]


def measure(address: Address, model: Model, plan: RequestPlan) -> Endpoint:
    """Measure a running server. Raises EndpointFailure."""
    return _measured(address, model, plan, address.shown, None)


def serve(store: Store, model: Model, plan: RequestPlan) -> Endpoint:
    """Start a server with a cell's model, measure it, and end it. Raises EndpointFailure and TrackingError."""
    with scratch() as temporary:
        saved = models.save(store, model, Path(temporary), check=False)
        with Server(saved.rename(Path(temporary) / "model"), model.framework) as server:
            try:
                return _measured(server.address, model, plan, HERE, server)
            except EndpointFailure as failure:
                raise EndpointFailure(f"{model.cell.stack}: {failure}") from None


def _measured(address: Address, model: Model, plan: RequestPlan, location: str, server: Server | None) -> Endpoint:
    rows = model.example
    ready = server.wait() if server else None
    with Client(address, plan.timeout_s) as asking:
        began = server.started if server else time.perf_counter()
        answer = asking.score(client.request(rows))
        first = time.perf_counter() - began
        version = asking.version()
    unmeasured = Endpoint(
        stack=model.cell.stack,
        place=location,
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
        error = _check_agreement(answer, model.scores[: len(rows)], address)
        latency = _latency(address, model, plan)
        if server:
            server.look()
        with server.watched() if server else nullcontext():
            throughput = _throughput(address, model, plan)
    except DisagreeingAnswer as differs:
        return replace(unmeasured, error=differs.error, detail=differs.detail, first_s=None)
    memory, cpu = (server.peak_rss_bytes, server.cpu_s()) if server else (None, None)
    return replace(
        unmeasured,
        agrees=True,
        error=error,
        latency=latency,
        throughput=throughput,
        peak_rss_bytes=memory,
        cpu_s=cpu,
    )


def _check_agreement(answer: bytes, scores: NDArray[Any], address: Address) -> float:
    """Return the largest error of an answer's scores, in units of the tolerance. Raises DisagreeingAnswer above 1."""
    try:
        return check_answers(client.predictions(answer, address.shown), scores)
    except (TypeError, ValueError):
        raise DisagreeingAnswer(None, "predictions that aren't numbers, or rows of different lengths") from None


def _latency(address: Address, model: Model, plan: RequestPlan) -> EndpointLatency:
    """Measure the latency of requests of one row, without the warm-up; ``/ping`` is asked after every request."""
    rows = [
        CheckedRequest(client.request(model.example[row : row + 1]), model.scores[row : row + 1])
        for row in range(len(model.example))
    ]
    budget = SINGLE_SHARE * plan.budget_s
    with Client(address, plan.timeout_s) as asking:
        pings = asking.ping()
        warm_up = _singles(asking, rows, WARM_UP_SHARE * budget, pings)
        timed = _singles(asking, rows, (1 - WARM_UP_SHARE) * budget, pings)
    for number, answer in {*warm_up.answers, *timed.answers}:
        _check_agreement(answer, rows[number].scores, address)
    return _quantiles(timed.walls, timed.pings, asking.connections)


@dataclass(frozen=True, slots=True)
class Singles:
    """Results of sequential requests: seconds of each, seconds of each ping, and answers by the request's index."""

    walls: list[float]
    pings: list[float]
    answers: set[tuple[int, bytes]]


def _singles(asking: Client, rows: Sequence[CheckedRequest], seconds: float, pings: bool) -> Singles:
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
    """Summarise latencies by NumPy's linear quantiles; the median's 95 % interval treats requests as independent."""
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


def _throughput(address: Address, model: Model, plan: RequestPlan) -> Throughput:
    """Measure rows/s with `BATCH` rows a request, from several clients at once, each with its own connection."""
    import numpy as np

    repeated = np.resize(np.arange(len(model.example)), BATCH)
    asked = CheckedRequest(client.request(model.example[repeated]), model.scores[repeated])
    budget = (1 - SINGLE_SHARE) * plan.budget_s
    warm = Barrier(plan.clients)

    def ask(_: int) -> tuple[float, float, int, set[bytes]]:
        """Return the start of the first request and the end of the last in seconds, their number, and the answers."""
        try:
            with Client(address, plan.timeout_s) as asking:
                answers = {*_until(asking, asked, WARM_UP_SHARE * budget)}
                warm.wait()  # until every client is warm; a client that fails aborts the barrier
                start = time.perf_counter()
                done = [*_until(asking, asked, (1 - WARM_UP_SHARE) * budget)]
                return start, time.perf_counter(), len(done), answers.union(done)
        except BaseException:
            warm.abort()
            raise

    with ThreadPoolExecutor(plan.clients) as pool:
        futures = [pool.submit(ask, number) for number in range(plan.clients)]
    failed = [error for future in futures if (error := future.exception()) is not None]
    if failed:
        raise next((error for error in failed if isinstance(error, EndpointFailure)), failed[0])
    starts, stops, counts, answers = zip(*(future.result() for future in futures), strict=True)
    for answer in set().union(*answers):
        _check_agreement(answer, asked.scores, address)
    requests = sum(counts)
    return Throughput(BATCH * requests / (max(stops) - min(starts)), BATCH, plan.clients, requests)


def _until(asking: Client, asked: CheckedRequest, seconds: float) -> Iterator[bytes]:
    """Yield answers to the same request until the time is over, at least one."""
    end = time.perf_counter() + seconds
    yield asking.score(asked.body)
    while time.perf_counter() < end:
        yield asking.score(asked.body)
