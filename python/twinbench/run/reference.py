"""The reference's run of a pipeline: outputs to compare with, givens for every stack, and the baselines.

Computed once per pipeline, size, dataset and version of the references, and cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinbench import paths
from twinbench.data import cache
from twinbench.data.registry import DATASETS
from twinbench.errors import BadInput
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.run import quality

BASELINES = "baselines.json"


@dataclass(frozen=True, slots=True)
class Reference:
    """Where the reference's outputs are, and what every stack of the pipeline is given."""

    directory: Path
    files: Mapping[str, str]
    """Step id to the path of its CSV file."""
    baselines: Mapping[str, Mapping[str, float]]

    def output(self, step: str) -> Arrays:
        """A step's reference output, memory-mapped."""
        return arrays.load(self.directory / "outputs" / step)

    def given(self, step: str) -> str | None:
        """The directory of a step's givens."""
        path = self.directory / "givens" / step
        return str(path) if arrays.saved(path) else None


def prepare(pipeline: Pipeline, size: str) -> Reference:
    """The reference of a pipeline at a size, from the cache or made now. Raises BadInput if a step can't be done."""
    rows = pipeline.rows(size)
    files = {step.id: str(_file(pipeline, step, rows)) for step in pipeline.steps if "file" in step.op.inputs}
    directory = paths.cache_dir() / "reference" / f"{pipeline.name}-{size}-{_key(pipeline, files)}"
    if not (directory / BASELINES).is_file():
        _make(pipeline, files, directory)
    known = json.loads((directory / BASELINES).read_text(encoding="utf-8"))
    return Reference(directory, files, known)


def _file(pipeline: Pipeline, step: Step, rows: int | None) -> Path:
    if pipeline.dataset is None:
        raise BadInput(f"{pipeline.path}: step '{step.id}' reads a file, but pipeline.dataset is not set")
    return cache.csv_file(DATASETS[pipeline.dataset], step.params.table, rows)


def _key(pipeline: Pipeline, files: Mapping[str, str]) -> str:
    """A hash of all that the outputs depend on: the steps, the data, and the source of the references."""
    digest = hashlib.sha256(json.dumps([pipeline.as_json()["steps"], dict(files)], sort_keys=True).encode())
    for source in sorted((paths.PACKAGE / "ops").glob("*.py")):
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _make(pipeline: Pipeline, files: Mapping[str, str], target: Path) -> None:
    """Run every reference in order; the finished directory is renamed into place."""
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(dir=target.parent, prefix="unfinished-"))
    try:
        outputs: dict[str, Arrays] = {}
        for step in pipeline.steps:
            outputs[step.id] = _step(pipeline, step, outputs, files, unfinished)
        split = next((outputs[step.id] for step in pipeline.steps if step.op.name == "tables.split"), None)
        found = quality.baselines(split) if split is not None else {}
        (unfinished / BASELINES).write_text(json.dumps(found), encoding="utf-8")
        with contextlib.suppress(OSError):  # another run was quicker: its outputs are the same
            os.rename(unfinished, target)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _step(
    pipeline: Pipeline, step: Step, outputs: Mapping[str, Arrays], files: Mapping[str, str], directory: Path
) -> Arrays:
    values: list[Any] = [files[step.id]] if step.id in files else [outputs[name] for name in step.inputs]
    try:
        if step.op.givens is not None:
            given = step.op.givens(step.params, *values)
            arrays.save(directory / "givens" / step.id, given)
            values.append(given)
        output: Arrays = step.op.reference(step.params, *values)
    except Exception as error:
        what = f"no column {error}" if isinstance(error, KeyError) else f"{type(error).__name__}: {error}"
        raise BadInput(f"{pipeline.path}: step '{step.id}' ({step.op.name}) can't be done: {what}") from error
    arrays.save(directory / "outputs" / step.id, output)
    return output
