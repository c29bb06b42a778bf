"""The reference's run of a pipeline: outputs to check agreement with, and givens for every stack.

A reference is computed once per pipeline, size, dataset and version of its code, and cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from twinbench import paths
from twinbench.data import cache
from twinbench.errors import BadInput, TwinbenchError, in_one_line
from twinbench.ops import arrays
from twinbench.ops.contract import Arrays, OutsideContract
from twinbench.ops.training.learning import beginning
from twinbench.ops.training.networks import Training
from twinbench.plan.pipeline import DATA, Pipeline, Step
from twinbench.run.agree import baselines, sources, variation

COMPLETE = "complete"
"""File of a reference that is written last: without the file, the reference was refused or interrupted."""

BASELINES = "baselines.json"
"""File of a reference with the metrics of the baselines, once they were asked for."""

FIRST_LOSSES = 20
"""Losses of a training that are compared on other data, once the whole training has agreed on the pipeline's own."""


@dataclass(frozen=True, slots=True)
class Reference:
    """The directory of the reference's outputs, and what every stack of the pipeline is given."""

    directory: Path
    files: Mapping[str, str]
    """Path of the file that a step reads, by step id."""
    device: str = "cpu"
    """Device of the implementations: on a GPU, rounding errors of trainings are larger."""

    def directory_of(self, source: str) -> str:
        """Return the directory of a step's output, or of the dataset's value."""
        return str(self.directory / DATA if source == DATA else self.directory / "outputs" / source)

    def output(self, step: str) -> Arrays:
        """Return a step's reference output, memory-mapped."""
        return arrays.load(Path(self.directory_of(step)))

    def inputs(self, step: Step) -> list[Any]:
        """Return the reference's inputs of a step, and its givens; arrays are memory-mapped."""
        values: list[Any] = [self.files[step.id]] if step.id in self.files else [self.output(s) for s in step.inputs]
        given = self.given(step.id)
        return values if given is None else [*values, arrays.load(Path(given))]

    def given(self, step: str) -> str | None:
        """Return the directory of a step's givens; None where its op has no givens."""
        path = self.directory / "givens" / step
        return str(path) if arrays.saved(path) else None

    def scale(self, step: str) -> Arrays:
        """Return the unit of the absolute tolerance by output array of a step; empty where the op declares no scale."""
        path = self.directory / "scales" / step
        return arrays.load(path) if arrays.saved(path) else {}

    def baselines(self, pipeline: Pipeline) -> Mapping[str, Mapping[str, float]]:
        """Return the metrics of the baselines by name, from the cache or fitted now; none without a split."""
        path = self.directory / BASELINES
        if not cache.intact(path):
            split = next((step.id for step in pipeline.steps if step.op.role == "split"), None)
            with _quiet():
                values = baselines.baselines(self.output(split)) if split is not None else {}
            with cache.written(path) as file:
                file.write(json.dumps(values).encode())
        return dict(json.loads(path.read_text(encoding="utf-8")))

    def require_intact(self) -> None:
        """Raise TwinbenchError if the outputs or the files are not what was written: then no stack can be judged."""
        for target in (self.directory, self.directory.parent, *map(Path, self.files.values())):
            if damaged := cache.damage(target):
                cache.remove(target)
                what = f"the cache was damaged while it was used: {damaged}"
                raise TwinbenchError(f"{what}; give the command again, and --resume to go on with a run")

    def parts_at(self, step: Step) -> tuple[int, int] | None:
        """Return the step of a training from which on honest ones part, and its number of steps; None if they don't."""
        if step.op.parts_at is None:
            return None
        output = self.output(step.id)
        first = step.op.parts_at(output, self.scale(step.id))
        return (first, len(output["losses"])) if first else None

    def examples(self, step: Step) -> int:
        """Return how many examples one execution of a step trains on or scores; 0 for a step of another kind."""
        given = self.given(step.id)
        if step.op.output == "model" and given is not None:
            return int(arrays.load(Path(given))["order"].size)
        return len(self.output(step.id)["scores"]) if step.op.role == "score" else 0


