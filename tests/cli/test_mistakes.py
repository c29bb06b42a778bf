"""``twinbench errors`` on a store that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store
from twinbench.store.store import Store


@pytest.fixture
def made(tmp_path: Path) -> str:
    make_store(tmp_path / "r.db")
    return str(tmp_path / "r.db")


def test_every_stack_is_shown_with_its_slices_and_who_differs(cli, made):
    done = cli("errors", "--store", made)
    assert done.returncode == 0, done.stderr
    assert "of 400 test rows are predicted wrongly" in done.stdout
    assert "carrier = <UA>" in done.stdout
    assert "NumPy+torch: 3 rows" in done.stdout
    assert done.stdout.count("flights-delay (small)") == 4


def test_one_stack_as_json(cli, made):
    done = cli("errors", RUN[:8], "--stack", "polars+torch", "--json", "--store", made)
    (found,) = json.loads(done.stdout)
    assert found["stack"] == "Polars+torch"
    assert found["disagreement"]["differs"] == {"pandas+torch": 3, "NumPy+torch": 3, "DuckDB+torch": 3}
    assert [one["rows"] for one in found["errors"]["classes"]] == [200, 200]


def test_a_stack_without_predictions_is_one_line(cli, made):
    done = cli("errors", "--stack", "pandas+Flux", "--store", made)
    assert done.returncode == 2
    assert done.stderr.startswith("twinbench: error: --stack: no predictions of 'pandas+flux' in run")
    assert done.stderr.count("\n") == 1


def test_a_run_without_predictions_is_one_line(cli, tmp_path):
    with Store.open(tmp_path / "r.db") as store:
        store.new_run("r1", created="2026-01-01T00:00:00+00:00", arguments={}, environment={})
    done = cli("errors", "--store", str(tmp_path / "r.db"))
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "has no predictions" in done.stderr
