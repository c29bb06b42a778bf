"""Log the trained models of a run to MLflow, each in its native flavour and linked to the MLflow run of its cell."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twinbench.errors import TwinbenchError
from twinbench.foreign import redacted
from twinbench.handover.flavours.saving import Saving
from twinbench.launch.process import scratch
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.store import Store
from twinbench.trackers.mlflow import SentToMlflow
from twinbench.trackers.tracking import TrackingError, shortened

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_TAG = "twinbench.model"
"""Tag of a cell's MLflow run that holds the id of the logged model, so that no model is logged twice."""

SAVING_S = 600.0
"""Longest wait for the process that saves the models of one framework, in seconds."""

BACKENDS = {"Keras": "tensorflow", "Keras-JAX": "jax", "Keras-torch": "torch"}
"""Value of ``KERAS_BACKEND`` by framework; Keras reads it before it loads a model."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A model that MLflow has, with its ids there."""

    model: Model
    run: str
    """Id of the MLflow run of the model's cell."""
    model_id: str


def log(
    store: Store, run_id: str, sent: SentToMlflow, cells: Sequence[int] | None = None, *, check: bool = False
) -> list[Logged]:
    """Log the models of a run that was sent, or of some of its cells (ids). Models that MLflow has already stay.

    Models whose files the user's own code wrote are left out.

    With ``check``, each of them must give the scores of the run. Raises TrackingError.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=sent.tracking_uri)
    of_cells = [of_cell(store, cell) for cell in store.cells(run_id) if cells is None or cell.id in cells]
    models = [m for m in of_cells if m is not None and not m.own and m.cell.id in sent.children]
    try:
        logged = {model.cell.id: _logged_model(client, sent.children[model.cell.id]) for model in models}
        unlogged = [model for model in models if logged[model.cell.id] is None]
        new = dict(_save_and_send(client, store, unlogged, sent.children, check=check))
        for model in models if check else ():
            if logged[model.cell.id] is not None:
                with scratch() as directory:
                    save(store, model, Path(directory), check=True)
    except TwinbenchError:
        raise
    except Exception as error:  # whatever fails inside MLflow, the models stay in the store
        raise TrackingError(f"models: {shortened(error, sent.tracking_uri)}") from error
    ids = {cell: model_id for cell, model_id in logged.items() if model_id is not None} | new
    return [Logged(model, sent.children[model.cell.id], ids[model.cell.id]) for model in models]


def variables(framework: str) -> dict[str, str]:
    """Return the environment variables that a process needs before it loads a framework's model."""
    return {"KERAS_BACKEND": BACKENDS[framework]} if framework in BACKENDS else {}


def save(store: Store, model: Model, directory: Path, *, check: bool) -> Path:
    """Save one model in MLflow's format below an empty directory; returns its directory.

    With ``check``, the saved model must give the scores of the run. Raises TrackingError.
    """
    saving = _saving(store, model, directory)
    _save(model.framework, [saving], directory, check=check)
    return Path(saving.to)


def _logged_model(client: MlflowClient, run: str) -> str | None:
    tags: Mapping[str, str] = client.get_run(run).data.tags
    return tags.get(MODEL_TAG)


def _save_and_send(
    client: MlflowClient, store: Store, new: list[Model], children: Mapping[int, str], *, check: bool
) -> Iterator[tuple[int, str]]:
    """Yield each cell's id with the id of its model in MLflow. One process per framework saves; this process sends."""
    ordered = sorted(new, key=lambda model: model.framework)
    for framework, group in groupby(ordered, key=lambda model: model.framework):
        with scratch() as directory:
            savings = {model.cell.id: (model, _saving(store, model, Path(directory))) for model in group}
            _save(framework, [saving for _, saving in savings.values()], Path(directory), check=check)
            for cell, (model, saving) in savings.items():
                yield cell, _send(client, model, children[cell], Path(saving.to))


def _saving(store: Store, model: Model, directory: Path) -> Saving:
    of_cell = directory / str(model.cell.id)
    saved = model.unpack(store, of_cell / "saved")
    np.save(of_cell / "example.npy", model.example, allow_pickle=False)
    np.save(of_cell / "scores.npy", model.scores[: len(model.example)], allow_pickle=False)
    return Saving(str(saved), str(of_cell / "mlflow"), str(of_cell), model.metadata)


def _save(framework: str, savings: list[Saving], directory: Path, *, check: bool) -> None:
    job = directory / "job.json"
    plain = {"framework": framework, "savings": [asdict(saving) for saving in savings], "check": check}
    job.write_text(json.dumps(plain), encoding="utf-8")
    command = [sys.executable, "-P", "-m", "twinbench.handover.flavours.saving", str(job)]
    quiet = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
    try:
        done = subprocess.run(command, env=quiet | os.environ, capture_output=True, text=True, timeout=SAVING_S)
    except subprocess.TimeoutExpired:
        raise TrackingError(f"models of {framework}: not saved within {SAVING_S:g} s") from None
    if done.returncode:
        last = (done.stderr.strip() or "no reason given").splitlines()[-1]
        raise TrackingError(f"models of {framework}: {redacted(last)[:300]}")


def _send(client: MlflowClient, model: Model, run: str, saved: Path) -> str:
    """Send a saved model for an ended run, as MLflow's ``log_model`` does for a running one; returns the model's id."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model as Description

    experiment = client.get_run(run).info.experiment_id
    name = re.sub(r"[^\w+-]", "-", f"{model.cell.stack}-{model.cell.size}")
    tags = {key: str(model.metadata[key]) for key in ("stack", "pipeline", "size", "framework", "twinbench_run")}
    logged = client.create_logged_model(experiment, name=name, source_run_id=run, tags=tags)
    described = Description.load(str(saved))
    described.run_id, described.model_id = run, logged.model_id
    described.save(str(saved / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(saved))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
    client.set_tag(run, MODEL_TAG, logged.model_id)
    return str(logged.model_id)
