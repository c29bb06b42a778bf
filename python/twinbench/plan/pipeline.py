"""Pipelines: TOML files parsed, validated and typed. A pipeline names installed code; it can never carry any.

Every error says which file and key, and the nearest valid name.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from twinbench import ops
from twinbench.data import registry
from twinbench.data.dataset import Dataset
from twinbench.errors import BadInput, nearest
from twinbench.metrics import DEFAULT_MARGIN, MetricName
from twinbench.modalities import ModalityName
from twinbench.ops.contract import Kind, Op
from twinbench.plan import own
from twinbench.plan.refusals import first, rounded

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
"""Pattern of the name of a pipeline or a step, which becomes a part of the names of files."""
SIZE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""A size's name, such as ``1e6`` or ``0.3MP``: it becomes a part of the names of files."""
MOST_ENTRIES = 100_000
"""Most files and directories that are looked at for pipelines, below one directory."""
MOST_BYTES = 1 << 20
"""Size in bytes of the largest file of a pipeline that is read."""
DATA = "data"
"""The name by which a step takes the dataset's value as an input."""
STEP_KEYS = {"id", "op", "input"}


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Header(_Strict):
    name: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
    modality: ModalityName
    dataset: str | None = None
    stacks: list[str] = []
    independent: bool = False


class Goal(_Strict):
    """The question that a pipeline answers, and what counts as a good answer."""

    question: own.Line
    metric: MetricName | None = None
    baseline: Literal["most-frequent"] | None = None
    target: float | None = None
    margin: Annotated[float, Field(gt=0)] = DEFAULT_MARGIN
    """Largest difference between the metrics of two stacks that still count as the same quality."""
    slices: list[str] = []
    """Columns by whose values errors are counted: the values before they became features."""


class _File(_Strict):
    pipeline: _Header
    dataset: own.Own | None = None
    goal: Goal
    sizes: dict[Annotated[str, Field(pattern=SIZE)], dict[str, Annotated[float, Field(gt=0)]]]
    step: Annotated[list[dict[str, Any]], Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Step:
    """One op with its parameters. ``inputs`` are the ids of earlier steps."""

    id: str
    op: Op
    params: Any
    inputs: tuple[str, ...]
    isolated: bool
    """Whether the step's output is checked on the reference's own inputs: if its op asks for that, or the op of an
    earlier step, whose differences, each inside a tolerance, would add to those of this step."""
    bound: bool
    """Whether the output stays in the framework that made it: a model, or a table that its neutral form doesn't wholly
    describe (`Op.keeps_framework`) or that was made of one."""

    def as_json(self) -> dict[str, Any]:
        """Return JSON data, with every default spelled out."""
        return {"id": self.id, "op": self.op.name, "params": asdict(self.params), "inputs": list(self.inputs)}


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A validated pipeline."""

    path: Path
    name: str
    modality: str
    dataset: Dataset | None
    goal: Goal
    sizes: Mapping[str, float | None]
    """Amount of the dataset by size, in the dataset's unit; None for the whole dataset."""
    stacks: tuple[str, ...]
    independent: bool
    """Whether each step is a question of its own, ranked on its own. Then a stack runs the steps that it can run, and
    gets the inputs that it can't make from the reference."""
    steps: tuple[Step, ...]

    @property
    def question(self) -> str:
        """The question that the pipeline answers, in one sentence."""
        return self.goal.question

    @property
    def kinds(self) -> dict[str, Kind]:
        """The kind of each value that a step may take as an input, by step id or `DATA`."""
        data = self.dataset.value_kind if self.dataset else None
        return ({} if data is None else {DATA: data}) | {step.id: step.op.output for step in self.steps}

    @property
    def unit(self) -> str:
        """The unit of the sizes; empty without a dataset."""
        return self.dataset.unit if self.dataset else ""

    def amount(self, size: str) -> float | None:
        """Return the amount of the dataset that a size takes, in its unit. Raises BadInput for an unknown size."""
        if size not in self.sizes:
            raise BadInput(f"{self.path}: unknown size '{size}'{nearest(size, self.sizes)}")
        return self.sizes[size]

    def as_json(self) -> dict[str, Any]:
        """Return what the store keeps of the pipeline, as JSON data."""
        return {
            "modality": self.modality,
            "independent": self.independent,
            **self.goal.model_dump(),
            "steps": [step.as_json() for step in self.steps],
        }


def discover(directories: list[Path]) -> dict[str, Path]:
    """List pipeline files by name (the file's stem), without reading them. Earlier directories come first.

    Raises BadInput for a directory that is missing or holds no pipeline.
    """
    paths_by_name: dict[str, Path] = {}
    for directory in directories:
        if not directory.is_dir():
            raise BadInput(f"{directory}: no such directory of pipelines")
        paths = sorted(_files(directory))
        if not paths:
            raise BadInput(f"{directory}: no pipeline files (*.toml) in it")
        for path in paths:
            paths_by_name.setdefault(path.stem, path)
    return paths_by_name


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files that end in ``.toml`` below a directory. Raises BadInput where there is too much to search."""
    entries = 0
    for inside, directories, names in os.walk(directory):
        entries += len(directories) + len(names)
        if entries > MOST_ENTRIES:
            raise BadInput(f"{directory}: more than {MOST_ENTRIES:,} files in it; name the directory of the pipelines")
        paths = (Path(inside, name) for name in names if name.endswith(".toml"))
        yield from (path for path in paths if path.is_file())


def find(name: str, directories: list[Path]) -> Pipeline:
    """Load the pipeline of this name. Raises BadInput for an unknown name; a path is not a name."""
    paths = discover(directories)
    if name not in paths:
        raise BadInput(f"unknown pipeline '{name}'{nearest(name, paths)}")
    return load(paths[name])


def load(path: Path) -> Pipeline:
    """Read and validate a pipeline's file. Raises BadInput, which names the file and the key."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput(f"{path}: more than {MOST_BYTES >> 20} MiB, which no pipeline needs")
        raw = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except RecursionError:
        raise BadInput(f"{path}: not a pipeline: its values are nested too deeply") from None
    except ValueError as error:  # of TOML, of UTF-8, or of Python, which reads no integer of thousands of digits
        raise BadInput(f"{path}: not a TOML file: {error}") from None
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror}") from None
    try:
        file = _File.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {first(error, _valid_keys())}") from None
    header = file.pipeline
    if header.name != path.stem:
        raise BadInput(f"{path}: pipeline.name is '{header.name}', but the file is called '{path.stem}'")
    dataset = _dataset(path, header, file.dataset)
    return Pipeline(
        path=path,
        name=header.name,
        modality=header.modality,
        dataset=dataset,
        goal=file.goal,
        sizes=dict(_sizes(path, file.sizes, dataset)) or {"default": None},
        stacks=tuple(header.stacks),
        independent=header.independent,
        steps=tuple(_steps(path, file.step, dataset, header.independent)),
    )


