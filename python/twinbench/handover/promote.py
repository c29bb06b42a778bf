"""Register the model of one cell in MLflow's model registry, under a name and an alias, ready to be served."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twinbench.handover import cells, models
from twinbench.handover.models import Logged
from twinbench.store.records import Cell
from twinbench.store.store import Store
from twinbench.trackers import mlflow as view
from twinbench.trackers.tracking import TrackingError, shortened

if TYPE_CHECKING:
    from mlflow import MlflowClient

PORT = 5001
"""Port in the command that is shown: MLflow's own server usually listens on 5000."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A model version in MLflow's registry."""

    uri: str
    """URI under which MLflow loads the model: ``models:/NAME@ALIAS``."""
    version: str
    metadata: dict[str, Any]
    """The description of the model that is stored with it."""
    serve: str
    """Shell command that serves the model on this machine."""
    doubts: list[str]
    """Sentences on the quality of the model: a missed target, a baseline that isn't beaten, a metric not computed."""


def promote(
    store: Store, cell: Cell, *, name: str | None, alias: str, uri: str | None, tell: Callable[..., None]
) -> Promoted:
    """Send the run unless MLflow has it, register the cell's model as ``name`` (the pipeline's if None), set the alias.

    ``uri``: MLflow's address, if it isn't the usual one. ``tell`` is called with what was sent, as it is sent.
    Promoting the same model again makes no new version. Raises NotUsable for a cell that isn't done or has no model,
    and TrackingError.
    """
    cells.usable(store, cell, "promoted")
    sent = view.send(store, cell.run_id, uri, lambda name: tell(sent=name))
    tell(summary=str(sent))
    (logged,) = models.log(store, cell.run_id, sent, [cell.id], check=True)
    tell(models=1)
    doubts = [*cells.doubts(store, cell), *cells.unchecked(store, cell)]
    registered = name or cell.pipeline
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=sent.tracking_uri)
    try:
        version = _version(client, registered, logged, doubts)
        client.set_registered_model_alias(registered, alias, version)
    except Exception as error:
        raise TrackingError(f"model registry: {shortened(error, sent.tracking_uri)}") from error
    address = f"models:/{registered}@{alias}"
    serve = _serve(address, sent.uri, logged.model.framework)
    return Promoted(address, version, logged.model.metadata, serve, doubts)


def _version(client: MlflowClient, name: str, logged: Logged, doubts: list[str]) -> str:
    """Return the model's version in the registry, which is created unless the registry has the model already."""
    source = str(client.get_logged_model(logged.model_id).artifact_location)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    for registered in client.search_model_versions(f"name = '{name}'"):
        if registered.source == source:
            return str(registered.version)
    created = client.create_model_version(
        name,
        source,
        run_id=logged.run,
        model_id=logged.model_id,
        tags={key: str(logged.model.metadata[key]) for key in ("stack", "size", "twinbench_run")}
        | ({"doubts": "; ".join(doubts)} if doubts else {}),
    )
    return str(created.version)


def _serve(uri: str, tracking_uri: str, framework: str) -> str:
    backend = "".join(f"{name}={value} " for name, value in models.variables(framework).items())
    where = f"MLFLOW_TRACKING_URI={shlex.quote(tracking_uri)}"
    return f"{backend}{where} mlflow models serve -m {shlex.quote(uri)} --env-manager local -h 127.0.0.1 -p {PORT}"
