"""``twinbench track``: send runs of the store to MLflow, Comet or asv."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import RunId, StoreFile, TrackingUri

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
    with_models: Annotated[bool, typer.Option("--models/--no-models", help="Log the trained models as well.")] = True,
    store: StoreFile = None,
) -> None:
    """Send a run to MLflow with its trained models: after an outage of the server, or to a second server.

    Example: twinbench track mlflow 3f2a --tracking-uri http://localhost:5000
    """
    from twinbench.paths import default_store
    from twinbench.store.store import Store
    from twinbench.trackers import mlflow as view

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        sent = view.send(results, run_id, tracking_uri)
        typer.echo(sent)
        if with_models:
            from twinbench.handover import models

            typer.echo(f"{len(models.log(results, run_id, sent))} models")


@app.command()
def comet(
    run: RunId = None,
    store: StoreFile = None,
) -> None:
    """Send a run to Comet: online with COMET_API_KEY, otherwise as archives in the data directory.

    Example: twinbench track comet 3f2a
    """
    from twinbench.paths import default_store
    from twinbench.store.store import Store
    from twinbench.trackers import comet as view

    with Store.open_to_read(store or default_store()) as results:
        typer.echo(view.send(results, results.find_run(run).id))


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