def _dataset(path: Path, header: _Header, given: own.Own | None) -> Dataset | None:
    if given is not None:
        if header.dataset is not None:
            raise BadInput(f"{path}: pipeline.dataset and [dataset] are both there; keep one of them")
        return own.dataset(path, header.name, header.modality, given)
    try:
        return None if header.dataset is None else registry.get(header.dataset)
    except BadInput as error:
        raise BadInput(f"{path}: pipeline.dataset: {error}") from None


def _sizes(
    path: Path, sizes: Mapping[str, Mapping[str, float]], dataset: Dataset | None
) -> Iterator[tuple[str, float | None]]:
    units = (dataset.unit,) if dataset else ()
    for name, size in sizes.items():
        where = f"{path}: sizes.{name}"
        for unit, asked in size.items():
            if unit not in units:
                raise BadInput(f"{where}.{unit}: unknown key{nearest(unit, units) or '; there is no dataset to cut'}")
            if unit not in ("seconds", "megapixels") and asked != int(asked):
                raise BadInput(f"{where}.{unit}: {asked} is not a whole number")
            if dataset and dataset.most is not None and asked > dataset.most:
                raise BadInput(f"{where}.{unit}: {asked:.12g} {unit} asked for, but {dataset.name} has {dataset.most}")
        amount = next(iter(size.values()), None)
        yield name, int(amount) if amount is not None and amount == int(amount) else amount


def _steps(path: Path, raw: list[dict[str, Any]], dataset: Dataset | None, independent: bool) -> Iterator[Step]:
    done: dict[str, Step] = {}
    outputs: dict[str, Kind] = {} if dataset is None or dataset.value_kind is None else {DATA: dataset.value_kind}
    previous: str | None = next(iter(outputs), None)
    for index, table in enumerate(raw):
        where = f"{path}: step[{index}]"
        op = _op(where, table)
        step_id = table.get("id", op.name.partition(".")[2])
        if not isinstance(step_id, str) or not NAME.fullmatch(step_id):
            raise BadInput(f"{where}.id: '{step_id}' is not a name (up to 100 of a-z, 0-9, - and _)")
        if step_id in done or step_id == DATA:
            raise BadInput(f"{where}.id: '{step_id}' is taken by an earlier step; give this one an id of its own")
        params = _params(where, op, {key: value for key, value in table.items() if key not in STEP_KEYS})
        _check_file(where, dataset, op, params)
        inputs = _inputs(where, op, table.get("input"), previous, outputs)
        isolated = op.isolated or any(done[name].isolated for name in inputs if name != DATA)
        bound = op.output == "model" or op.keeps_framework
        bound |= op.output == "table" and any(done[name].bound for name in inputs if name != DATA)
        done[step_id] = Step(step_id, op, params, inputs, isolated, bound)
        outputs[step_id] = op.output
        previous = previous if independent else step_id
        yield done[step_id]


