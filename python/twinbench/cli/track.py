"""``twinbench track``: send runs of the store to MLflow, Comet or asv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import LONG_TRACK_S, RunId, StoreFile, TrackingUri, TrackTimeout

app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _track() -> None:
    """Send a run that is in the store to MLflow, Comet or asv.

    Example: twinbench track mlflow
    """


@app.command()
def mlflow(
    run: RunId = None,
    tracking_uri: TrackingUri = None,
    track_timeout: TrackTimeout = LONG_TRACK_S,
    with_models: Annotated[bool, typer.Option("--models/--no-models", help="Log the trained models as well.")] = True,
    store: StoreFile = None,
) -> None:
    """Send a run to MLflow with its trained models: after an outage of the server, or to a second server.

    Example: twinbench track mlflow 3f2a --tracking-uri http://localhost:5000
    """
    _send("mlflow", run, store, track_timeout, tracking_uri, with_models)


@app.command()
def comet(
    run: RunId = None,
    track_timeout: TrackTimeout = LONG_TRACK_S,
    store: StoreFile = None,
) -> None:
    """Send a run to Comet: online with an API key, otherwise as archives in the data directory.

    Example: twinbench track comet 3f2a
    """
    _send("comet", run, store, track_timeout)


def _send(
    tracker: str,
    run: str | None,
    store: Path | None,
    timeout: float,
    tracking_uri: str | None = None,
    with_models: bool = False,
) -> None:
    from twinbench.cli import values
    from twinbench.handover import tracking
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    seconds = values.waiting("--track-timeout", timeout)
    with Store.open_to_read(store or default_store()) as results:
        run_id, path = results.find_run(run).id, str(results.path)
    sending = tracking.Sending(
        tracker=tracker, store=path, run=run_id, tracking_uri=tracking_uri, with_models=with_models
    )
    sent = tracking.send(sending, seconds)
    typer.echo(sent.summary)
    if sent.models is not None:
        typer.echo(f"{sent.models} models")


@app.command()
def asv(
    run: RunId = None,
    config: Annotated[Path, typer.Option(metavar="FILE", help="The asv project to write into.")] = Path(
        "asv.conf.json"
    ),
    commit: Annotated[
        str | None,
        typer.Option(help="The commit that was measured: a hash, branch or tag of the asv project's repository."),
    ] = None,
    machine: Annotated[str | None, typer.Option(help="asv's name of the machine; this machine's if left out.")] = None,
    store: StoreFile = None,
) -> None:
    """Write a run into asv's results, so that 'asv publish' shows it.

    Example: twinbench track asv 3f2a --config benchmarks/asv.conf.json --commit HEAD
    """
    from twinbench.paths import default_store
    from twinbench.store.store import Store
    from twinbench.trackers import asv as view

    with Store.open_to_read(store or default_store()) as results:
        typer.echo(view.send(results, results.find_run(run).id, config, commit=commit, machine=machine))
