"""``twinbench endpoint``: check that a deployed model gives the run's answers, and measure how fast."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from twinbench.cli.console import console, print_json, warn_of_doubts
from twinbench.cli.options import AsJson, PipelineOfRun, SizeOfRun, StoreFile
from twinbench.errors import FAILED, BadInput, TwinbenchError

if TYPE_CHECKING:
    from twinbench.handover.endpoint.client import Address
    from twinbench.handover.endpoint.measure import RequestPlan
    from twinbench.results.models.endpoints import Endpoint
    from twinbench.results.models.kept import Model
    from twinbench.store.store import Store


def endpoint(
    named: Annotated[
        list[str] | None,
        typer.Argument(metavar="[URL] [RUN]", help="The server's URL, unless --serve; a run, if not the latest."),
    ] = None,
    stack: Annotated[
        list[str] | None,
        typer.Option(help="A stack whose model is measured; all with a model if left out. Repeatable with --serve."),
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the models here, one after the other.")] = False,
    clients: Annotated[int, typer.Option(min=1, max=256, help="Clients that send rows at once, for rows/s.")] = 1,
    budget: Annotated[float, typer.Option(min=0, help="Seconds of timed requests for each stack.")] = 10.0,
    timeout: Annotated[float, typer.Option(min=0.001, help="Longest wait for an answer, in seconds.")] = 60.0,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VARIABLE", help="A header with the value of an environment variable. Repeatable."),
    ] = None,
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Measure a deployed model: agreement with the run's answers, cold start, latency, throughput and memory.

    An endpoint whose answers differ from the run's is shown without times, and the exit code is 1.

    Example: twinbench endpoint --serve --stack pandas+torch --stack DataFrames.jl+Flux
    """
    from twinbench.handover.cells import unchecked
    from twinbench.handover.endpoint import client
    from twinbench.handover.endpoint.measure import RequestPlan
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    url, run = _named(named or [], serve)
    address = None if url is None else client.address(url, client.headers(header or [], os.environ))
    signal.signal(signal.SIGTERM, _interrupt)
    with Store.open(store or default_store(), create=False) as results:
        models = _models(results, results.find_run(run).id, stack or [], pipeline, size)
        if address is not None and len(models) > 1:
            raise BadInput(f"--stack: one URL serves one of {', '.join(model.cell.stack for model in models)}; name it")
        for model in models:
            warn_of_doubts(model.cell, unchecked(results, model.cell))
        measured = list(_measured(results, models, address, RequestPlan(budget, clients, timeout)))
    _show(measured, as_json)
    if len(measured) < len(models) or not all(endpoint.agrees for endpoint in measured):
        raise typer.Exit(FAILED)


def _named(words: list[str], serve: bool) -> tuple[str | None, str | None]:
    """Return the URL and the run among the arguments. Raises BadInput."""
    if not words and not serve:
        raise BadInput("no endpoint is named; give its URL, or --serve to start one here")
    urls, runs = ([], words) if serve else (words[:1], words[1:])
    if len(runs) > 1:
        raise BadInput(f"'{runs[1]}' is one name too many; {'a run' if serve else 'a URL and a run'} can be named")
    return next(iter(urls), None), next(iter(runs), None)


def _models(results: Store, run_id: str, stacks: list[str], pipeline: str | None, size: str | None) -> list[Model]:
    """Return the models of the stacks named, or else every usable model of the run. Raises BadInput and NotUsable."""
    from twinbench.handover.cells import NotUsable, cell_of, usable

    models = []
    for stack in stacks or dict.fromkeys(cell.stack for cell in results.cells(run_id)):
        try:
            models.append(usable(results, cell_of(results, run_id, stack, pipeline, size), "measured"))
        except NotUsable:
            if stacks:
                raise
    if not models:
        raise NotUsable(f"run {run_id} has no trained model of a stack that is done and agrees with the reference")
    return models


def _measured(results: Store, models: list[Model], address: Address | None, plan: RequestPlan) -> Iterator[Endpoint]:
    """Yield each endpoint once it is measured and stored; with several models a failure is printed and skipped."""
    from twinbench.handover.endpoint import measure as measuring
    from twinbench.results.models import endpoints

    for model in models:
        try:
            if address is None:
                endpoint = measuring.serve(results, model, plan)
            else:
                endpoint = measuring.measure(address, model, plan)
        except TwinbenchError as error:
            if len(models) == 1:
                raise
            print(f"twinbench: error: {error}", file=sys.stderr)
            continue
        endpoints.keep(results, model.cell.id, endpoint)
        yield endpoint


def _show(measured: list[Endpoint], as_json: bool) -> None:
    from dataclasses import asdict

    from twinbench.results.models.endpoints import ranked
    from twinbench.views import endpoints as view

    if as_json:
        print_json([asdict(endpoint) for endpoint in ranked(measured)])
    elif measured:
        view.render(measured, console())


def _interrupt(*_: object) -> NoReturn:
    """Turn SIGTERM into KeyboardInterrupt, so that the server that this process started ends with it."""
    raise KeyboardInterrupt
