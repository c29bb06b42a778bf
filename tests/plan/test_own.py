"""``[dataset]``: a pipeline on the user's own data is written, checked, run, and found wanting in a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from twinbench.errors import BadInput
from twinbench.plan import pipeline

SALES = """
[pipeline]
name = "sales"
modality = "tables"
stacks = ["pandas", "NumPy"]

[dataset]
files = { orders = "shop/orders.csv", customers = "customers.csv" }
licence = "ours"

[goal]
question = "Which region buys most?"

[sizes]
small = { rows = 4 }
full = {}

[[step]]
op = "tables.read_csv"
table = "orders"
columns = { customer = "int64", paid = "float64" }

[[step]]
id = "customers"
op = "tables.read_csv"
table = "customers"
columns = { customer = "int64", region = "string" }

[[step]]
op = "tables.join"
input = ["read_csv", "customers"]
on = ["customer"]
columns = ["region"]
how = "inner"

[[step]]
op = "tables.groupby"
keys = ["region"]
aggregates = { paid = ["sum", "paid"] }
"""
TAPS = """
[pipeline]
name = "taps"
modality = "signals"
stacks = ["SciPy", "NumPy"]

[dataset]
arrays = "taps.npz"

[goal]
question = "How loud?"

[sizes]
all = {}

[[step]]
op = "signals.stft"
input = "data"
rate_hz = 100
frame = 16
hop = 8
"""


def written(directory: Path, text: str, old: str = "", new: str = "") -> Path:
    assert old in text
    path = directory / ("sales.toml" if "sales" in text else "taps.toml")
    path.write_text(text.replace(old, new, 1) if old else text)
    return path


def test_files_are_named_from_the_directory_of_the_pipeline(tmp_path: Path):
    found = pipeline.load(written(tmp_path, SALES)).dataset
    assert found is not None
    assert (found.name, found.unit, found.files, found.licence) == ("sales", "rows", ("orders", "customers"), "ours")
    assert f"{tmp_path}/shop/orders.csv does not exist" in (found.missing() or "")


@pytest.mark.parametrize(
    ("text", "old", "new", "words"),
    [
        (SALES, "[dataset]", "[datset]", ["datset", "did you mean 'dataset'?"]),
        (SALES, "files =", "fils =", ["dataset.fils", "did you mean 'files'?"]),
        (SALES, "licence", 'main = "order"\nlicence', ["dataset.main", "did you mean 'orders'?"]),
        (SALES, 'table = "orders"', 'table = "order"', ["step[0].table", "did you mean 'orders'?"]),
        (SALES, "licence", 'arrays = "x.npz"\nlicence', ["dataset", "'files'", "no 'arrays'"]),
        (SALES, 'modality = "tables"', 'modality = "training"', ["dataset", "tables, signals, images"]),
        (SALES, "stacks", 'dataset = "J1"\nstacks', ["pipeline.dataset and [dataset]"]),
        (SALES, "orders = ", '"../x" = ', ["dataset.files"]),
        (SALES, "rows = 4", "records = 4", ["sizes.small.records", "rows"]),
        (TAPS, "arrays =", "files =", ["dataset.files"]),
        (TAPS, 'arrays = "taps.npz"', 'files = { a = "b" }', ["'arrays'", "no 'files'"]),
    ],
)
def test_a_bad_table_names_the_key(tmp_path: Path, text: str, old: str, new: str, words: list[str]):
    path = written(tmp_path, text, old, new)
    with pytest.raises(BadInput) as caught:
        pipeline.load(path)
    for word in [str(path), *words]:
        assert word in str(caught.value)


def test_tables_run_and_say_where_they_are_from(tmp_path: Path, twinbench: Command):
    written(tmp_path, SALES)
    run = ["run", "sales", "--pipelines", str(tmp_path), "--budget", "0.2", "--no-track"]
    absent = twinbench(*run)
    assert (absent.returncode, "orders.csv does not exist" in absent.stderr) == (2, True), absent.stderr
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.csv").write_text("customer,paid\n" + "".join(f"{k % 3},{k}.5\n" for k in range(8)))
    (tmp_path / "customers.csv").write_text("customer,region\n0,north\n1,south\n2,north\n")
    done = twinbench(*run, "--size", "small", "--size", "full", "--json")
    assert done.returncode == 0, done.stderr
    [small, full] = json.loads(done.stdout)["pipelines"]
    assert small["dataset"]["name"] == "sales"
    assert [cell["status"] for cell in (*small["cells"], *full["cells"])] == ["done"] * 4
    (tmp_path / "customers.csv").write_text("customer\n0\n")
    changed = twinbench(*run)
    assert (changed.returncode, "region" in changed.stderr) == (2, True), changed.stderr


def test_arrays_agree_and_bad_ones_are_refused(tmp_path: Path, twinbench: Command):
    written(tmp_path, TAPS)
    agree = ["agree", "taps", "--pipelines", str(tmp_path)]
    np.savez(tmp_path / "taps.npz", x=np.random.default_rng(0).standard_normal((3, 64)))
    done = twinbench(*agree)
    assert done.returncode == 0, done.stderr + done.stdout
    np.savez(tmp_path / "taps.npz", x=np.ones(3))
    refused = twinbench(*agree)
    assert (refused.returncode, "must be float64 (records, samples)" in refused.stderr) == (2, True), refused.stderr
