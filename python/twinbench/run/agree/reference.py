"""The reference's run of a pipeline: outputs to check agreement with, and givens for every stack.

A reference is computed once per pipeline, size, dataset and version of its code, and cached.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import warnings
from collections.abc import Generator, Iterator, Mapping
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
from twinbench.run.agree.task import Compute, Made, Task
from twinbench.usercode import values as user_values
from twinbench.usercode.function import UserCodeError
from twinbench.usercode.op import OwnOp

COMPLETE = "complete"
"""File of a reference that is written last: without the file, the reference was refused or interrupted."""

BASELINES = "baselines.json"
"""File of a reference with the metrics of the baselines, once they were asked for."""

FIRST_LOSSES = 20
"""Losses of a training that are compared on other data, once the whole training has agreed on the pipeline's own."""


def at_once(task: Task) -> Made:
    """Carry out a task in this process."""
    stages = in_stages(task)
    while True:
        try:
            with quiet():
                next(stages)
        except StopIteration as ended:
            made: Made = ended.value
            return made


@dataclass(frozen=True, slots=True)
class Reference:
    """The directory of the reference's outputs, and what every stack of the pipeline is given."""

    directory: Path
    files: Mapping[str, str]
    """Path of the file that a step reads, by step id."""
    device: str = "cpu"
    """Device of the implementations: on a GPU, rounding errors of trainings are larger."""
    compute: Compute = at_once
    """What computes baselines and variations when they are asked for."""

    @property
    def made(self) -> Made:
        """What tasks are told about this reference."""
        return Made(self.directory, self.files, self.device)

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
        if _split(pipeline) is None:
            return {}
        if not cache.intact(path):
            self.compute(Task(pipeline, made=self.made))
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


def prepare(pipeline: Pipeline, size: str, device: str = "cpu", compute: Compute = at_once) -> Reference:
    """Return the reference of a pipeline at a size, for implementations on a device, from the cache or computed now.

    Raises BadInput if the reference of a step refuses its input.
    """
    made = _cached(pipeline, size, device) or compute(Task(pipeline, size, device))
    return Reference(made.directory, made.files, device, compute)


def _cached(pipeline: Pipeline, size: str, device: str) -> Made | None:
    """Return what is in the cache; None if that can't be told without making the pipeline's data."""
    parent = paths.cache_dir() / "reference"
    if not any(parent.glob(f"{pipeline.name}-{size}-*")):
        return None
    made = _made(pipeline, size, device)
    return made if _is_complete(made.directory) else None


def _is_complete(directory: Path) -> bool:
    """Whether a directory in the cache holds a whole reference. Anything else there is removed."""
    if cache.intact(directory) and (directory / COMPLETE).is_file():
        return True
    if directory.exists():
        cache.remove(directory)  # an earlier version's, in another form
    return False


def _made(pipeline: Pipeline, size: str, device: str) -> Made:
    """Return where the reference of a pipeline is or will be, and its files, which are made if they are missing."""
    amount = pipeline.amount(size)
    files = {step.id: str(_file(pipeline, step, amount)) for step in pipeline.steps if "file" in step.op.inputs}
    name = f"{pipeline.name}-{size}-{_key(pipeline, size, files, device)}"
    return Made(paths.cache_dir() / "reference" / name, files, device)


def in_stages(task: Task) -> Generator[str, None, Made]:
    """Carry out a task. Before each stage its name is yielded, and the end returns what was made."""
    if task.made is None:
        return (yield from _reference(task.pipeline, task.size, task.device))
    if task.number:
        return (yield from _variation(task.pipeline, task.made, task.number))
    yield "baselines"
    split = _split(task.pipeline)
    assert split is not None
    values = baselines.baselines(arrays.load(task.made.directory / "outputs" / split))
    with cache.written(task.made.directory / BASELINES) as file:
        file.write(json.dumps(values).encode())
    return task.made


def _split(pipeline: Pipeline) -> str | None:
    return next((step.id for step in pipeline.steps if step.op.role == "split"), None)


def _reference(pipeline: Pipeline, size: str, device: str) -> Generator[str, None, Made]:
    """Run the reference of every step in order on the pipeline's data, and save the outputs."""
    yield "data"
    made = _made(pipeline, size, device)
    if _is_complete(made.directory):
        return made
    used = pipeline.dataset is not None and any(DATA in step.inputs for step in pipeline.steps)
    with cache.filled(made.directory) as unfinished:
        data = pipeline.dataset.value(pipeline.amount(size)) if pipeline.dataset is not None and used else None
        yield from _outputs(pipeline, data, replace(made, directory=unfinished))
        (unfinished / COMPLETE).touch()
    return made


@contextmanager
def quiet() -> Iterator[None]:
    """Keep the warnings of NumPy and other libraries off stderr: what matters is refused, or is part of the answer."""
    with warnings.catch_warnings(record=True), np.errstate(all="ignore"):
        yield


def _file(pipeline: Pipeline, step: Step, amount: float | None) -> Path:
    assert pipeline.dataset is not None
    return pipeline.dataset.file(step.op.file_of(step.params), amount)


def _key(pipeline: Pipeline, size: str, files: Mapping[str, str], device: str) -> str:
    """Return a hash of all that a reference depends on: the steps, data, device and the references' source files."""
    data = None if pipeline.dataset is None else [pipeline.dataset.checksum(), pipeline.amount(size)]
    steps = [step.as_json() | _reference_code(step) for step in pipeline.steps]
    parts = [steps, data, {step: Path(file).name for step, file in files.items()}, device]
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    for source in [*sources.files(step.op for step in pipeline.steps), Path(arrays.__file__)]:
        digest.update(source.read_bytes())
    return digest.hexdigest()[:16]


