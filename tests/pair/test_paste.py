"""What is printed of an input can be pasted: it is the input again, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.pair.ports_of import Live, needs_julia
from tests.pair.values import VALUES
from twinbench.pair import paste
from twinbench.pair.callee.native import neutral
from twinbench.pair.differences import Rules, difference
from twinbench.pair.inputs import Input
from twinbench.pair.session import Outcome

QUICK = settings(deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, phases=[Phase.generate])


@settings(QUICK, max_examples=100)
@given(VALUES)
def test_python_reads_back_what_was_pasted(value: Any):
    names = {"np": np, "pd": pd, "datetime": __import__("datetime")}
    assert difference(value, neutral(eval(paste.python(value), names)), Rules(loose_dtypes=True)) is None


@needs_julia
def test_julia_reads_back_what_was_pasted(tmp_path: Path):
    values: list[Any] = [np.zeros(shape, dtype) for shape in ((1, 1), (3, 1), (1, 3)) for dtype in ("f8", "f4")]

    @settings(QUICK, max_examples=15)
    @given(VALUES)
    def collect(value: Any) -> None:
        values.append(value)

    collect()
    file = tmp_path / "pasted.jl"
    lines = "".join(f"    {paste.julia(value)},\n" for value in values)
    file.write_text(f"using DataFrames, Dates\n\nconst VALUES = Any[\n{lines}]\npasted(_) = VALUES\n", encoding="utf-8")
    with Live(["julia"]) as live:
        functions = live.load_functions([f"{file}:pasted"])
        (outcome,) = live.outcomes(functions, Input("", [0]))
    assert isinstance(outcome, Outcome)
    assert outcome.raised is None, outcome.says
    for value, back in zip(values, list(outcome.result), strict=True):
        assert difference(value, back, Rules()) is None


@pytest.mark.parametrize(
    ("value", "python", "julia"),
    [
        (np.array([[1.0, 2.0], [3.0, 4.0]]), "np.array([[1.0, 2.0], [3.0, 4.0]])", "[1.0 2.0; 3.0 4.0]"),
        (np.array([], "f4"), "np.array([], 'float32')", "Float32[]"),
        (np.zeros((0, 3)), "np.zeros((0, 3), 'float64')", "Array{Float64}(undef, 0, 3)"),
        ("a$b\n", "'a$b\\n'", '"a\\$b\\n"'),
        ({"k": [1, None]}, "{'k': [1, None]}", 'Dict("k" => Any[1, nothing])'),
        (2**70, str(2**70), f'big"{2**70}"'),
    ],
)
def test_the_text_is_what_a_person_would_write(value: Any, python: str, julia: str):
    assert (paste.python(value), paste.julia(value)) == (python, julia)


def test_a_large_value_is_not_written_out():
    for text in (paste.python, paste.julia):
        with pytest.raises(paste.TooLarge):
            text(np.zeros(1000))
