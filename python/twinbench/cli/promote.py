"""``twinbench promote``: register a stack's trained model in MLflow's model registry."""

from __future__ import annotations

from typing import Annotated

import typer

from twinbench.cli.console import print_json, warn_of_doubts
from twinbench.cli.options import (
    LONG_TRACK_S,
    AsJson,
    ModelStack,
    PipelineOfRun,
    RunId,
    SizeOfRun,
    StoreFile,
    TrackingUri,
    TrackTimeout,
)


def promote(
    stack: ModelStack,
    run: RunId = None,
    name: Annotated[str | None, typer.Option(help="The name in the registry; the pipeline's if left out.")] = None,
    alias: Annotated[str, typer.Option(help="The alias by which users of the model load it.")] = "champion",
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    tracking_uri: TrackingUri = None,
    track_timeout: TrackTimeout = LONG_TRACK_S,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Register the model that a stack trained, and print the command that serves it.

    The stack must be done and agree with the reference.

    Example: twinbench promote 3f2a --stack pandas+torch
    """
    from twinbench.cli import values
    from twinbench.handover import tracking
    from twinbench.handover.cells import cell_of, usable
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    track_s = values.waiting("--track-timeout", track_timeout)
    with Store.open_to_read(store or default_store()) as results:
        run_id, path = results.find_run(run).id, str(results.path)
        cell = cell_of(results, run_id, stack, pipeline, size)
        usable(results, cell, "promoted")
    promotion = tracking.Promotion(
        store=path, run=run_id, cell=cell.id, name=name, alias=alias, tracking_uri=tracking_uri
    )
    promoted = tracking.send(promotion, track_s).promoted
    warn_of_doubts(cell, promoted["doubts"])
    if as_json:
        metadata = promoted.pop("metadata")
        print_json(promoted | metadata)
        return
    of = f"{cell.stack} on {cell.pipeline} ({cell.size}), run {run_id}"
    typer.echo(f"{promoted['uri']} is version {promoted['version']}: {of}")
    typer.echo(f"serve it: {promoted['serve']}")
