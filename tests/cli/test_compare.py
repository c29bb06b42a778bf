"""``twinbench compare``: what it prints, and what it does to a build."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results.make_store import RUN, STEADY_MS, make_store

SLOWER = {"Polars+torch": (10.0, 2.0, 220.0, 4.0)}


@pytest.fixture
def stores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """A base, and a store in which one stack takes twice as long."""
    base, head = tmp_path / "base.db", tmp_path / "head.db"
    make_store(base)
    for stack, times in SLOWER.items():
        monkeypatch.setitem(STEADY_MS, stack, times)
    make_store(head, run_id="head")
    return str(base), str(head)


def test_a_regression_fails_the_build_with_its_own_exit_code(cli, stores):
    done = cli("compare", *stores, "--fail-on-regression", "5%")
    assert done.returncode == 4, done.stderr
    assert "regression of more than 5.0%: Polars+torch on flights-delay (small): 2.0" in done.stdout
    assert cli("compare", *stores).returncode == 0
    assert cli("compare", *stores, "--fail-on-regression", "200%").returncode == 0
    silent = cli("compare", *stores, "--stack", "DuckDB+torch", "--fail-on-regression", "5%")
    assert (silent.returncode, "can't be judged: no time was compared" in silent.stdout) == (2, True)


def test_a_change_that_could_have_been_missed_is_told(cli, stores):
    done = cli("compare", stores[0], stores[0], "--fail-on-regression", "5%")
    assert "a regression of 5.0% could have been missed: NumPy+torch" in done.stdout
    assert "no regression of more than 5.0% was found" in done.stdout


def test_steps_and_the_control_are_shown(cli, stores):
    done = cli("compare", *stores, "--steps", "--control", "pandas+torch")
    assert done.returncode == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines()]
    assert any(row[:2] == ["Polars+torch", "mlp"] and "slower" in row for row in rows)
    assert any(row[:2] == ["NumPy+torch", "total"] and "same" in row for row in rows)


def test_stacks_of_one_run_as_json(cli, stores):
    done = cli("compare", RUN, "--stack", "pandas+torch", "--stack", "Polars+torch", "--store", stores[0], "--json")
    assert done.returncode == 0, done.stderr
    (change,) = json.loads(done.stdout)["changes"]
    assert (change["b"], change["verdict"]) == ("Polars+torch", "faster")
    assert change["ratio"]["low"] < change["ratio"]["estimate"] < change["ratio"]["high"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--margin", "wide"), "--margin: 'wide' is not a percentage; try 2%"),
        (("--fail-on-regression", "-5"), "--fail-on-regression: '-5' is not a percentage"),
        (("--stack", "Polar+torch"), "did you mean 'Polars+torch'"),
        (("--control", "pandas+Flux2"), "--control pandas+Flux2: not measured with the same code in both runs"),
    ],
)
def test_bad_arguments_are_one_line(cli, stores, arguments, said):
    done = cli("compare", *stores, *arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
