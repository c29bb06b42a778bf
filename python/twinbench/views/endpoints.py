"""Endpoints as a table: how stacks behaved as deployed. The fastest comes first, what disagrees last."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from twinbench.results.models.endpoints import Endpoint, ranked, starts_first
from twinbench.views import layout, text

LEGEND = """\
endpoints: one row a request over one kept connection, after the warm-up; quantiles are linear between order
statistics, ± is half of a 95 % interval of the median. ping: the same without a model. ready: from the start of the
process to /ping. first answer: to the first right one; of a server that was there already, that request only."""


def render(endpoints: Sequence[Endpoint], console: Console) -> None:
    """Print the table, what disagrees, and which starts fastest."""
    layout.widen(console)
    console.print(table(endpoints))
    for line in told(endpoints):
        layout.say(console, *line)
    console.print(Text(LEGEND, style="dim"))


def table(endpoints: Sequence[Endpoint]) -> Table:
    """A row for each."""
    head = ("ready", "first answer", "p50", "p95", "p99", "requests", "ping", "rows/s", "memory", "CPU", "agreement")
    made = layout.table("stack", "endpoint", *head)
    for one in ranked(endpoints):
        made.add_row(*map(layout.cell, (one.stack, one.place, *_figures(one))))
    return made


def _figures(one: Endpoint) -> list[str]:
    latency, throughput = one.latency, one.throughput
    half = f" ±{text.percent((latency.high_s - latency.low_s) / 2 / latency.p50_s)}" if latency else ""
    quantiles = (latency.p95_s, latency.p99_s) if latency else (None, None)
    agreement = text.error(one.error) if one.agrees else "DIFFERENT"
    return [
        text.seconds(one.ready_s),
        text.seconds(one.first_s),
        f"{text.seconds(latency.p50_s)}{half}" if latency else text.NOTHING,
        *map(text.seconds, quantiles),
        f"{latency.requests:,}" if latency else text.NOTHING,
        text.seconds(latency.ping_s if latency else None),
        f"{throughput.rows_per_s:,.0f}" if throughput else text.NOTHING,
        text.size(one.peak_rss_bytes),
        text.seconds(one.cpu_s),
        agreement,
    ]


def told(endpoints: Sequence[Endpoint]) -> list[tuple[str, str]]:
    """What the table can't say, as heads and what is said of them."""
    lines = [(f"{one.stack}: disagrees with the run", one.detail) for one in endpoints if not one.agrees]
    for one in endpoints:
        if one.latency and one.latency.connections > 1:
            lines.append((one.stack, "its server closes connections: opening new ones is in its times"))
    first = starts_first(endpoints)
    if first is not None:
        lines.append((f"{first.stack} starts fastest", f"{text.seconds(first.first_s)} to its first right answer"))
    batches = {(one.throughput.batch, one.throughput.clients) for one in endpoints if one.throughput}
    for batch, clients in sorted(batches):
        lines.append(("rows/s", f"{batch} rows a request, {clients} client{'s' * (clients != 1)}"))
    return lines
