"""How a stack's model behaved as deployed: what ``twinbench endpoint`` measured, kept with the cell.

One measurement for each place; a later one of the same place replaces it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from twinbench.store.records import Fact
from twinbench.store.store import Store

ENDPOINT = "endpoint"
"""The fact of a cell that holds them."""

HERE = "here"
"""The place of a server that was started for the measurement, on this machine."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Quantiles of single requests in seconds, interpolated linearly between order statistics."""

    p50_s: float
    low_s: float
    """The ends of a 95 % interval of the median, by order statistics."""
    high_s: float
    p95_s: float
    p99_s: float
    requests: int
    """Without those of the warm-up."""
    ping_s: float | None
    """Median of ``GET /ping`` between them: client, way and server without a model. None without that route."""
    connections: int
    """1 where the server kept the connection; each other one is in the times."""


@dataclass(frozen=True, slots=True)
class Throughput:
    """Many rows a request, from several clients at once."""

    rows_per_s: float
    batch: int
    """Rows of a request."""
    clients: int
    requests: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. Without agreement nothing of it is timed."""

    stack: str
    place: str
    """`HERE`, or its URL without user, password and query."""
    measured: str
    """ISO 8601, UTC."""
    versions: Mapping[str, str]
    """Of twinbench that measured, and of MLflow where the server tells it."""
    agrees: bool
    error: float | None
    """The worst score's distance from the run's against the tolerance. None where there was nothing to compare."""
    detail: str
    """What disagrees. Empty where nothing does."""
    ready_s: float | None
    """From the start of the process to the first answer of ``/ping``. None where the server was there already."""
    first_s: float | None
    """To the first right answer: from the start of the process, or of the request where the server was there."""
    latency: Latency | None
    throughput: Throughput | None
    peak_rss_bytes: int | None
    """Of the server and all that it started. None as for ``ready_s``."""
    cpu_s: float | None
    """Processor time of these from start to end. None as above."""


def keep(store: Store, cell_id: int, endpoint: Endpoint) -> None:
    """Keep a measurement."""
    others = [one for one in _known(store.facts(cell_id)) if one["place"] != endpoint.place]
    store.add_fact(cell_id, "", ENDPOINT, [*others, asdict(endpoint)])


def of_facts(facts: Iterable[Fact]) -> tuple[Endpoint, ...]:
    """The measurements of a cell that has these facts."""
    return tuple(_endpoint(plain) for plain in _known(facts))


def _known(facts: Iterable[Fact]) -> list[dict[str, Any]]:
    return next((list(fact.value) for fact in facts if (fact.step, fact.key) == ("", ENDPOINT)), [])


def _endpoint(plain: Mapping[str, Any]) -> Endpoint:
    latency, throughput = plain["latency"], plain["throughput"]
    parts = {"latency": latency and Latency(**latency), "throughput": throughput and Throughput(**throughput)}
    return Endpoint(**{**plain, **parts})


def ranked(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """By the median of single requests; what wasn't timed comes last."""
    return sorted(endpoints, key=lambda one: one.latency.p50_s if one.latency else float("inf"))


def starts_first(endpoints: Sequence[Endpoint]) -> Endpoint | None:
    """Of those that were started here, the one with the earliest right answer. None where there are not two of them."""
    started = [one for one in endpoints if one.ready_s is not None and one.first_s is not None]
    return min(started, key=lambda one: one.first_s or 0.0) if len(started) > 1 else None
