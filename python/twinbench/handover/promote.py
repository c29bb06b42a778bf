"""The model of one cell into MLflow's model registry, under a name and an alias, ready to be served."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twinbench.errors import BadInput, TwinbenchError, nearest
from twinbench.handover import models
from twinbench.handover.models import Logged
from twinbench.results.models import of_cell
from twinbench.results.records import Cell, Status
from twinbench.results.store import Store
from twinbench.views import mlflow as view
from twinbench.views.tracking import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

BACKENDS = {"Keras": "tensorflow", "Keras-JAX": "jax", "Keras-torch": "torch"}
"""What Keras must be told before it loads a model."""

PORT = 5001
"""In the command that is shown: MLflow's own server usually has 5000."""


class NotPromoted(TwinbenchError):
    """The stack has nothing that should be used."""


@dataclass(frozen=True, slots=True)
class Promoted:
    """A registered model."""

    uri: str
    """``models:/NAME@ALIAS``."""
    version: str
    logged: Logged
    serve: str
    """The command that serves it on this machine."""


def promote(
    store: Store, run_id: str, cell: Cell, *, name: str | None, alias: str, tracking_uri: str | None
) -> Promoted:
    """Send the run if need be, register the cell's model as ``name``, by default the pipeline's, and set the alias.

    Promoting the same model again makes no new version. Raises NotPromoted for a cell that isn't done or has no model,
    and TrackingError.
    """
    _check(store, cell)
    sent = view.send(store, run_id, tracking_uri)
    (logged,) = models.log(store, run_id, sent, [cell.id])
    registered = name or cell.pipeline
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=sent.tracking_uri)
    try:
        version = _version(client, registered, logged)
        client.set_registered_model_alias(registered, alias, version)
    except Exception as error:
        raise TrackingError(f"model registry: {' '.join(str(error).split())[:300]}") from error
    uri = f"models:/{registered}@{alias}"
    return Promoted(uri, version, logged, _serve(uri, sent.uri, logged.model.framework))


def cell_of(store: Store, run_id: str, stack: str, pipeline: str | None, size: str | None) -> Cell:
    """The cell of a stack. Raises BadInput when there is none, or more than one."""
    cells = store.cells(run_id)
    found = [cell for cell in cells if cell.stack.lower() == stack.lower()]
    if not found:
        raise BadInput(f"--stack: run {run_id} has no stack '{stack}'{nearest(stack, {c.stack for c in cells})}")
    for option, asked, of in (("--pipeline", pipeline, _pipeline), ("--size", size, _size)):
        known = list(dict.fromkeys(of(cell) for cell in found))
        if asked is not None and asked not in known:
            raise BadInput(f"{option}: {found[0].stack} has no '{asked}' in run {run_id}{nearest(asked, known)}")
        if asked is None and len(known) > 1:
            raise BadInput(f"run {run_id} has {found[0].stack} several times; choose with {option}: {', '.join(known)}")
        found = [cell for cell in found if asked in (None, of(cell))]
    return found[0]


def _pipeline(cell: Cell) -> str:
    return cell.pipeline


def _size(cell: Cell) -> str:
    return cell.size


def _check(store: Store, cell: Cell) -> None:
    if cell.status == Status.DISAGREES:
        raise NotPromoted(f"{cell.stack} is not promoted: it disagrees with the reference: {cell.reason}")
    if cell.status != Status.DONE:
        raise NotPromoted(f"{cell.stack} is not promoted: it is {cell.status}{': ' * bool(cell.reason)}{cell.reason}")
    if of_cell(store, cell) is None:
        raise NotPromoted(f"{cell.stack} is not promoted: {cell.pipeline} left no trained model of it in the run")


def _version(client: MlflowClient, name: str, logged: Logged) -> str:
    """The model's version in the registry: the one that it has already, or a new one."""
    source = str(client.get_logged_model(logged.model_id).artifact_location)
    if not client.search_registered_models(f"name = '{name}'"):
        client.create_registered_model(name)
    for known in client.search_model_versions(f"name = '{name}'"):
        if known.source == source:
            return str(known.version)
    made = client.create_model_version(
        name,
        source,
        run_id=logged.run,
        model_id=logged.model_id,
        tags={key: str(logged.model.metadata[key]) for key in ("stack", "size", "twinbench_run")},
    )
    return str(made.version)


def _serve(uri: str, tracking_uri: str, framework: str) -> str:
    backend = f"KERAS_BACKEND={BACKENDS[framework]} " if framework in BACKENDS else ""
    where = f"MLFLOW_TRACKING_URI={shlex.quote(tracking_uri)}"
    return f"{backend}{where} mlflow models serve -m {shlex.quote(uri)} --env-manager local -h 127.0.0.1 -p {PORT}"
