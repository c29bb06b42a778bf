"""What ``--json`` prints is what the published schemas say, and no key that was released is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from tests.printed import check
from twinbench.cli import schemas

RELEASED = Path(__file__).with_name("released_keys.json")
"""By command, the paths of keys that a release printed. A release adds the new keys (see docs/releasing.md)."""


def keys(schema: Any, definitions: Any, path: str = "") -> Iterator[str]:
    """The paths of all keys: ``pipelines[].cells[].stack``."""
    for choice in schema.get("anyOf", [schema]):
        target = definitions[choice["$ref"].rpartition("/")[2]] if "$ref" in choice else choice
        if "items" in target:
            yield from keys(target["items"], definitions, f"{path}[]")
        if isinstance(target.get("additionalProperties"), dict):
            yield from keys(target["additionalProperties"], definitions, f"{path}{{}}")
        for name, inner in target.get("properties", {}).items():
            inside = f"{path}.{name}".removeprefix(".")
            yield inside
            yield from keys(inner, definitions, inside)


def printed_keys(command: str) -> list[str]:
    schema = schemas.schema(command)
    return sorted(set(keys(schema, schema.get("$defs", {}))))


@pytest.mark.parametrize("command", schemas.OUTPUTS)
def test_no_released_key_is_lost(command):
    released = json.loads(RELEASED.read_text())[command]
    assert released
    assert not set(released) - set(printed_keys(command))


@pytest.mark.parametrize("command", schemas.OUTPUTS)
def test_a_schema_is_one(command):
    schema = schemas.schema(command)
    Draft202012Validator.check_schema(schema)
    assert schema["title"] == f"twinbench {command.replace('-', ' ')} --json"


def test_a_field_has_its_meaning_and_a_time_may_be_null():
    step = schemas.schema("show")["$defs"]["StepSummary"]["properties"]
    assert "first execution" in step["first_call_s"]["description"]
    assert schemas.schema("show")["$defs"]["Interval"]["properties"]["low"] == {
        "title": "Low",
        "type": ["number", "null"],
    }


@pytest.mark.parametrize("command", ["list", "data-list", "doctor", "julia-status"])
def test_what_is_here_is_printed_by_the_schema(cli, command):
    done = cli(*command.split("-"), "--json")
    assert done.returncode == 0, done.stderr
    check(command, done.stdout)


def test_a_dataset_is_described_by_the_schema(cli):
    done = cli("data", "describe", "digits", "--json")
    assert done.returncode == 0, done.stderr
    check("data-describe", done.stdout)


def test_a_pipeline_with_a_mistake_is_printed_by_the_schema(cli, tmp_path):
    (tmp_path / "broken.toml").write_text("[pipeline]\nnam = 1\n")
    done = cli("list", "--json", "--pipelines", str(tmp_path))
    check("list", done.stdout)


def test_a_key_that_the_schema_does_not_name_is_found(cli):
    printed = json.loads(cli("data", "list", "--json").stdout)
    with pytest.raises(ValidationError):
        check("data-list", json.dumps([printed[0] | {"extra": 1}]))


@pytest.mark.slow
def test_a_run_is_printed_by_the_schemas(twinbench, cache):
    env = {"TWINBENCH_CACHE_DIR": str(cache)}
    two = ("--stack", "pandas+torch", "--stack", "NumPy+torch")
    agreed = twinbench("agree", "flights-delay", *two, "--json", env=env, timeout=400)
    check("agree", agreed.stdout)
    three = (*two, "--stack", "DataFrames.jl+Flux")  # only Julia's figures have allocations
    measured = twinbench(
        "run", "flights-delay", *three, "--budget", "0.5", "--no-track", "--json", env=env, timeout=400
    )
    assert measured.returncode == 0, measured.stderr
    check("run", measured.stdout)
    run = json.loads(measured.stdout)["run_id"]
    for command in (("show",), ("errors",), ("recommend",), ("compare", run, *two, "--steps"), ("compare", run, run)):
        done = twinbench(*command, "--json", env=env)
        assert done.returncode == 0, done.stderr
        check(command[0], done.stdout)


if __name__ == "__main__":
    RELEASED.write_text(json.dumps({command: printed_keys(command) for command in schemas.OUTPUTS}, indent=1) + "\n")
