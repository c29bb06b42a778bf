"""The JSON schema of pipeline files: it takes every file that is read, and refuses unknown keys and wrong types."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from benchmarks import mutated_texts
from twinbench import ops, paths
from twinbench.errors import BadInput
from twinbench.plan import pipeline
from twinbench.plan.schema import schema

FILES = sorted(pipeline.discover([paths.resource("pipelines")]).values())


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    made = schema()
    Draft202012Validator.check_schema(made)
    return Draft202012Validator(made)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_pipelines_are_valid(validator: Draft202012Validator, file: Path):
    assert validator.is_valid(tomllib.loads(file.read_text()))


@pytest.mark.parametrize("text", mutated_texts.OWN)
def test_own_data_and_own_ops_are_valid(validator: Draft202012Validator, text: str):
    assert validator.is_valid(tomllib.loads(text))


def read_mutants(count: int, directory: Path) -> Iterator[dict[str, Any]]:
    """Mutated pipelines that are read without complaint."""
    rng = random.Random(1)
    for _ in range(count):
        file = rng.choice(FILES)
        mutant = directory / file.name
        with contextlib.suppress(BadInput, OSError, ValueError):
            mutant.write_text(mutated_texts.pipeline(file.read_text(), rng), encoding="utf-8")
            pipeline.load(mutant)
            yield tomllib.loads(mutant.read_text(encoding="utf-8-sig"))


def test_whatever_is_read_is_valid(validator: Draft202012Validator, tmp_path: Path):
    taken = list(read_mutants(400, tmp_path))
    assert len(taken) > 20
    for each in taken:
        assert [error.message for error in validator.iter_errors(each)] == []


Change = Callable[[dict[str, Any]], object]

WRONG: dict[str, Change] = {
    "an unknown table": lambda file: file.update(gaol={}),
    "an unknown key of the header": lambda file: file["pipeline"].update(modalty="tables"),
    "an unknown key of the goal": lambda file: file["goal"].update(metrics="roc_auc"),
    "an unknown metric": lambda file: file["goal"].update(metric="auc"),
    "an unknown dataset": lambda file: file["pipeline"].update(dataset="nycflights"),
    "no step": lambda file: file.update(step=[]),
    "a step without an op": lambda file: file["step"][0].pop("op"),
    "a step with another op's parameter": lambda file: file["step"][0].update(window=3),
    "a step without a required parameter": lambda file: file["step"][0].pop("table"),
    "a parameter of another type": lambda file: file["step"][0].update(columns=["month"]),
    "a type of column that there isn't": lambda file: file["step"][0]["columns"].update(month="int65"),
    "an id with a space": lambda file: file["step"][0].update(id="two words"),
    "an input that is a number": lambda file: file["step"][0].update(input=3),
    "an op that there isn't": lambda file: file["step"][0].update(op="tables.read_cvs"),
    "a size of another kind": lambda file: file["sizes"].update(small=20_000),
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_mistakes_are_refused(validator: Draft202012Validator, change: Change):
    flights = next(file for file in FILES if file.stem == "flights-delay")
    document = tomllib.loads(flights.read_text())
    wrong = copy.deepcopy(document)
    change(wrong)
    assert validator.is_valid(document)
    assert not validator.is_valid(wrong)


def test_each_op_has_its_summary_and_its_parameters():
    steps = {branch["title"]: branch for branch in schema()["properties"]["step"]["items"]["oneOf"]}
    for op in ops.all_ops():
        assert steps[op.name]["description"] == op.summary
        assert set(steps[op.name]["properties"]) - {"op", "id", "input"} == set(op.params.__dataclass_fields__)


def test_the_command_prints_it(twinbench: Callable[..., Any]):
    done = twinbench("schema")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == json.loads(json.dumps(schema()))
