"""``twinbench show`` and ``twinbench export`` on a store that is there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.results.make_store import RUN, make_store


@pytest.fixture
def made(tmp_path: Path) -> str:
    make_store(tmp_path / "results.db")
    return str(tmp_path / "results.db")


def test_show_tells_the_latest_run(cli, made):
    done = cli("show", "--store", made)
    assert done.returncode == 0, done.stderr
    assert RUN in done.stdout
    assert "Polars+torch" in done.stdout


def test_show_takes_the_start_of_an_id_and_prints_json(cli, made):
    done = cli("show", RUN[:9], "--json", "--store", made)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["run_id"] == RUN


@pytest.mark.parametrize("command", [("show",), ("export", "-o", "out"), ("track", "mlflow")], ids=" ".join)
def test_an_unknown_run_is_bad_input_in_one_line(cli, made, command):
    done = cli(*command, "nope", "--store", made)
    assert done.returncode == 2
    assert done.stderr.startswith("twinbench: error: ")
    assert done.stderr.count("\n") == 1


def test_a_store_that_is_not_there_is_not_made(cli, tmp_path):
    done = cli("show", "--store", str(tmp_path / "none.db"))
    assert done.returncode == 1
    assert "none.db" in done.stderr
    assert not (tmp_path / "none.db").exists()


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_export_names_the_files_it_wrote(cli, made, tmp_path, form):
    done = cli("export", "--format", form, "-o", str(tmp_path / "out"), "--store", made)
    assert done.returncode == 0, done.stderr
    written = [Path(line) for line in done.stdout.splitlines()]
    assert tmp_path / "out" / f"samples.{form}" in written
    assert all(path.stat().st_size > 0 for path in written)


def test_another_format_is_refused_with_the_valid_ones(cli, made):
    done = cli("export", "--format", "xlsx", "-o", "out", "--store", made)
    assert done.returncode == 2
    assert "parquet" in done.stderr
