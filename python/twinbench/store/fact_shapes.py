"""The facts of a cell, each with the shape of its JSON: the second table of what a store may hold, beside `columns`.

The TypedDicts have the fields of the dataclasses that are made from them. A key that isn't in the tables may hold
anything, and is only shown.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, TypedDict

from twinbench.store.columns import Checksum, Count, Moment, Name, Ordinal, OutsideText, PathName, Seconds, Share, Words
from twinbench.store.records import MODEL, NO_QUALITY, PEAK
from twinbench.store.shapes import Range, Rule, Text

ERRORS, DISAGREEMENT = "errors", "disagreement"
"""Keys of the facts of a cell that hold its `mistakes.Errors` and its `mistakes.Disagreement`."""

ENDPOINT = "endpoint"
"""Key of the fact of a cell that holds the measurements of its deployed model."""

MOST_CLASSES = 10_000

OrNan = Annotated[float, Range(-1e15, 1e15, finite=False)]


class HeldAs(TypedDict, total=False):
    """How a framework holds an output: in words, and so is the number of bytes of a saved model."""

    bytes: Annotated[str, Text(18, r"[0-9]+", "a number of bytes")] | Count


class Point(TypedDict):
    """A point of a training's curve."""

    epoch: Ordinal
    seconds: Seconds
    loss: OrNan
    metrics: dict[Name, OrNan]


class WarmUp(TypedDict, total=False):
    """The end of a warm-up."""

    evals: Count
    discarded: Count
    settled: bool
    trend: Literal["settled", "short", "faster", "slower"] | None
    allocated_bytes: Annotated[float, Range(0, 1e18)] | None


class OfOwnCode(TypedDict, total=False):
    """The part of a model's description that only a model has whose files code of the user's own wrote."""

    own: Words
    """The function that loads the files, as ``file.py:name``."""


class Model(OfOwnCode):
    """The description of a trained model."""

    framework: Name
    name: PathName
    input: Name
    features: list[Words]


class ClassErrors(TypedDict):
    """The predictions of one class."""

    rows: Ordinal
    predicted: Ordinal
    precision: Share | None
    recall: Share | None


class SliceErrors(TypedDict):
    """The predictions for one value of a column."""

    column: Words
    value: Words
    rows: Ordinal
    wrong: Ordinal
    low: Share
    high: Share


class Bin(TypedDict):
    """A bin of the reliability diagram."""

    low: Share
    high: Share
    rows: Annotated[int, Range(1, 2**31 - 1)]
    confidence: Share
    accuracy: Share


class Errors(TypedDict):
    """The mistakes of a cell."""

    rows: Ordinal
    wrong: Ordinal
    confusion: list[list[Ordinal]]
    classes: list[ClassErrors]
    slices: list[SliceErrors]
    bins: list[Bin]
    calibration_error: Share


class Disputed(TypedDict):
    """A row that stacks predict differently."""

    row: Ordinal
    truth: Ordinal
    predicted: dict[Name, Ordinal]
    confidence: dict[Name, Share]
    values: dict[Words, Words]


class Disagreement(TypedDict):
    """The rows that stacks predict differently."""

    differs: dict[Name, Ordinal]
    samples: list[Disputed]


class Latency(TypedDict):
    """The latency of an endpoint."""

    p50_s: Seconds
    low_s: Seconds
    high_s: Seconds
    p95_s: Seconds
    p99_s: Seconds
    requests: Ordinal
    ping_s: Seconds | None
    connections: Ordinal


class Throughput(TypedDict):
    """The throughput of an endpoint."""

    rows_per_s: Annotated[float, Range(0, 1e12)]
    batch: Ordinal
    clients: Ordinal
    requests: Ordinal


class Endpoint(TypedDict):
    """The measurement of an endpoint."""

    stack: Name
    place: Words
    measured: Moment
    versions: dict[Name, Name]
    agrees: bool
    error: Annotated[float, Range(0, 1e300)] | None
    detail: Words
    ready_s: Seconds | None
    first_s: Seconds | None
    latency: Latency | None
    throughput: Throughput | None
    peak_rss_bytes: Count | None
    cpu_s: Seconds | None


def _errors_problem(errors: Any) -> str:
    count = len(errors["classes"])
    if len(errors["confusion"]) != count or any(len(row) != count for row in errors["confusion"]):
        return f"confusion is not a table of {count} by {count} classes"
    if count > MOST_CLASSES or errors["wrong"] > errors["rows"]:
        return f"{errors['wrong']} wrong of {errors['rows']} rows in {count} classes"
    return next((f"slices: {s['wrong']} wrong of {s['rows']} rows" for s in errors["slices"] if _too_many(s)), "")


def _parts_problem(parts: Any) -> str:
    return "" if len(parts) == 2 else f"{len(parts)} numbers instead of 2"


def _too_many(of_slice: Any) -> bool:
    return bool(of_slice["wrong"] > of_slice["rows"])


def _disputed_problem(disagreement: Any) -> str:
    for sample in disagreement["samples"]:
        if sample["predicted"].keys() != sample["confidence"].keys():
            return f"row {sample['row']}: predicted and confidence name different stacks"
    return ""


FACTS: dict[str, Any] = {
    "examples": Count,
    "rss_increase_bytes": Annotated[int, Range(-(2**62), 2**62)],
    "held_as": HeldAs,
    "parts_at": Annotated[list[Ordinal], Rule(_parts_problem)],
    "curve": list[Point],
    "warm_up": WarmUp,
    "versions": dict[Name, dict[Name, Name | None]],
    "files": dict[OutsideText, Checksum],
    PEAK: Count,
    NO_QUALITY: Words,
    MODEL: Model,
    ERRORS: Annotated[Errors, Rule(_errors_problem)],
    DISAGREEMENT: Annotated[Disagreement, Rule(_disputed_problem)],
    ENDPOINT: list[Endpoint],
}
"""Hint of a fact's JSON, by its key."""

OF_PROCESSES: dict[str, Any] = {PEAK: Count}
"""Hint of a fact's JSON, by what stands before the colon in its key; the ordinal of a process follows."""

PROCESS = re.compile(r"[0-9]{1,9}")


def of_key(key: str) -> Any:
    """Return the hint of the JSON of a fact; None where the key's process is not an ordinal."""
    before, colon, process = key.partition(":")
    if colon and before in OF_PROCESSES:
        return OF_PROCESSES[before] if PROCESS.fullmatch(process) else None
    return FACTS.get(key, Any)
