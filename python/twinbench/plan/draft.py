"""A pipeline's file for a CSV file of the user's, written by what the file holds: a start that runs, to be edited."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from twinbench.data.sniff import Column
from twinbench.errors import BadInput, nearest
from twinbench.ops.tables import read

MOST_INDICATORS = 20
"""Most different values of a text column that becomes indicators."""

MOST_GROUPS = 1000
"""Most groups of a pipeline without a target."""

LEARNING = ("pandas+torch", "Polars+torch", "DataFrames.jl+Flux")
"""Stacks of a pipeline with a target."""

ASKING = ("pandas", "Polars", "DuckDB", "DataFrames.jl")
"""Stacks of a pipeline without a target."""


def dataset_name(path: Path) -> str:
    """Return a name for the file by which steps call it."""
    name = re.sub(r"[^a-z0-9_-]+", "-", path.stem.lower()).strip("-_")[:100]
    return name or "data"


def dataset(path: str, name: str, columns: Sequence[Column]) -> str:
    """Return ``[dataset]`` and a step that reads the columns, as TOML. ``path`` is relative to the pipeline's file."""
    types = {column.name: column.type for column in columns}
    return "\n".join([*_dataset(path, name), "", *_step("tables.read_csv", table=name, columns=types)]) + "\n"


def pipeline(name: str, path: str, columns: Sequence[Column], target: str | None) -> str:
    """Return a whole pipeline as TOML: it learns the target, or without one, asks a question about groups.

    Raises BadInput for a target that isn't there or can't be learnt, and for a file without anything to ask.
    """
    table = dataset_name(Path(path))
    steps = _asking(table, columns, path) if target is None else _learning(table, columns, target, path)
    goal = {"question": f"What is in {table}, and how fast is it read and grouped?"}
    if target is not None:
        question = f"In which rows of {table} is {target} 1?"
        goal = {"question": question, "metric": "roc_auc", "baseline": "most-frequent"}
    header = {"name": name, "modality": "tables", "stacks": list(ASKING if target is None else LEARNING)}
    parts = [
        ["[pipeline]", *_pairs(header)],
        _dataset(path, table),
        ["[goal]", *_pairs(goal)],
        ["[sizes]", "all = {}"],
        *(list(_step(op, **keys)) for op, keys in steps),
    ]
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


Step = tuple[str, dict[str, Any]]


def _learning(table: str, columns: Sequence[Column], target: str, path: str) -> Iterator[Step]:
    label = _named(columns, target, path)
    _require_classes(label, path)
    texts = [c for c in columns if c.type == "string" and c is not label]
    indicators = [c.name for c in texts if 2 <= c.classes <= MOST_INDICATORS]
    numbers = [c for c in columns if c.type != "string" and c is not label and c.classes != 1]
    if not indicators and not numbers:
        raise BadInput(f"{path}: beside '{target}' no column holds numbers or a few different texts to learn from")
    used = [c for c in columns if c is label or c in numbers or c.name in indicators]
    yield "tables.read_csv", {"table": table, "columns": {c.name: c.type for c in used}}
    if label.type == "float64":
        cleaning = {"drop_missing": [target]} if label.gaps else {}
        yield "tables.clean", {**cleaning, "cast": {target: "int64"}}
    if gaps := [c.name for c in numbers if c.gaps]:
        yield "tables.impute", {"columns": gaps}
    if indicators:
        yield "tables.one_hot", {"columns": indicators}
    if numbers:
        yield "tables.standardise", {"columns": [c.name for c in numbers]}
    yield "tables.split", {"label": target, "test_fraction": 0.25, "seed": 7}
    yield "training.mlp", {"hidden": [32], "epochs": 5, "optimizer": {"name": "adam", "lr": 0.001}, "seed": 42}
    yield "training.predict", {"input": ["mlp", "split"]}


def _asking(table: str, columns: Sequence[Column], path: str) -> Iterator[Step]:
    keys = [c for c in columns if c.type != "float64" and 2 <= c.classes <= MOST_GROUPS and not c.gaps]
    key = next((c for c in keys if c.type == "string"), next(iter(keys), None))
    if key is None:
        raise BadInput(
            f"{path}: no column without gaps holds 2 to {MOST_GROUPS:,} different texts or whole numbers to group by; "
            "name what is to be learnt by --target"
        )
    numbers = [c.name for c in columns if c.type != "string" and c is not key]
    count = "rows" if key.name != "rows" else "number of rows"
    aggregates = {count: ["count", key.name], **{f"mean {name}": ["mean", name] for name in numbers[:5]}}
    yield "tables.read_csv", {"table": table, "columns": {c.name: c.type for c in columns}}
    yield "tables.groupby", {"keys": [key.name], "aggregates": aggregates}


def _named(columns: Sequence[Column], name: str, path: str) -> Column:
    found = next((column for column in columns if column.name == name), None)
    if found is None:
        raise BadInput(f"--target: {path} has no column '{name}'{nearest(name, [c.name for c in columns])}")
    return found


def _require_classes(label: Column, path: str) -> None:
    """Refuse a target with other values than 0 and 1."""
    values = label.values
    classes = () if values is None or label.type == "string" else values - {*read.NOT_A_NUMBER}
    if {float(each) for each in classes} != {0.0, 1.0}:
        some = "more than 1,000 different values" if values is None else ", ".join(sorted(values)[:5]) or "no value"
        raise BadInput(
            f"--target: '{label.name}' of {path} holds {some}; a target holds the classes 0 and 1: number them so"
        )


# TOML


def _dataset(path: str, name: str) -> list[str]:
    return ["[dataset]", f"files = {{ {_key(name)} = {_quoted(path)} }}"]


def _step(op: str, **keys: Any) -> Iterator[str]:
    yield "[[step]]"
    yield f"op = {_quoted(op)}"
    tables = [key for key, value in keys.items() if isinstance(value, Mapping) and key != "optimizer"]
    yield from _pairs({key: value for key, value in keys.items() if key not in tables})
    for key in tables:
        yield f"[step.{key}]"
        yield from _pairs(keys[key])


def _pairs(keys: Mapping[str, Any]) -> Iterator[str]:
    for key, value in keys.items():
        line = f"{_key(key)} = {_value(value)}"
        if len(line) <= WIDTH or not isinstance(value, list):
            yield line
            continue
        yield f"{_key(key)} = ["
        yield from (f"    {_value(item)}," for item in value)
        yield "]"


WIDTH = 100
"""Longest line with a list, in characters; a longer list has a line for each item."""


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{_key(key)} = {_value(inner)}' for key, inner in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return _quoted(value) if isinstance(value, str) else str(value)
