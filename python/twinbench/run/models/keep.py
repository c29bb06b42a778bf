"""What is kept of a cell's trained model: the one that gave the stored scores, exported once and untimed.

And what it was trained on, so that other rows can be held against it: the reference's split, the same for all stacks.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinbench.launch.process import Ask
from twinbench.numbers import training_rows
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack
from twinbench.run.agree.reference import Reference
from twinbench.run.models import quality
from twinbench.store.records import EXAMPLE, MODEL, TRAINED
from twinbench.worker import protocol

EXAMPLES = 5
"""Test rows that are kept beside a model: the input of a first request."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Files by their name in the store, and what is to be known of them."""

    files: dict[str, bytes]
    about: dict[str, Any]


def model(ask: Ask, pipeline: Pipeline, stack: Stack, reference: Reference, directory: Path) -> Kept | None:
    """The model that scores the test rows. None where there is none, or its framework can't export it."""
    scoring = next((s for s in pipeline.steps if quality.scores_all(s) and s.id in stack.steps), None)
    if scoring is None:
        return None
    source, rows = scoring.inputs
    place = directory / MODEL
    place.mkdir()
    name = ask(protocol.KEEP, step=source, directory=str(place)).name
    if not name:
        return None
    files = {str(path.relative_to(directory)): path.read_bytes() for path in place.rglob("*") if path.is_file()}
    framework = stack.steps[source].name
    features = _features(pipeline, rows, reference)
    about = {"framework": framework, "name": name, "input": rows, "features": features}
    split = reference.output(rows)
    trained = training_rows.of_training(split["x_train"], split["y_test"], named=bool(features))
    return Kept(files | {EXAMPLE: _example(reference, rows), TRAINED: trained}, about)


def _example(reference: Reference, rows: str) -> bytes:
    import numpy as np

    content = io.BytesIO()
    np.save(content, np.asarray(reference.output(rows)["x_test"][:EXAMPLES]), allow_pickle=False)
    return content.getvalue()


def _features(pipeline: Pipeline, rows: str, reference: Reference) -> list[str]:
    """The columns that became features, where a table is split: all but the label and what is dropped."""
    split: Step = next(step for step in pipeline.steps if step.id == rows)
    if split.op.role != "split" or split.op.inputs != ("table",):
        return []
    columns = reference.output(split.inputs[0])
    return [column for column in columns if column != split.params.label and column not in split.params.drop]
