"""Measurements of deployed models as a table: the fastest endpoint comes first, endpoints that disagree come last."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.models.endpoints import Endpoint, ranked, starts_first
from twinbench.views import layout, text

LEGEND = """\
p50, p95, p99: time of a request with one row over one open connection, after the warm-up; ± is half of the 95 %
interval of the median. ping: the same without a model. ready: from the start of the process to the first answer of
/ping. first answer: from the start to the first right answer; if the server ran already, that request only."""


def render(endpoints: Sequence[Endpoint], console: Console) -> None:
    """Print the table, the disagreements, and which server starts fastest."""
    layout.widen(console)
    console.print(table(endpoints))
    for line in notes(endpoints):
        layout.say(console, *line)
    console.print(Text(LEGEND, style="dim"))


def table(endpoints: Sequence[Endpoint]) -> Table:
    """Return a table with one row per endpoint."""
    head = ("ready", "first answer", "p50", "p95", "p99", "requests", "ping", "rows/s", "memory", "CPU", "agreement")
    rows = layout.table("stack", "endpoint", *head)
    for endpoint in ranked(endpoints):
        rows.add_row(*map(layout.cell, (endpoint.stack, endpoint.place, *_figures(endpoint))))
    return rows


def _figures(endpoint: Endpoint) -> list[str]:
    latency, throughput = endpoint.latency, endpoint.throughput
    half = f" ±{text.percent((latency.high_s - latency.low_s) / 2 / latency.p50_s)}" if latency else ""
    quantiles = (latency.p95_s, latency.p99_s) if latency else (None, None)
    agreement = text.error(endpoint.error) if endpoint.agrees else "DIFFERENT"
    return [
        text.seconds(endpoint.ready_s),
        text.seconds(endpoint.first_s),
        f"{text.seconds(latency.p50_s)}{half}" if latency else text.NOTHING,
        *map(text.seconds, quantiles),
        f"{latency.requests:,}" if latency else text.NOTHING,
        text.seconds(latency.ping_s if latency else None),
        f"{throughput.rows_per_s:,.0f}" if throughput else text.NOTHING,
        text.size(endpoint.peak_rss_bytes),
        text.seconds(endpoint.cpu_s),
        agreement,
    ]


def notes(endpoints: Sequence[Endpoint]) -> list[tuple[str, str]]:
    """Return the notes below the table, each as a heading and a sentence."""
    lines = [(f"{each.stack}: disagrees with the run", each.detail) for each in endpoints if not each.agrees]
    for each in endpoints:
        if each.latency and each.latency.connections > 1:
            lines.append((each.stack, "its server closes connections, so its times include opening new ones"))
    first = starts_first(endpoints)
    if first is not None:
        lines.append((f"{first.stack} starts fastest", f"{text.seconds(first.first_s)} to its first right answer"))
    batches = {(each.throughput.batch, each.throughput.clients) for each in endpoints if each.throughput}
    for batch, clients in sorted(batches):
        lines.append(("rows/s", f"{batch} rows per request, {clients} client{'s' * (clients != 1)}"))
    return lines
