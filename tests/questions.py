"""db-benchmark's questions on each kind of data, and what must be true of their answers whatever computed them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from twinbench import paths
from twinbench.ops.contract import Arrays, Op
from twinbench.plan import pipeline

ROWS = 100_000
KINDS = {"": "", "-missing": "missing values", "-sorted": "sorted"}

Question = tuple[str, Op, Any, tuple[str, ...], str | None]
"""Id, op, parameters, ids of the inputs, and the file that it reads."""

Answers = Mapping[str, Arrays]


def questions(name: str, kind: str, directory: Path) -> list[Question]:
    """The steps of ``groupby`` or ``join`` on one kind of data.

    With missing values the ids are read as texts, and what is summed as float64: int64 columns miss none.
    """
    text = (paths.resource("pipelines") / "tables" / f"{name}.toml").read_text()
    text = text.replace('dataset = "G1"', f'dataset = "G1{kind}"').replace('dataset = "J1"', f'dataset = "J1{kind}"')
    if kind == "-missing":
        for column in ("id1", "id2", "id3", "id4", "id5", "id6"):
            text = text.replace(f'{column} = "int64"', f'{column} = "string"')
        text = text.replace('v1 = "int64"', 'v1 = "float64"').replace('v2 = "int64"', 'v2 = "float64"')
    file = directory / f"{name}.toml"
    file.write_text(text)
    plan = pipeline.load(file)
    assert plan.dataset is not None
    reads = {s.id: str(plan.dataset.file(s.params.table, ROWS)) for s in plan.steps if "file" in s.op.inputs}
    return [(step.id, step.op, step.params, step.inputs, reads.get(step.id)) for step in plan.steps]


def native(ops: Mapping[str, Any], asked: Sequence[Question]) -> dict[str, Any]:
    """Every answer, in the form that the implementations work in; without an op, those that need it are left out."""
    answers: dict[str, Any] = {}
    for step, op, params, inputs, file in asked:
        if op.name not in ops or not answers.keys() >= set(inputs):
            continue
        answers[step] = ops[op.name](params, *(answers[name] for name in inputs), *([file] if file else []))
    return answers


def check_groupby(answers: Answers) -> None:
    """The identities hold for any number of rows; a row that misses a key is in no group."""
    x = answers["x"]
    every = [f"id{i}" for i in range(1, 7)]

    def total(column: str, *keys: str) -> float:
        return float(np.nansum(x[column][~missing(x, *keys)]))

    def same(step: str, column: str, *keys: str) -> None:
        np.testing.assert_allclose(answers[step][column].sum(), total(column, *keys), rtol=1e-12, err_msg=step)

    same("q1-id1", "v1", "id1")
    same("q2-id1-id2", "v1", "id1", "id2")
    same("q3-id3", "v1", "id3")
    for column in ("v1", "v2", "v3"):
        same("q5-id6", column, "id6")
    same("q10-six-ids", "v3", *every)
    if not missing(x, *every).any():
        assert total("v1") == sum(answers["q1-id1"]["v1"]) == sum(answers["q3-id3"]["v1"])
    assert answers["q10-six-ids"]["count"].sum() == (~missing(x, "v1", *every)).sum()
    assert len(answers["q6-median-sd"]["id4"]) == groups(x, "id4", "id5")
    present = ~missing(x, "id6", "v3")
    _, sizes = np.unique(x["id6"][present], return_counts=True)
    assert len(answers["q8-top-2"]["v3"]) == np.minimum(2, sizes).sum()
    assert answers["q8-top-2"]["v3"].max() == np.nanmax(x["v3"][~missing(x, "id6")])
    assert answers["q7-range"]["range_v1_v2"].min() >= 1 - 15
    assert answers["q7-range"]["range_v1_v2"].max() == 5 - 1
    assert len(answers["q9-r2"]["r2"]) == groups(x, "id2", "id4")
    assert 0 <= np.nanmin(answers["q9-r2"]["r2"]) <= np.nanmax(answers["q9-r2"]["r2"]) <= 1 + 1e-12


def check_join(answers: Answers) -> None:
    """As above; a missing key matches nothing."""
    x = answers["x"]
    by_number, by_text = answers["q2-medium"], answers["q4-medium-string"]
    for column in ("v1", "v2"):
        np.testing.assert_array_equal(by_number[column], by_text[column], err_msg="the same rows")
    outer = answers["q3-medium-left"]
    assert len(outer["v2"]) == len(x["v1"]) == ROWS
    np.testing.assert_allclose(np.nansum(outer["v2"]), by_number["v2"].sum(), rtol=1e-12)
    assert np.isnan(outer["v2"]).sum() == ROWS - len(by_number["v2"])
    assert len(answers["q1-small"]["v2"]) == np.isin(x["id1"], answers["small"]["id1"]).sum()
    there = np.isin(x["id3"], answers["big"]["id3"])
    assert len(answers["q5-big"]["v2"]) == there.sum()
    if not missing(x, "id3").any():
        assert there.sum() == ROWS * 9 // 10


CHECKS = {"groupby": check_groupby, "join": check_join}


def missing(table: Arrays, *columns: str) -> np.ndarray:
    """The rows in which one of these columns has no value."""
    absent = np.zeros(len(next(iter(table.values()))), dtype=bool)
    for values in (table[column] for column in columns):
        absent |= values == "" if values.dtype.kind == "U" else np.isnan(values)
    return absent


def groups(table: Arrays, *keys: str) -> int:
    """How many combinations of keys there are."""
    whole = ~missing(table, *keys)
    return len(set(zip(*(table[key][whole].tolist() for key in keys), strict=True)))
