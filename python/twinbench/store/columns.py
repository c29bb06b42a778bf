"""The columns of the store's tables, each with the type and the limits of its values.

The first table of two that say what a store may hold; `fact_shapes` has the facts of a cell. Everything that leaves a
store is checked against them, so later code relies on what stands here.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypedDict

from twinbench.metrics import MetricName
from twinbench.store.records import Kind
from twinbench.store.shapes import LARGEST, Range, Rule, Text

JSON = "json"
"""Mark of a column with JSON text, in which a number may not be infinite or NaN."""

JSON_WITH_NAN = "json with nan"
"""Mark of a column with JSON text, in which a number may be infinite or NaN."""


def _moment_problem(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return f"{text!a} is not a time in ISO 8601"
    return "" if 1970 < moment.year < 9000 else f"{text!a} is not a time of this age"


def _file_problem(name: str) -> str:
    parts = name.split("/")
    if "" in parts or "." in parts or ".." in parts or any(len(part.encode()) > 255 for part in parts):
        return f"{name[:60]!a} is not the name of a file inside of a directory"
    return ""


def _steps_problem(steps: list[Any]) -> str:
    ids = [step["id"] for step in steps]
    return next((f"two steps are called '{id}'" for id in ids if ids.count(id) > 1), "")


Name = Annotated[str, Text(500, printable=True)]
"""Name of a stack, a framework, a step, an output, ...: never a part of a path."""

PathName = Annotated[
    str, Text(200, r"[A-Za-z0-9][A-Za-z0-9._-]*", "a name of letters, digits, '.', '_' and '-'", printable=True)
]
"""Name of a run, a pipeline or a model's file: it may become a part of a path."""

FileName = Annotated[str, Text(1000, r"[^\\]+", "the name of a file", printable=True), Rule(_file_problem)]
"""Relative path of a file that is kept, with ``/`` between its parts."""

Words = Annotated[str, Text(1_000_000)]
"""Sentences, the output of a worker: text with any characters."""

OutsideText = Annotated[str, Text(100_000, surrogates=True)]
"""A path or an argument, which need not be Unicode."""

Moment = Annotated[str, Text(40, printable=True), Rule(_moment_problem)]
"""Time in ISO 8601, UTC."""

Ordinal = Annotated[int, Range(0, 2**31 - 1)]
Count = Annotated[int, Range(0, LARGEST)]
Id = Annotated[int, Range(1, LARGEST)]
Ns = Annotated[float, Range(0, 1e18)]
"""Nanoseconds, up to thirty years."""

Bytes = Annotated[float, Range(0, 1e18)]
Seconds = Annotated[float, Range(0, 1e9)]
Share = Annotated[float, Range(0, 1)]
Spread = Annotated[float, Range(0, 10)]
Error = Annotated[float, Range(0, 1.8e308, finite=False)]
"""Distance from the reference, which may be infinite."""

Value = Annotated[float, Range(-1e9, 1e9, finite=False)]
"""Value of a metric, which an earlier version stored for a model whose scores weren't finite, too."""

Checksum = Annotated[str, Text(64, r"(?:[0-9a-f]{64})?", "a SHA-256")]


class Request(TypedDict, total=False):
    """The request of a run."""

    pipelines: list[OutsideText]
    sizes: list[OutsideText]
    stacks: list[Name]
    directories: list[OutsideText]


class Options(TypedDict, total=False):
    """The options of a run."""

    threads: Annotated[int, Range(1, 100_000)]
    budget_s: Seconds
    processes: Ordinal | None
    resolve: Share | None
    timeout_s: Seconds
    memory_limit: Count | None
    seed: Count
    seeds: Ordinal
    device: Name


class Harness(TypedDict):
    """The process that measures a run."""

    pid: Ordinal
    started: Annotated[float, Range(0, 1e12)]


class Arguments(TypedDict, total=False):
    """The column ``arguments`` of ``runs``."""

    request: Request
    options: Options
    command: list[OutsideText]
    subcommand: Name
    harness: Harness
    merged_from: OutsideText


class Cpu(TypedDict, total=False):
    """The processor."""

    model: Name | None
    architecture: Name | None
    physical: Ordinal | None
    logical: Ordinal | None
    usable: Annotated[float, Range(0, 1e6)] | None
    governor: Name | None
    hypervisor: bool | None


class Memory(TypedDict, total=False):
    """The memory."""

    total_bytes: Bytes
    available_bytes: Bytes


class Described(TypedDict, total=False):
    """The system, or Python."""

    description: Name
    version: Name


class Twinbench(TypedDict, total=False):
    """The twinbench that measured."""

    version: Name
    commit: Annotated[str, Text(64, r"[0-9a-f]{4,64}", "a commit")] | None
    modified: bool | None


class Selftest(TypedDict, total=False):
    """The result of the machine's selftest."""

    smallest: Annotated[float, Range(0, 1e6)] | None
    false_alarms: Share
    comparisons: Ordinal
    process_sd: Spread
    time_sd: Spread
    run_sd: Spread


