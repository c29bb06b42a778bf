"""``twinbench promote``: register a stack's trained model in MLflow's model registry."""

from __future__ import annotations

from typing import Annotated

import typer

from twinbench.cli.console import print_json, warn_of_doubts
from twinbench.cli.options import AsJson, ModelStack, PipelineOfRun, RunId, SizeOfRun, StoreFile, TrackingUri


def promote(
    stack: ModelStack,
    run: RunId = None,
    name: Annotated[str | None, typer.Option(help="The name in the registry; the pipeline's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias by which users of the model load it.")] = "champion",
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    tracking_uri: TrackingUri = None,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Register the model that a stack trained, and print the command that serves it.

    The stack must be done and agree with the reference.

    Example: twinbench promote 3f2a --stack pandas+torch
    """
    from twinbench.handover.cells import cell_of
    from twinbench.handover.promote import promote as register
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        cell = cell_of(results, run_id, stack, pipeline, size)
        promoted = register(results, run_id, cell, name=name, alias=alias, tracking_uri=tracking_uri)
    warn_of_doubts(cell, promoted.doubts)
    if as_json:
        facts = {"uri": promoted.uri, "version": promoted.version, "serve": promoted.serve, "doubts": promoted.doubts}
        print_json(facts | promoted.logged.model.metadata)
        return
    typer.echo(
        f"{promoted.uri} is version {promoted.version}: {cell.stack} on {cell.pipeline} ({cell.size}), run {run_id}"
    )
    typer.echo(f"serve it: {promoted.serve}")
