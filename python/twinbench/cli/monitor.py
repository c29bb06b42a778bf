"""``twinbench monitor``: check whether new rows still fit a trained model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json, warn_of_doubts
from twinbench.cli.options import (
    TRACK_S,
    AsJson,
    ModelStack,
    PipelineOfRun,
    RunId,
    SizeOfRun,
    StoreFile,
    TrackingUri,
    TrackTimeout,
)
from twinbench.errors import OK, REGRESSED


def monitor(
    stack: ModelStack,
    data: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Rows in the model's input form: .npz with x, or .csv or .parquet with its features; optionally "
            "with scores and labels.",
        ),
    ],
    run: RunId = None,
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    margin: Annotated[
        str | None,
        typer.Option(
            metavar="NUMBER", help="Qualities closer than this count as the same; the pipeline's margin if left out."
        ),
    ] = None,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="End with exit code 4 if anything drifted, or quality is worse.")
    ] = False,
    track: Annotated[
        bool | None,
        typer.Option(
            "--track/--no-track",
            help="Log the result to MLflow as a run of its own; by default only with --tracking-uri.",
        ),
    ] = None,
    tracking_uri: TrackingUri = None,
    track_timeout: TrackTimeout = TRACK_S,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Check new rows against a model's training and test rows: inputs, scores and, with labels, quality.

    Example: twinbench monitor 3f2a --stack pandas+torch --data november.parquet --fail-on-drift
    """
    from twinbench.handover.cells import cell_of, unchecked
    from twinbench.paths import default_store
    from twinbench.results.models import monitoring, rows
    from twinbench.store.store import Store
    from twinbench.views import monitor as view

    track_s = values.waiting("--track-timeout", track_timeout)
    quality_margin = None if margin is None else values.positive("--margin", margin)
    with Store.open_to_read(store or default_store()) as results:
        cell = cell_of(results, results.find_run(run).id, stack, pipeline, size)
        base = monitoring.base(results, cell)
        warn_of_doubts(cell, unchecked(results, cell))
    monitored = monitoring.monitor(base, rows.load(data, base.model), quality_margin)
    if as_json:
        print_json(monitored.as_json())
    else:
        view.render(monitored, console())
    if track or (track is None and tracking_uri is not None):
        from twinbench.handover import tracking
        from twinbench.trackers import mlflow_monitoring

        record = asdict(mlflow_monitoring.record(monitored, data.name))
        sent = tracking.send(tracking.Monitoring(record=record, tracking_uri=tracking_uri), track_s)
        typer.echo(sent.summary, err=as_json)
    raise typer.Exit(REGRESSED if fail_on_drift and monitored.verdict in ("drifted", "worse") else OK)
