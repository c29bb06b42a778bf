"""``twinbench endpoint``: whether what was deployed gives the run's answers, and how fast."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from twinbench.cli.console import console, print_json
from twinbench.cli.options import OfPipeline, OfSize
from twinbench.errors import FAILED, BadInput, TwinbenchError

if TYPE_CHECKING:
    from twinbench.handover.endpoint.client import Address
    from twinbench.handover.endpoint.measure import Protocol
    from twinbench.results.models.endpoints import Endpoint
    from twinbench.results.models.kept import Model
    from twinbench.store.store import Store


def endpoint(
    named: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[URL] [RUN]", help="Where the model is served, unless --serve; a run, if not the latest."
        ),
    ] = None,
    stack: Annotated[
        list[str] | None, typer.Option(help="Whose model. Repeatable with --serve; all that left one if left out.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve", help="Serve the models here, one after the other.")] = False,
    clients: Annotated[int, typer.Option(min=1, max=256, help="How many send rows at once, for rows/s.")] = 1,
    budget: Annotated[float, typer.Option(min=0, help="Seconds of requests for each stack.")] = 10.0,
    timeout: Annotated[float, typer.Option(min=0.001, help="Seconds to wait for an answer.")] = 60.0,
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VARIABLE", help="A header with the value of an environment variable. Repeatable."),
    ] = None,
    pipeline: OfPipeline = None,
    size: OfSize = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Measure a model as it is deployed: the run's answers, cold start, latency, throughput and memory.

    An endpoint that answers anything else than the run is shown, without times, and the exit code is 1.

    Example: twinbench endpoint --serve --stack pandas+torch --stack DataFrames.jl+Flux
    """
    from twinbench.handover.endpoint import client
    from twinbench.handover.endpoint.measure import Protocol
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    url, run = _named(named or [], serve)
    address = None if url is None else client.address(url, client.headers(header or [], os.environ))
    signal.signal(signal.SIGTERM, _interrupt)
    with Store.open(store or default_store(), create=False) as results:
        models = _models(results, results.find_run(run).id, stack or [], pipeline, size)
        if address is not None and len(models) > 1:
            raise BadInput(f"--stack: one URL serves one of {', '.join(model.cell.stack for model in models)}; name it")
        found = list(_measured(results, models, address, Protocol(budget, clients, timeout)))
    _show(found, as_json)
    if len(found) < len(models) or not all(one.agrees for one in found):
        raise typer.Exit(FAILED)


def _named(words: list[str], serve: bool) -> tuple[str | None, str | None]:
    """The URL and the run. Raises BadInput."""
    if not words and not serve:
        raise BadInput("no endpoint is named; give its URL, or --serve to start one here")
    urls, runs = ([], words) if serve else (words[:1], words[1:])
    if len(runs) > 1:
        raise BadInput(f"'{runs[1]}' is one name too many; {'a run' if serve else 'a URL and a run'} can be named")
    return next(iter(urls), None), next(iter(runs), None)


def _models(results: Store, run_id: str, stacks: list[str], pipeline: str | None, size: str | None) -> list[Model]:
    """Of the stacks that are named; else of all that left one which can be used. Raises BadInput and NotUsable."""
    from twinbench.handover.cells import NotUsable, cell_of, usable

    found = []
    for stack in stacks or dict.fromkeys(cell.stack for cell in results.cells(run_id)):
        try:
            found.append(usable(results, cell_of(results, run_id, stack, pipeline, size), "measured"))
        except NotUsable:
            if stacks:
                raise
    if not found:
        raise NotUsable(f"run {run_id} has no trained model: no stack is done, agrees and left one")
    return found


def _measured(results: Store, models: list[Model], address: Address | None, protocol: Protocol) -> Iterator[Endpoint]:
    """Each as it is measured and kept; of several the failure of one is told, and costs the others nothing."""
    from twinbench.handover.endpoint import measure as measuring
    from twinbench.results.models import endpoints

    for model in models:
        try:
            if address is None:
                one = measuring.serve(results, model, protocol)
            else:
                one = measuring.measure(address, model, protocol)
        except TwinbenchError as error:
            if len(models) == 1:
                raise
            print(f"twinbench: error: {error}", file=sys.stderr)
            continue
        endpoints.keep(results, model.cell.id, one)
        yield one


def _show(found: list[Endpoint], as_json: bool) -> None:
    from dataclasses import asdict

    from twinbench.results.models.endpoints import ranked
    from twinbench.views import endpoints as view

    if as_json:
        print_json([asdict(one) for one in ranked(found)])
    elif found:
        view.render(found, console())


def _interrupt(*_: object) -> NoReturn:
    """What ends this process ends its server too."""
    raise KeyboardInterrupt
