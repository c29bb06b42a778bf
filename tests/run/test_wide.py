"""A table of thousands of columns opens a handful of files: no descriptor for each column, in no process."""

from __future__ import annotations

import json
import resource
from pathlib import Path

import pytest

from twinbench.frameworks import registry
from twinbench.plan.stack import unavailable

COLUMNS = 3000
DESCRIPTORS = 256

WIDE = """
[pipeline]
name = "wide"
modality = "tables"

[dataset]
files = {{ wide = "wide.csv" }}

[goal]
question = "Does a wide table fit?"

[sizes]
all = {{}}

[[step]]
op = "tables.read_csv"
table = "wide"
columns = {{ {columns} }}

[[step]]
op = "tables.standardise"
columns = ["c0", "c1"]
"""


def few_descriptors() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))


@pytest.mark.parametrize("stack", ["pandas", pytest.param("DataFrames.jl", marks=pytest.mark.julia)])
def test_thousands_of_columns_need_few_descriptors(twinbench, tmp_path: Path, stack: str):
    reason = unavailable(registry.get(stack))
    if reason is not None:
        pytest.skip(reason)
    names = [f"c{number}" for number in range(COLUMNS)]
    rows = [",".join(f"{row * 7 + number % 13}.5" for number in range(COLUMNS)) for row in range(5)]
    (tmp_path / "wide.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    columns = ", ".join(f'{name} = "float64"' for name in names)
    (tmp_path / "wide.toml").write_text(WIDE.format(columns=columns))
    arguments = ["wide", "--pipelines", str(tmp_path), "--stack", stack, "--json"]
    done = twinbench("agree", *arguments, preexec_fn=few_descriptors, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    (checked,) = json.loads(done.stdout)
    assert len(checked["findings"]["read_csv"]) == COLUMNS
