"""JSON schemas of what commands print with ``--json``, made from the dataclasses that they print.

The documentation publishes them, and tests validate the commands' output against them. No command needs this module.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from twinbench.data.describe import Part
from twinbench.pair.command import PrintedPair
from twinbench.results.decisions.compare_records import Comparison
from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.models.endpoints import Endpoint
from twinbench.results.models.monitoring import Monitored
from twinbench.results.summary.records import RunSummary
from twinbench.run.selftest import Selftest
from twinbench.store.mistakes import CellErrors
from twinbench.store.records import Agreement


@dataclass(frozen=True)
class PrintedAgreement:
    """One stack's agreement with the reference: the findings by step."""

    stack: str
    findings: dict[str, list[Agreement]]
    reason: str
    available: bool
    ok: bool
    """Whether every output is inside its tolerance, or is a deviation that the framework declares."""
    data: str
    """What was taken of the user's own data, in words. Empty for other data."""
    unsupported: dict[str, str]
    """Why the stack leaves out steps, while it runs others, by step."""
    parts_at: dict[str, tuple[int, int]]
    """Step from which on trainings that differ by roundings part, and number of steps, by step of the pipeline. From
    there on only large mistakes disagree, and equal quality over seeds decides."""


@dataclass(frozen=True)
class PrintedTimedPair(PrintedPair):
    """The verdict on own functions, and their times."""

    run: RunSummary | None
    """The run as ``show`` prints it, with times if the functions agree. Null with ``--no-time``, and where the
    reference raises on every input."""
    comparison: Comparison | None
    """The run compared with the last one, as ``compare`` prints it. Null without ``--fail-on-regression``."""


@dataclass(frozen=True)
class PrintedPipeline:
    """A pipeline file."""

    name: str
    modality: str
    dataset: str | None
    question: str
    sizes: dict[str, float]
    """By size the amount of data, in the dataset's unit. Null for all of the data."""
    stacks: list[str]
    steps: list[str]
    file: str
    error: None


@dataclass(frozen=True)
class PrintedMistake:
    """A pipeline file with a mistake in it."""

    name: str
    file: str
    error: str


@dataclass(frozen=True)
class PrintedStack:
    """A stack of a pipeline, and whether it can run on this machine."""

    name: str
    pipeline: str
    available: bool
    reason: str | None


@dataclass(frozen=True)
class PrintedFramework:
    """A framework, and whether its library is installed."""

    name: str
    language: str
    summary: str
    version: str | None
    installed: bool
    reason: str | None
    ops: list[str]


@dataclass(frozen=True)
class PrintedOp:
    """An op's contract."""

    name: str
    modality: str
    summary: str
    semantics: str
    parameters: dict[str, Any]
    inputs: list[str]
    output: str
    tolerance: str
    rtol: float
    atol: float
    levels: int
    source: str
    frameworks: list[str]


@dataclass(frozen=True)
class PrintedDataset:
    """A dataset, and why its files are missing."""

    name: str
    summary: str
    modality: str
    unit: str
    most: int | None
    split: str
    source: str
    licence: str
    missing: str | None


@dataclass(frozen=True)
class PrintedDescription(PrintedDataset):
    """A dataset, and figures of its files and its value; no parts where its files are missing."""

    checksums: dict[str, str]
    """SHA-256 by file."""
    quantiles_at: list[float]
    """Shares at which the quantiles of a variable are, from 0 to 1."""
    parts: list[Part]


@dataclass(frozen=True)
class PrintedPromoted:
    """A model version in MLflow's registry, and the model that it holds."""

    uri: str
    version: str
    serve: str
    """Shell command that serves the model on this machine."""
    doubts: list[str]
    """Sentences on the quality of the model: a missed target, a baseline that isn't beaten, a metric not computed."""
    twinbench_run: str
    stack: str
    pipeline: str
    size: str
    framework: str
    features: list[int]
    """Shape of one row of features."""
    preprocessing: list[str]
    """Steps before the training, whose work a request must have done."""
    output: str


@dataclass(frozen=True)
class PrintedDeployed:
    """A directory from which Docker or a cloud deploys a model."""

    directory: str
    image: str
    files: list[str]
    commands: list[str]
    """Lines of shell commands that build, try and deploy the image."""
    doubts: list[str]


@dataclass(frozen=True)
class PrintedJulia:
    """The Julia in use, its packages, what is missing, and the command that mends the problem."""

    source: str | None
    exe: str | None
    project: str | None
    depot: str | None
    version: str | None
    flux: str | None
    packages: dict[str, str | None]
    """Version by package; null for a package that isn't installed."""
    missing: list[str]
    layers: dict[str, list[str]]
    """By layer the packages that it lacks."""
    problem: str | None
    mend: str | None
    notes: list[str]


@dataclass(frozen=True)
class PrintedList:
    """Everything that ``twinbench list`` knows."""

    pipelines: list[PrintedPipeline | PrintedMistake]
    stacks: list[PrintedStack]
    frameworks: list[PrintedFramework]
    ops: list[PrintedOp]
    datasets: list[PrintedDataset]


@dataclass(frozen=True)
class PrintedDoctor:
    """What the machine has. The records of machine, BLAS and Julia are for people; their keys may change."""

    machine: dict[str, Any]
    blas: list[dict[str, Any]]
    packages: dict[str, str | None]
    extras: dict[str, dict[str, str | None]]
    julia: dict[str, Any]
    places: dict[str, str]
    advice: list[str]


OUTPUTS: Mapping[str, Any] = {
    "run": RunSummary,
    "show": RunSummary,
    "agree": list[PrintedAgreement],
    "pair": PrintedTimedPair,
    "compare": Comparison,
    "recommend": list[Recommendation],
    "errors": list[CellErrors],
    "monitor": Monitored,
    "endpoint": list[Endpoint],
    "selftest": Selftest,
    "list": PrintedList,
    "data-list": list[PrintedDataset],
    "data-describe": PrintedDescription,
    "promote": PrintedPromoted,
    "deploy": PrintedDeployed,
    "julia-status": PrintedJulia,
    "doctor": PrintedDoctor,
}
"""By command, the type of the document that ``--json`` prints."""


class _Schema(GenerateJsonSchema):
    """Adds the fields' docstrings, and admits null for every float: a number that is not finite is printed as null."""

    def float_schema(self, schema: core_schema.FloatSchema) -> JsonSchemaValue:
        return {"type": ["number", "null"]}

    def dataclass_schema(self, schema: core_schema.DataclassSchema) -> JsonSchemaValue:
        made = super().dataclass_schema(schema)
        for name, meaning in _meanings(schema["cls"]).items():
            if name in made.get("properties", {}):
                made["properties"][name]["description"] = meaning
        return made


def _meanings(cls: type) -> dict[str, str]:
    """By field of a class, the docstring that follows it in the source."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    body = next(node.body for node in tree.body if isinstance(node, ast.ClassDef))
    meanings = {}
    for field, text in pairwise(body):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant):
            meanings[ast.unparse(field.target)] = inspect.cleandoc(str(text.value.value))
    return meanings


def schema(command: str) -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of a command's ``--json``. Raises KeyError for a command without one."""
    made = TypeAdapter(OUTPUTS[command]).json_schema(mode="serialization", schema_generator=_Schema)
    title = f"twinbench {command.replace('-', ' ')} --json"
    return made | {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
