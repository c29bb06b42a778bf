"""``twinbench promote``: a stack's trained model into MLflow's model registry."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import print_json
from twinbench.cli.options import OfPipeline, OfSize, TrackingUri


def promote(
    stack: Annotated[str, typer.Option(help="Whose model, such as pandas+torch.")],
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="In the registry; the pipeline's name if left out.")] = None,
    alias: Annotated[str, typer.Option(help="What users of the model ask for.")] = "champion",
    pipeline: OfPipeline = None,
    size: OfSize = None,
    tracking_uri: TrackingUri = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Register the model that a stack trained, and print how it is served.

    Only what is done and agrees with the reference can be promoted.

    Example: twinbench promote 3f2a --stack pandas+torch
    """
    from twinbench.handover.cells import cell_of
    from twinbench.handover.promote import promote as register
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    with Store.open(store or default_store(), create=False) as results:
        run_id = results.find_run(run).id
        cell = cell_of(results, run_id, stack, pipeline, size)
        made = register(results, run_id, cell, name=name, alias=alias, tracking_uri=tracking_uri)
    if as_json:
        print_json({"uri": made.uri, "version": made.version, "serve": made.serve} | made.logged.model.metadata)
        return
    typer.echo(f"{made.uri} is version {made.version}: {cell.stack} on {cell.pipeline} ({cell.size}), run {run_id}")
    typer.echo(f"serve it: {made.serve}")