def _check_file(where: str, dataset: Dataset | None, op: Op, params: Any) -> None:
    """Check that a step that reads a file names one of the dataset's files, by the parameter `Op.file_param`."""
    if "file" not in op.inputs:
        return
    if dataset is None:
        raise BadInput(f"{where}: {op.name} reads a file, but pipeline.dataset is not set")
    try:
        dataset.require_file(op.file_of(params))
    except BadInput as error:
        raise BadInput(f"{where}.{op.file_param}: {error}") from None


def _op(where: str, table: dict[str, Any]) -> Op:
    name = table.get("op")
    if not isinstance(name, str):
        raise BadInput(f"{where}: no 'op'; a step names the op to run")
    try:
        return ops.get(name)
    except KeyError:
        names = [op.name for op in ops.all_ops()]
        raise BadInput(f"{where}.op: unknown op '{name}'{nearest(name, names)}") from None


def _params(where: str, op: Op, values: dict[str, Any]) -> Any:
    valid = [field.name for field in fields(op.params)]
    nested = [field.name for inner in _nested(op.params) for field in fields(inner)]
    for key, value in values.items():
        if key not in valid:
            raise BadInput(f"{where}.{key}: {op.name} has no parameter '{key}'{nearest(key, valid)}")
        try:
            json.dumps(value, allow_nan=False)
        except TypeError:
            raise BadInput(
                f"{where}.{key}: a step takes numbers, texts and lists of them, and no dates or times"
            ) from None
        except ValueError:
            raise BadInput(f"{where}.{key}: a step takes finite numbers, and neither inf nor nan") from None
        except RecursionError:
            raise BadInput(f"{where}.{key}: nested too deeply") from None
    try:
        # Strict JSON: an array may become a tuple, but true is not a number, and neither is "3".
        params: Any = TypeAdapter(op.params).validate_json(json.dumps(values), strict=True)
    except (ArithmeticError, MemoryError) as error:
        raise BadInput(f"{where} ({op.name}): a number that is too large: {error}") from None
    except ValidationError as error:
        branches = [inner.__name__ for inner in _nested(op.params)]
        raise BadInput(f"{where} ({op.name}): {first(error, nested, branches)}") from None
    for key, value in values.items():
        if rounded(value, getattr(params, key)):
            raise BadInput(f"{where}.{key}: an integer of more than 15 digits, which a float can't hold; write a float")
    return params


def _nested(params: type) -> list[type[Any]]:
    """List the data classes that a parameter may be; the field ``name`` tells which."""
    hints = get_type_hints(params).values()
    kinds = [inner for hint in hints for inner in (hint, *get_args(hint)) if isinstance(inner, type)]
    return [inner for inner in kinds if is_dataclass(inner)]


def _inputs(where: str, op: Op, given: Any, previous: str | None, done: Mapping[str, Kind]) -> tuple[str, ...]:
    kinds = [kind for kind in op.inputs if kind != "file"]
    if given is None:
        names = [previous] if previous is not None and len(kinds) == 1 else []
    else:
        names = [given] if isinstance(given, str) else given
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadInput(f"{where}.input: an earlier step's id, or a list of them")
    for name in names:
        if name not in done:
            raise BadInput(f"{where}.input: no earlier step '{name}'{nearest(str(name), done)}")
    if len(names) != len(kinds):
        raise BadInput(f"{where}.input: {op.name} takes {len(kinds)} input(s), {len(names)} given")
    for name, kind in zip(names, kinds, strict=True):
        if done[name] != kind:
            raise BadInput(f"{where}.input: '{name}' gives {done[name]}, but {op.name} takes {kind}")
    return tuple(names)


def _valid_keys() -> list[str]:
    models: tuple[type[BaseModel], ...] = (_File, _Header, own.Own, Goal)
    return [name for model in models for name in model.model_fields]
