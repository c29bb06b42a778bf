"""The export of a cell's trained model: the model that gave the stored scores, exported once and untimed.

A summary of the training rows is stored beside the model, so that other rows can be checked against them. The rows are
the reference's split, the same for all stacks.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinbench.launch import saved
from twinbench.launch.process import Ask, WorkerFailure
from twinbench.numbers import training_rows
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack
from twinbench.run.agree.reference import Reference
from twinbench.run.models import quality
from twinbench.store import shapes
from twinbench.store.columns import FileName, PathName
from twinbench.store.records import EXAMPLE, MODEL, TRAINED
from twinbench.worker import protocol

EXAMPLES = 5
"""Test rows that are stored beside a model: the input of a first request."""


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """A model's files by their name in the store, and the facts that a user of the model needs."""

    files: dict[str, bytes]
    about: dict[str, Any]


def model(ask: Ask, pipeline: Pipeline, stack: Stack, reference: Reference, directory: Path) -> ExportedModel | None:
    """Export the model that scores the test rows.

    Returns None where no step of the stack scores them, or the framework can't export the model.
    """
    scoring = next((s for s in pipeline.steps if quality.scores_all(s) and s.id in stack.steps), None)
    if scoring is None:
        return None
    source, rows = scoring.inputs
    exported = directory / MODEL
    exported.mkdir()
    name = ask(protocol.KEEP, step=source, directory=str(exported)).name
    if not name:
        return None
    _require(name, PathName, scoring.id)
    files = {f"{MODEL}/{path}": content for path, content in saved.model(source, exported, name).items()}
    for path in files:
        _require(path, FileName, scoring.id)
    framework = stack.steps[source].name
    features = _features(pipeline, rows, reference)
    about = {"framework": framework, "name": name, "input": rows, "features": features}
    if loader := _own_loader(pipeline, stack, source):
        about["own"] = loader
    split = reference.output(rows)
    trained = training_rows.of_training(split["x_train"], split["y_test"], named=bool(features))
    return ExportedModel(files | {EXAMPLE: _example(reference, rows), TRAINED: trained}, about)


def _own_loader(pipeline: Pipeline, stack: Stack, source: str) -> str:
    """Return the user's function that loads a model's files; empty where the framework wrote them in its format."""
    steps = {step.id: step for step in pipeline.steps if step.id in stack.own}
    exports = {step.inputs[0]: step.id for step in steps.values() if step.op.role == "export"}
    loads = {step.inputs[0]: step.id for step in steps.values() if step.op.role == "load"}
    load = source if source in loads.values() else loads.get(exports.get(source, ""), "")
    return stack.own[load].text if load else ""


def _require(name: str, hint: Any, step: str) -> None:
    """Raise WorkerFailure for a name that the store doesn't take: it becomes a part of a path."""
    try:
        shapes.check(name, hint)
    except shapes.Misfit as misfit:
        raise WorkerFailure("protocol", f"{step}: name of the exported model: {misfit}") from None


def _example(reference: Reference, rows: str) -> bytes:
    import numpy as np

    content = io.BytesIO()
    np.save(content, np.asarray(reference.output(rows)["x_test"][:EXAMPLES]), allow_pickle=False)
    return content.getvalue()


def _features(pipeline: Pipeline, rows: str, reference: Reference) -> list[str]:
    """Return the columns that became features, where a table is split: all but the label and the dropped columns."""
    split: Step = next(step for step in pipeline.steps if step.id == rows)
    if split.op.role != "split" or split.op.inputs != ("table",):
        return []
    columns = reference.output(split.inputs[0])
    label, dropped = getattr(split.params, "label", ""), getattr(split.params, "drop", ())
    return [column for column in columns if label and column != label and column not in dropped]