class Environment(TypedDict, total=False):
    """The column ``environment`` of ``runs``."""

    threads: Annotated[int, Range(1, 100_000)]
    device: Name
    gpus: list[Name]
    cpu: Cpu
    load: list[Annotated[float, Range(0, 1e6)]]
    memory: Memory
    os: Described
    container: Name | None
    python: Described
    twinbench: Twinbench
    frameworks: dict[Name, dict[Name, Name | None]]
    selftest: Selftest
    process_sd: Spread
    time_sd: Spread
    run_sd: Spread


class _Step(TypedDict):
    id: Name
    op: Name


class Step(_Step, total=False):
    """One step of a pipeline."""

    params: dict[Name, Any]
    inputs: list[Name]


class _Steps(TypedDict):
    steps: Annotated[list[Step], Rule(_steps_problem)]


class Spec(_Steps, total=False):
    """The column ``plan`` of ``plans``."""

    modality: Name
    question: Words
    metric: MetricName | None
    baseline: Name | None
    target: Value | None
    margin: Annotated[float, Range(1e-9, 1e9)]
    independent: bool


class Dataset(TypedDict, total=False):
    """The column ``dataset`` of ``plans``."""

    name: Name
    sha256: Annotated[str, Text(64, printable=True)]
    source: OutsideText
    unit: Name
    amount: Annotated[float, Range(0, 1e15)] | None
    amounts: dict[Words, Annotated[float, Range(0, 1e15)]]
    taken: Words


class NoiseFacts(TypedDict, total=False):
    """The column ``facts`` of ``noise``."""

    warnings: list[Words]
    load: Annotated[float, Range(0, 1e6)]
    steal: Annotated[float, Range(0, 1e6)]
    frequency_mhz: Annotated[float, Range(0, 1e9)] | None
    available_bytes: Bytes
    busy_others: list[Words]


Status = Literal["planned", "running", "done", "failed", "timeout", "oom", "unavailable", "disagrees"]

TABLES: dict[str, dict[str, Any]] = {
    "runs": {
        "id": PathName,
        "created": Moment,
        "arguments": Annotated[Arguments, JSON],
        "environment": Annotated[Environment, JSON],
        "status": Literal["running", "done", "interrupted"],
    },
    "plans": {
        "run_id": PathName,
        "pipeline": PathName,
        "size": Annotated[str, Text(200, r"[^/\\]+", "a size", printable=True)],
        "plan": Annotated[Spec, JSON],
        "dataset": Annotated[Dataset, JSON],
    },
    "cells": {
        "id": Id,
        "run_id": PathName,
        "pipeline": PathName,
        "stack": Name,
        "size": Name,
        "variant": Name,
        "steps": Annotated[dict[Name, Name], JSON],
        "fingerprint": Name,
        "status": Status,
        "kind": Kind,
        "reason": Words,
        "stderr": Words,
        "changed": Moment,
    },
    "samples": {
        "cell_id": Id,
        "process": Ordinal,
        "block": Ordinal,
        "step": Name,
        "kind": Literal["import", "first_call", "steady", "boundary"],
        "detail": Name,
        "seq": Ordinal,
        "wall_ns": Ns,
        "evals": Annotated[int, Range(1, 2**53)],
        "cpu_ns": Ns | None,
        "gc_ns": Ns | None,
        "collector_ns": Ns | None,
    },
    "agreements": {
        "cell_id": Id,
        "step": Name,
        "output": Words,
        "level": Literal["exact", "rounding", "approximate", "different"],
        "error": Error | None,
        "max_abs": Error | None,
        "ok": Literal[0, 1],
        "detail": Words,
        "psnr_db": Annotated[float, Range(-1e6, 1e6)] | None,
        "declared": Words,
    },
    "qualities": {"cell_id": Id, "metric": Name, "value": Value | None, "seed": Count},
    "facts": {"cell_id": Id, "step": Name, "key": Name, "value": Annotated[Any, JSON_WITH_NAN]},
    "files": {
        "cell_id": Id,
        "name": FileName,
        "content": bytes,
        "sha256": Checksum,
    },
    "baselines": {
        "run_id": PathName,
        "pipeline": PathName,
        "size": Name,
        "name": Name,
        "metric": Name,
        "value": Value | None,
    },
    "noise": {"id": Id, "run_id": PathName, "at": Moment, "facts": Annotated[NoiseFacts, JSON_WITH_NAN]},
}
"""Hint of each column, by table: types, lengths, alphabets and ranges. NaN is NULL in a store."""

KEYS: dict[str, tuple[str, ...]] = {
    "runs": ("id",),
    "plans": ("run_id", "pipeline", "size"),
    "cells": ("id",),
    "samples": ("cell_id", "process", "block", "step", "kind", "detail", "seq"),
    "agreements": ("cell_id", "step", "output"),
    "qualities": ("cell_id", "metric", "seed"),
    "facts": ("cell_id", "step", "key"),
    "files": ("cell_id", "name"),
    "baselines": ("run_id", "pipeline", "size", "name", "metric"),
    "noise": ("id",),
}
"""Columns that identify a row, by table."""

OF_CELLS = ("samples", "agreements", "qualities", "facts", "files")
"""Tables whose rows belong to a cell."""
