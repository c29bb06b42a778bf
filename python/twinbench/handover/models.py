"""The trained models of a run in MLflow: each in its native flavour, linked to the run of its cell."""

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

from twinbench.handover.flavours.saving import Saving
from twinbench.launch.process import scratch
from twinbench.results.models.kept import Model, of_cell
from twinbench.store.store import Store
from twinbench.trackers.mlflow import SentToMlflow
from twinbench.trackers.tracking import TrackingError

if TYPE_CHECKING:
    from mlflow import MlflowClient

MODEL_TAG = "twinbench.model"
"""Of a cell's run in MLflow: the id of its logged model. So that it isn't logged a second time."""

SAVING_S = 600.0
"""Longest wait for the models of one framework."""

BACKENDS = {"Keras": "tensorflow", "Keras-JAX": "jax", "Keras-torch": "torch"}
"""What Keras must be told before it loads a model."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A model that is in MLflow."""

    model: Model
    run: str
    """The MLflow run of its cell."""
    model_id: str


def log(store: Store, run_id: str, sent: SentToMlflow, cells: Sequence[int] | None = None) -> list[Logged]:
    """Log the models of a run that was sent, or of some of its cells; those that are there already stay as they are.

    Raises TrackingError.
    """
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=sent.tracking_uri)
    kept = [of_cell(store, cell) for cell in store.cells(run_id) if cells is None or cell.id in cells]
    found = [model for model in kept if model is not None and model.cell.id in sent.children]
    try:
        known = {model.cell.id: _known(client, sent.children[model.cell.id]) for model in found}
        new = dict(_saved(client, store, [model for model in found if known[model.cell.id] is None], sent.children))
    except TrackingError:
        raise
    except Exception as error:  # whatever goes wrong in there, the models are in the store
        raise TrackingError(f"models: {' '.join(str(error).split())[:300]}") from error
    ids = {cell: model_id for cell, model_id in known.items() if model_id is not None} | new
    return [Logged(model, sent.children[model.cell.id], ids[model.cell.id]) for model in found]


def variables(framework: str) -> dict[str, str]:
    """What must be in the environment of whoever loads a framework's model."""
    return {"KERAS_BACKEND": BACKENDS[framework]} if framework in BACKENDS else {}


def save(store: Store, model: Model, directory: Path) -> Path:
    """Make one model as MLflow saves it, somewhere in an empty directory. Raises TrackingError."""
    saving = _saving(store, model, directory)
    _save(model.framework, [saving], directory)
    return Path(saving.to)


def _known(client: MlflowClient, run: str) -> str | None:
    tags: Mapping[str, str] = client.get_run(run).data.tags
    return tags.get(MODEL_TAG)


def _saved(
    client: MlflowClient, store: Store, new: list[Model], children: Mapping[int, str]
) -> Iterator[tuple[int, str]]:
    """By cell the id of its model in MLflow. One process per framework saves, and this one sends."""
    ordered = sorted(new, key=lambda model: model.framework)
    for framework, group in groupby(ordered, key=lambda model: model.framework):
        with scratch() as directory:
            savings = {model.cell.id: (model, _saving(store, model, Path(directory))) for model in group}
            _save(framework, [saving for _, saving in savings.values()], Path(directory))
            for cell, (model, saving) in savings.items():
                yield cell, _send(client, model, children[cell], Path(saving.to))


def _saving(store: Store, model: Model, directory: Path) -> Saving:
    place = directory / str(model.cell.id)
    saved = model.unpack(store, place / "saved")
    np.save(place / "example.npy", model.example, allow_pickle=False)
    np.save(place / "scores.npy", model.scores[: len(model.example)], allow_pickle=False)
    return Saving(str(saved), str(place / "mlflow"), str(place), model.metadata)


def _save(framework: str, savings: list[Saving], directory: Path) -> None:
    job = directory / "job.json"
    job.write_text(json.dumps({"framework": framework, "savings": [asdict(one) for one in savings]}), encoding="utf-8")
    command = [sys.executable, "-m", "twinbench.handover.flavours.saving", str(job)]
    quiet = {"CUDA_VISIBLE_DEVICES": "", "TF_CPP_MIN_LOG_LEVEL": "2", "MLFLOW_DISABLE_TELEMETRY": "true"}
    try:
        done = subprocess.run(command, env=quiet | os.environ, capture_output=True, text=True, timeout=SAVING_S)
    except subprocess.TimeoutExpired:
        raise TrackingError(f"models of {framework}: not saved within {SAVING_S:g} s") from None
    if done.returncode:
        last = (done.stderr.strip() or "no word why").splitlines()[-1]
        raise TrackingError(f"models of {framework}: {last[:300]}")


def _send(client: MlflowClient, model: Model, run: str, place: Path) -> str:
    """What MLflow's own ``log_model`` does, for a run that has ended."""
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model as Description

    experiment = client.get_run(run).info.experiment_id
    name = re.sub(r"[^\w+-]", "-", f"{model.cell.stack}-{model.cell.size}")
    tags = {key: str(model.metadata[key]) for key in ("stack", "pipeline", "size", "framework", "twinbench_run")}
    logged = client.create_logged_model(experiment, name=name, source_run_id=run, tags=tags)
    described = Description.load(str(place))
    described.run_id, described.model_id = run, logged.model_id
    described.save(str(place / "MLmodel"))
    client.log_model_artifacts(logged.model_id, str(place))
    client.finalize_logged_model(logged.model_id, "READY")
    client.log_outputs(run, [LoggedModelOutput(logged.model_id, 0)])
    client.set_tag(run, MODEL_TAG, logged.model_id)
    return str(logged.model_id)