def _reference_code(step: Step) -> dict[str, str]:
    """Return the hash of the one function of an own op that the reference depends on; empty for an installed op."""
    return {"code": step.op.reference_function.digest} if isinstance(step.op, OwnOp) else {}


def _outputs(pipeline: Pipeline, data: Arrays | None, new: Made, number: int = 0) -> Iterator[str]:
    """Run the reference of every step in order on a value and files, and save the outputs. Yields the steps before.

    ``number`` counts variations of the pipeline's data from 1; 0 for the data themselves. It is added to the seed of
    every step that has one, for what is given to the implementations.
    """
    outputs: dict[str, Arrays] = {}
    if data is not None:
        arrays.save(new.directory / DATA, data)
        outputs[DATA] = arrays.load(new.directory / DATA)
    for step in pipeline.steps:
        yield step.id
        output = _step(pipeline, step, outputs, new, number)
        outputs[step.id] = output if _is_own(step) else arrays.load(new.directory / "outputs" / step.id)


def varied(pipeline: Pipeline, base: Reference, number: int) -> Reference | None:
    """Return the reference on other data of the same shapes, from the cache or computed now.

    ``number`` tells several variations apart. None where the data are too large (`variation.LARGEST_BYTES`).
    """
    sources = [Path(base.directory_of(DATA)), *(Path(file) for file in base.files.values())]
    if sum(variation.size_of(path) for path in sources) > variation.LARGEST_BYTES:
        return None
    if _variant(base.made, number) is None:
        base.compute(Task(pipeline, made=base.made, number=1 + number))
    variant = _variant(base.made, number)
    return None if variant is None else Reference(variant.directory, variant.files, base.device, base.compute)


def _varied_directory(made: Made, number: int) -> Path:
    code = hashlib.sha256(Path(variation.__file__).read_bytes()).hexdigest()[:8]
    return made.directory.with_name(f"{made.directory.name}-varied-{number}-{code}")


def _variant(made: Made, number: int) -> Made | None:
    """Return the reference on a variation of the data if it is in the cache."""
    directory = _varied_directory(made, number)
    rules = (directory / rule for rule in variation.RULES) if cache.intact(directory) else ()
    complete = next((inside for inside in rules if (inside / COMPLETE).is_file()), None)
    return None if complete is None else _in(complete, made)


def _variation(pipeline: Pipeline, made: Made, number: int) -> Generator[str, None, Made]:
    """Run the reference on the variation ``number``, by the first rule whose data the contracts allow."""
    directory = _varied_directory(made, number - 1)
    if directory.exists():
        cache.remove(directory)
    with cache.filled(directory) as unfinished:
        for rule in variation.rules(number - 1):
            with contextlib.suppress(BadInput):
                yield from _vary(pipeline, made, rule, number, unfinished / rule)
                (unfinished / rule / COMPLETE).touch()
                break
    return made


def _vary(pipeline: Pipeline, made: Made, rule: str, number: int, directory: Path) -> Iterator[str]:
    yield f"other data ({rule})"
    saved = made.directory / DATA
    data = variation.vary_arrays(arrays.load(saved), rule, number - 1) if arrays.saved(saved) else None
    new = _in(directory, made)
    for step, file in made.files.items():
        variation.vary_file(Path(file), Path(new.files[step]), rule, number - 1)
    yield from _outputs(pipeline, data, new, number)


def _in(directory: Path, made: Made) -> Made:
    """Return what a reference on other data will be, in a directory."""
    files = {step: str(directory / "files" / step / Path(file).name) for step, file in made.files.items()}
    return replace(made, directory=directory, files=files)


def _step(
    pipeline: Pipeline,
    step: Step,
    outputs: Mapping[str, Arrays],
    new: Made,
    number: int,
) -> Arrays:
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
        saved_to = new.directory / "saved" / step.id
        compute = step.op.reference_into(saved_to) if isinstance(step.op, OwnOp) else step.op.reference
        output: Arrays = compute(step.params, *values)
        if step.op.scale is not None:
            units = step.op.scale(step.params, output, *values, *((new.device,) if training else ()))
            arrays.save(new.directory / "scales" / step.id, {name: np.asarray(unit) for name, unit in units.items()})
    except OutsideContract as error:
        what = _with_own_path(pipeline, step, new.files, str(error))
        raise BadInput(f"{pipeline.path}: step '{step.id}' ({step.op.name}): {what}") from error
    except Exception as error:
        if isinstance(error, MemoryError) or cache.is_full(error):
            raise
        if isinstance(error, UserCodeError):
            raise BadInput(f"{pipeline.path}: step '{step.id}': {error}") from error
        what = f"no column {error}" if isinstance(error, KeyError) else in_one_line(error)
        raise BadInput(f"{pipeline.path}: step '{step.id}' ({step.op.name}) can't be done: {what}") from error
    arrays.save(
        new.directory / "outputs" / step.id, user_values.arrays_of(output, step.op) if _is_own(step) else output
    )
    return output


def _is_own(step: Step) -> bool:
    """Whether a step's output may be more than arrays, which can't be saved: an own model, or the path of its files."""
    return isinstance(step.op, OwnOp) and step.op.output in ("model", "saved")


def _with_own_path(pipeline: Pipeline, step: Step, files: Mapping[str, str], message: str) -> str:
    """Name the user's own file in a message, instead of its copy in the cache."""
    own: Mapping[str, Path] = getattr(pipeline.dataset, "paths", {})
    if step.id not in files:
        return message
    path = own.get(step.op.file_of(step.params))
    return message if path is None else message.replace(files[step.id], str(path))