def prepare(pipeline: Pipeline, size: str, device: str = "cpu") -> Reference:
    """Return the reference of a pipeline at a size, for implementations on a device, from the cache or computed now.

    Raises BadInput if the reference of a step refuses its input.
    """
    amount = pipeline.amount(size)
    files = {step.id: str(_file(pipeline, step, amount)) for step in pipeline.steps if "file" in step.op.inputs}
    directory = paths.cache_dir() / "reference" / f"{pipeline.name}-{size}-{_key(pipeline, size, files, device)}"
    if not cache.intact(directory):
        with _quiet(), cache.filled(directory) as unfinished:
            _make(pipeline, amount, Reference(unfinished, files, device))
    return Reference(directory, files, device)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the warnings of NumPy and other libraries off stderr: what matters is refused, or is part of the answer."""
    with warnings.catch_warnings(record=True), np.errstate(all="ignore"):
        yield


def _file(pipeline: Pipeline, step: Step, amount: float | None) -> Path:
    assert pipeline.dataset is not None
    return pipeline.dataset.file(step.op.file_of(step.params), amount)


def _key(pipeline: Pipeline, size: str, files: Mapping[str, str], device: str) -> str:
    """Return a hash of all that a reference depends on: the steps, data, device and the references' source files."""
    data = None if pipeline.dataset is None else [pipeline.dataset.checksum(), pipeline.amount(size)]
    parts = [pipeline.as_json()["steps"], data, {step: Path(file).name for step, file in files.items()}, device]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for source in [*sources.files(step.op for step in pipeline.steps), Path(arrays.__file__)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _make(pipeline: Pipeline, amount: float | None, new: Reference) -> None:
    """Run the reference of every step in order on the pipeline's data, and save the outputs."""
    used = pipeline.dataset is not None and any(DATA in step.inputs for step in pipeline.steps)
    data = pipeline.dataset.value(amount) if pipeline.dataset is not None and used else None
    _outputs(pipeline, data, new)
    (new.directory / COMPLETE).touch()


def _outputs(pipeline: Pipeline, data: Arrays | None, new: Reference, number: int = 0) -> None:
    """Run the reference of every step in order on a value and files, and save the outputs.

    ``number`` counts variations of the pipeline's data from 1; 0 for the data themselves. It is added to the seed of
    every step that has one, for what is given to the implementations.
    """
    outputs: dict[str, Arrays] = {}
    if data is not None:
        arrays.save(new.directory / DATA, data)
        outputs[DATA] = arrays.load(new.directory / DATA)
    for step in pipeline.steps:
        _step(pipeline, step, outputs, new, number)
        outputs[step.id] = new.output(step.id)


def varied(pipeline: Pipeline, base: Reference, number: int) -> Reference | None:
    """Return the reference on other data of the same shapes, from the cache or computed now.

    ``number`` tells several variations apart. None where the data are too large (`variation.LARGEST_BYTES`).
    """
    sources = [Path(base.directory_of(DATA)), *(Path(file) for file in base.files.values())]
    if sum(variation.size_of(path) for path in sources) > variation.LARGEST_BYTES:
        return None
    code = hashlib.sha256(Path(variation.__file__).read_bytes()).hexdigest()[:8]
    directory = base.directory.with_name(f"{base.directory.name}-varied-{number}-{code}")
    if not cache.intact(directory):
        with _quiet(), cache.filled(directory) as unfinished:
            for rule in variation.rules(number):
                with contextlib.suppress(BadInput):
                    _vary(pipeline, base, rule, number, unfinished / rule)
                    (unfinished / rule / COMPLETE).touch()
                    break
    complete = next(directory / rule for rule in variation.RULES if (directory / rule / COMPLETE).is_file())
    return _varied_reference(base, complete)


def _vary(pipeline: Pipeline, base: Reference, rule: str, number: int, directory: Path) -> None:
    saved = Path(base.directory_of(DATA))
    data = variation.vary_arrays(arrays.load(saved), rule, number) if arrays.saved(saved) else None
    new = _varied_reference(base, directory)
    for step, file in base.files.items():
        variation.vary_file(Path(file), Path(new.files[step]), rule, number)
    _outputs(pipeline, data, new, 1 + number)


def _varied_reference(base: Reference, directory: Path) -> Reference:
    files = {step: str(directory / "files" / step / Path(file).name) for step, file in base.files.items()}
    return Reference(directory, files, base.device)


def _step(
    pipeline: Pipeline,
    step: Step,
    outputs: Mapping[str, Arrays],
    new: Reference,
    number: int,
) -> None:
    """Run the reference of a step and save its output; on a variation, only the beginning of a long training."""
    values: list[Any] = [new.files[step.id]] if step.id in new.files else [outputs[name] for name in step.inputs]
    training = isinstance(step.params, Training)
    try:
        step.op.requires(step.params, *values)
        if step.op.givens is not None:
            seed = getattr(step.params, "seed", None)
            params = step.params if seed is None else replace(step.params, seed=seed + number)
            given = step.op.givens(params, *values)
            arrays.save(new.directory / "givens" / step.id, given)
            values.append(beginning(step.params, given, FIRST_LOSSES) if training and number > 0 else given)
        output: Arrays = step.op.reference(step.params, *values)
        if step.op.scale is not None:
            units = step.op.scale(step.params, output, *values, *((new.device,) if training else ()))
            arrays.save(new.directory / "scales" / step.id, {name: np.asarray(unit) for name, unit in units.items()})
    except OutsideContract as error:
        what = _with_own_path(pipeline, step, new.files, str(error))
        raise BadInput(f"{pipeline.path}: step '{step.id}' ({step.op.name}): {what}") from error
    except Exception as error:
        if cache.is_full(error):
            raise
        what = f"no column {error}" if isinstance(error, KeyError) else in_one_line(error)
        raise BadInput(f"{pipeline.path}: step '{step.id}' ({step.op.name}) can't be done: {what}") from error
    arrays.save(new.directory / "outputs" / step.id, output)


def _with_own_path(pipeline: Pipeline, step: Step, files: Mapping[str, str], message: str) -> str:
    """Name the user's own file in a message, instead of its copy in the cache."""
    own: Mapping[str, Path] = getattr(pipeline.dataset, "paths", {})
    if step.id not in files:
        return message
    path = own.get(step.op.file_of(step.params))
    return message if path is None else message.replace(files[step.id], str(path))
