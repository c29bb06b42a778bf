"""Pipelines: TOML files parsed, validated and typed. A pipeline names code, which nothing here imports or runs.

Every error says which file and key, and the nearest valid name.
"""

from __future__ import annotations

import difflib
import os
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from twinbench.data import registry
from twinbench.data.dataset import Dataset
from twinbench.errors import BadInput, nearest
from twinbench.metrics import DEFAULT_MARGIN, MetricName
from twinbench.modalities import MODALITIES
from twinbench.ops.contract import Kind
from twinbench.plan import own, own_ops, steps
from twinbench.plan.refusals import LARGEST_BITS, ROUNDED, first, rounded, too_deep, too_large
from twinbench.plan.steps import DATA, NAME, Step
from twinbench.usercode import sources
from twinbench.usercode.function import Function
from twinbench.usercode.op import OwnOp

__all__ = ["DATA", "Goal", "Pipeline", "Step", "discover", "find", "load"]

SIZE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$"
"""A size's name, such as ``1e6`` or ``0.3MP``: it becomes a part of the names of files."""
MOST_ENTRIES = 100_000
"""Most files and directories that are looked at for pipelines, below one directory."""
MOST_BYTES = 1 << 20
"""Size in bytes of the largest file of a pipeline that is read."""
MISSPELT = 0.8
"""Likeness to the name of a modality of twinbench's, from 0 to 1, from which another name is taken for a mistake."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class _Header(_Strict):
    name: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
    modality: Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
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


class File(_Strict):
    """A pipeline's file as it is written; its steps are checked with their ops."""

    pipeline: _Header
    dataset: own.Own | None = None
    goal: Goal
    sizes: dict[Annotated[str, Field(pattern=SIZE)], dict[str, Annotated[float, Field(gt=0)]]]
    op: dict[str, own_ops.Declared] = {}
    step: Annotated[list[dict[str, Any]], Field(min_length=1)]


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
    def code(self) -> list[Function]:
        """The functions in the user's files that a run of the pipeline would call, each once."""
        own = (step.op for step in self.steps)
        return list(dict.fromkeys(function for op in own if isinstance(op, OwnOp) for function in op.code))

    @property
    def code_files(self) -> list[Path]:
        """The file of the pipeline and those of its `code`, with what they import; empty for one without own ops."""
        files = [file for function in self.code for file in sources.files(Path(function.file))]
        return list(dict.fromkeys([self.path, *files])) if files else []

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
        file = Path(name)
        if file.suffix == ".toml" and file.is_file():
            line = f"{file.stem} --pipelines {shlex.quote(str(file.parent))}"
            raise BadInput(f"a pipeline is called by its name: instead of {name} write {line}")
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
    if too_deep(raw):
        raise BadInput(f"{path}: not a pipeline: its values are nested too deeply")
    if (where := too_large(raw)) is not None:
        raise BadInput(f"{path}: {where}: an integer of more than {LARGEST_BITS} bits; give a smaller one")
    try:
        file = File.model_validate(raw)
    except ValidationError as error:
        raise BadInput(f"{path}: {first(error, _valid_keys())}") from None
    for key in ("goal", "sizes", "op"):
        at = rounded(raw.get(key, {}), getattr(file, key))
        if at is not None:
            raise BadInput(f"{path}: {key}.{at}: {'more than any dataset has' if key == 'sizes' else ROUNDED}")
    header = file.pipeline
    if header.name != path.stem:
        raise BadInput(f"{path}: pipeline.name is '{header.name}', but the file is called '{path.stem}'")
    declared = own_ops.read(path, file.op)
    if not declared:
        _check_modality(path, header.modality)
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
        steps=tuple(steps.read(path, file.step, dataset, declared, independent=header.independent)),
    )


def _check_modality(path: Path, name: str) -> None:
    """Refuse a name that looks like a modality of ours. Any other one is a modality of the user's."""
    if name not in MODALITIES and (close := difflib.get_close_matches(name, MODALITIES, 1, MISSPELT)):
        raise BadInput(f"{path}: pipeline.modality: '{name}' is unknown; did you mean '{close[0]}'?")


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


def _valid_keys() -> list[str]:
    models: tuple[type[BaseModel], ...] = (File, _Header, own.Own, Goal, own_ops.Declared, own_ops.Parameter)
    return [name for model in models for name in model.model_fields]
