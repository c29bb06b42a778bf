"""The measurements that ``twinbench endpoint`` made of a stack's deployed model, stored as a fact of the cell.

There is one measurement per endpoint; a later measurement of the same endpoint replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from twinbench.store.fact_shapes import ENDPOINT
from twinbench.store.records import Fact
from twinbench.store.store import Store

HERE = "here"
"""Stands for the URL of a server that was started on this machine for the measurement."""


@dataclass(frozen=True, slots=True)
class EndpointLatency:
    """Quantiles of single requests in seconds, interpolated linearly between order statistics."""

    p50_s: float
    low_s: float
    """Lower end of a 95 % interval of the median, by order statistics."""
    high_s: float
    """Upper end of that interval."""
    p95_s: float
    p99_s: float
    requests: int
    """Number of timed requests, not counting the warm-up."""
    ping_s: float | None
    """Median time of ``GET /ping`` between the requests: client, network and server without a model. None if the server
    has no such route."""
    connections: int
    """Number of connections: 1 if the server kept it open; the times include the opening of each further connection."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """The throughput with many rows per request, from several clients at once."""

    rows_per_s: float
    batch: int
    """Number of rows in each request."""
    clients: int
    requests: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The measurement of one endpoint. An endpoint that disagrees with the run is not timed."""

    stack: str
    place: str
    """`HERE`, or the endpoint's URL without user, password and query."""
    measured: str
    """ISO 8601, UTC."""
    versions: Mapping[str, str]
    """Version of the twinbench that measured, and of MLflow if the server reports it."""
    agrees: bool
    """Whether the scores are those of the run, within the tolerance."""
    error: float | None
    """Largest distance of a score from the run's score, as a multiple of the tolerance. None if none could be
    checked."""
    detail: str
    """What disagrees, in words. Empty if nothing does."""
    ready_s: float | None
    """Seconds from the start of the process to the first answer of ``/ping``. None if the server ran already."""
    first_s: float | None
    """Seconds to the first right answer: from the start of the process, or of the request if the server ran already."""
    latency: EndpointLatency | None
    throughput: Throughput | None
    peak_rss_bytes: int | None
    """Peak memory of the server and its child processes. None if the server ran already."""
    cpu_s: float | None
    """Processor time of the server and its child processes in seconds. None if the server ran already."""


def keep(store: Store, cell_id: int, endpoint: Endpoint) -> None:
    """Store a measurement, in place of an earlier one of the same endpoint."""
    others = [stored for stored in _stored(store.facts(cell_id)) if stored["place"] != endpoint.place]
    store.add_fact(cell_id, "", ENDPOINT, [*others, asdict(endpoint)])


def of_facts(facts: Iterable[Fact]) -> tuple[Endpoint, ...]:
    """Return the measurements that are among the facts of a cell."""
    return tuple(_endpoint(plain) for plain in _stored(facts))


def _stored(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    return next((list(fact.value) for fact in facts if (fact.step, fact.key) == ("", ENDPOINT)), [])


def _endpoint(plain: Mapping[str, Any]) -> Endpoint:
    latency, throughput = plain["latency"], plain["throughput"]
    parts = {"latency": latency and EndpointLatency(**latency), "throughput": throughput and Throughput(**throughput)}
    return Endpoint(**{**plain, **parts})


def ranked(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """Sort endpoints by the median time of single requests; endpoints that weren't timed come last."""
    return sorted(endpoints, key=lambda endpoint: endpoint.latency.p50_s if endpoint.latency else float("inf"))


def starts_first(endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """Return the locally started endpoint with the earliest right answer; None if fewer than two were started."""
    started = [endpoint for endpoint in endpoints if endpoint.ready_s is not None and endpoint.first_s is not None]
    return min(started, key=lambda endpoint: endpoint.first_s or 0.0) if len(started) > 1 else None
