"""What a worker holds while it measures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from twinbench.worker import protocol
from twinbench.worker.cell import ANSWERS, Cell
from twinbench.worker.job import Job, StepJob
from twinbench.worker.protocol import Request


def step(name: str, op: str, params: dict[str, Any], inputs: tuple[str, ...], file: Path | None = None) -> StepJob:
    path = None if file is None else str(file)
    return StepJob(id=name, op=op, params=params, inputs=inputs, framework="NumPy", file=path, needed=name == "x")


def test_an_output_that_no_step_takes_is_let_go_once_it_was_compared(tmp_path: Path):
    file = tmp_path / "x.csv"
    file.write_text("k,v\n1,2\n1,3\n")
    groupby = {"keys": ["k"], "aggregates": {"v": ["sum", "v"]}}
    steps = [
        step("x", "tables.read_csv", {"table": "x", "columns": {"k": "int64", "v": "int64"}}, (), file),
        step("one", "tables.groupby", groupby, ("x",)),
        step("two", "tables.groupby", groupby, ("x",)),
    ]
    cell = Cell(Job(threads=1, values={}, handovers=str(tmp_path), steps=tuple(steps)))
    cell.load()
    cell.first("x")
    cell.first("one")
    cell.extract("one", str(tmp_path / "one"))
    cell.first("two")
    assert set(cell.outputs) == {"x", "two"}
    cell.extract("two", str(tmp_path / "two"))
    for name in ("one", "two"):
        cell.warm_up(name, 1)
    assert set(cell.outputs) == {"x"}
    assert len(cell.burst("two", 1, 0).timings) == 1


def test_a_cell_answers_every_request_and_no_other():
    requests = {value.name for value in vars(protocol).values() if isinstance(value, Request)}
    assert set(ANSWERS) == requests


def test_a_job_names_ops_that_are_there(tmp_path: Path):
    with pytest.raises(KeyError, match="nothing"):
        Cell(Job(threads=1, values={}, handovers=str(tmp_path), steps=(step("x", "nothing", {}, ()),)))
