"""Requests as the command line makes them, with the defaults of its options."""

from __future__ import annotations

from twinbench.pair.command import Request
from twinbench.pair.differences import Rules
from twinbench.pair.target import Layout
from twinbench.pair.verdict import Search


def request(
    functions: list[str],
    *,
    inputs: list[str] | None = None,
    cases: str | None = None,
    compare: str | None = None,
    rules: Rules | None = None,
    mutates: bool = False,
    generate: int = 50,
    edge: bool = False,
    seed: int | None = None,
    where: str | None = None,
    timeout_s: float = 60.0,
    threads: int = 1,
    layout: Layout = "same",
) -> Request:
    return Request(
        functions=functions,
        inputs=inputs or [],
        cases=cases,
        compare=compare,
        rules=rules or Rules(),
        mutates=mutates,
        search=Search(generate, 60.0, seed, edge),
        where=where,
        timeout_s=timeout_s,
        threads=threads,
        layout=layout,
    )
