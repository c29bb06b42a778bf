"""``twinbench monitor``: whether a trained model is still fit for the data that it is asked about."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.cli.options import OfPipeline, OfSize, TrackingUri
from twinbench.errors import OK, REGRESSED


def monitor(
    stack: Annotated[str, typer.Option(help="Whose model, such as pandas+torch.")],
    data: Annotated[
        Path,
        typer.Option(
            metavar="FILE",
            help="Rows as the model takes them: .npz with x, or .csv and .parquet with its features; with scores and "
            "labels, if there are any.",
        ),
    ],
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    pipeline: OfPipeline = None,
    size: OfSize = None,
    margin: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Quality that is so near is the same; the pipeline's margin if left out."),
    ] = None,
    fail_on_drift: Annotated[
        bool, typer.Option("--fail-on-drift", help="End with exit code 4 if anything drifted, or quality is worse.")
    ] = False,
    track: Annotated[
        bool | None,
        typer.Option(
            "--track/--no-track",
            help="Log it to MLflow, as a run of its own; only if asked, or where --tracking-uri is given.",
        ),
    ] = None,
    tracking_uri: TrackingUri = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Hold rows against those that a model was trained and tested on: inputs, scores, and quality where labels came.

    Example: twinbench monitor 3f2a --stack pandas+torch --data november.parquet --fail-on-drift
    """
    from twinbench.handover.cells import cell_of
    from twinbench.paths import default_store
    from twinbench.results.models import monitoring, rows
    from twinbench.store.store import Store
    from twinbench.views import monitor as view

    near = None if margin is None else values.positive("--margin", margin)
    with Store.open(store or default_store(), create=False) as results:
        base = monitoring.base(results, cell_of(results, results.find_run(run).id, stack, pipeline, size))
    found = monitoring.monitor(base, rows.load(data, base.model), near)
    if as_json:
        print_json(found.as_json())
    else:
        view.render(found, console())
    if track or (track is None and tracking_uri is not None):
        from twinbench.trackers import mlflow_monitoring

        typer.echo(mlflow_monitoring.send(found, data.name, tracking_uri), err=as_json)
    raise typer.Exit(REGRESSED if fail_on_drift and found.verdict in ("drifted", "worse") else OK)
