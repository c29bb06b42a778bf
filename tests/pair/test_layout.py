"""``--layout reversed``: Julia gets arrays with reversed dimensions, and its results are read the same way."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.pair.ports_of import needs_julia
from tests.pair.requests import request
from twinbench.pair import command, layout, paste, save
from twinbench.pair.callee.values import Masked, Named
from twinbench.pair.inputs import Input
from twinbench.pair.target import Target

PYTHON = """
def add(x, row): return x + row
def other(x, row): return x + row + (x.shape[0] > 1)
"""

JULIA = """
add(x::Matrix, row) = x .+ row
add_as_in_python(x::Matrix, row) = x .+ row'
function off(x::Matrix, row)
    y = x .+ row
    !isempty(y) && size(y, 2) > 1 && (y[1, 2] += 1)
    return y
end
"""


@needs_julia
def test_reversed_dimensions_go_to_julia_and_come_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(PYTHON)
    Path("own.jl").write_text(JULIA)
    np.save("x.npy", np.arange(6.0).reshape(2, 3))
    np.save("row.npy", np.arange(3.0))
    names = ["add", "add_as_in_python", "off"]
    functions = ["own.py:add", *(f"{name}=own.jl:{name}" for name in names)]
    options = {"inputs": ["x.npy", "row.npy"], "generate": 30, "seed": 1}
    asked = request(functions, layout="reversed", **options)
    verdict = command.run(asked)
    assert verdict.handover.startswith("Julia gets an array of shape (2, 3) as (3, 2), not copied")
    assert [bool(verdict.of(name)) for name in names] == [False, True, True]
    assert verdict.of("off")[0].text == "element (1, 0) ((1, 2) in Julia): 3.0 and 4.0; 1 of 6 values differs"
    (smallest,) = [finding for finding in verdict.of("off") if finding.drawn]
    assert smallest.example.positional[0].shape == (2, 1)
    assert paste.call("julia", "off", *verdict.functions["off"].arguments(smallest.example)).startswith(
        "off([0.0 0.0], "
    )
    (test,) = [path for path in save.save(verdict, asked, tmp_path) if path.suffix == ".jl"]
    assert "@test same(off([0.0 0.0], [0.0]), [0.0 0.0])" in test.read_text()
    same = command.run(request(functions[:3], **options))
    assert "copied into its own order" in same.handover
    assert [bool(same.of(name)) for name in names[:2]] == [True, False]


def test_every_array_of_an_argument_is_reversed():
    matrix = np.arange(6).reshape(2, 3)
    value = [(matrix, "a"), {"k": Masked(matrix, matrix > 2)}, Named({"m": matrix}), 1, matrix[0]]
    reversed_ = layout.reversed_dimensions(value)
    assert [reversed_[0][0].shape, reversed_[1]["k"].mask.shape, reversed_[2].values["m"].shape] == [(3, 2)] * 3
    assert (reversed_[0][1], reversed_[3], reversed_[4].shape) == ("a", 1, (3,))


def test_the_handover_is_shown_where_there_is_one():
    julia, python = Target("j", "a.jl", "f", None), Target("p", "a.py", "f", None)
    matrix = Input("", [{"k": [np.zeros((2, 3))]}])
    assert "(2, 3) in this shape" in layout.handover([python, julia], [matrix])
    assert layout.handover([python, python], [matrix]) == ""
    assert layout.handover([python, julia], [Input("", [np.zeros(3), 1])]) == ""
