"""Functions of the user's in Julia: what they are handed, what they give back, and what is said of their mistakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinbench.data import registry
from twinbench.plan import pipeline as pipelines

EXAMPLES = Path(__file__).parents[2] / "examples" / "ops"

CODE = """
module Parts
    include("helper.jl")
    scaled(arrays; factor) = (x = times(arrays.x, factor), y = arrays.y, n = 3)
end
raises(arrays; factor) = inner(arrays)
@noinline inner(arrays) = throw(ArgumentError("too few"))
alone(arrays; factor) = arrays.x
words(table; factor) = (word = [first(split(text * " ", ' ')) for text in table.text], n = length.(table.text))
types(table; factor) = (types = [string(typeof(column)) for column in values(table)],)
counts(arrays; factor) = (text = arrays.x .* "!", flags = arrays.y .> 0, small = Int16.(arrays.y))
lists(arrays; factor) = (x = collect(factor) .* 2,)
"""

ARRAYS = {"x": np.arange(6.0).reshape(2, 3), "y": np.arange(2)}
TABLE = {"text": np.array(["to be", "", "\u00fcber alles"]), "n": np.array([1.5, np.nan, 2.0])}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "helper.jl").write_text("times(x, factor) = factor .* x\n")
    (tmp_path / "code.jl").write_text(CODE)
    return tmp_path / "code.jl"


def test_arrays_and_tables_come_and_go_with_text_and_every_type(in_julia, file: Path):
    def answer(name, inputs, kind, factor=2.0):
        return in_julia("own", str(file), name, inputs, kind, {"factor": factor})

    scaled = answer("Parts.scaled", ARRAYS, "arrays")
    np.testing.assert_array_equal(scaled["x"], ARRAYS["x"] * 2)
    assert scaled["x"].shape == (2, 3)
    assert scaled["n"] == 3
    words = answer("words", TABLE, "table")
    assert words["word"].tolist() == ["to", "", "\u00fcber"]
    assert words["n"].tolist() == [5, 0, 10]
    assert answer("types", TABLE, "table")["types"].tolist() == ["Vector{String}", "Vector{Float64}"]
    counts = answer("counts", {"x": np.array(["one", "two"]), "y": np.array([0, 1], np.int32)}, "arrays")
    assert counts["text"].tolist() == ["one!", "two!"]
    assert (counts["flags"].dtype, counts["small"].dtype) == (np.bool_, np.int16)
    assert answer("lists", ARRAYS, "arrays", [1, 2])["x"].tolist() == [2, 4]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "ArgumentError: too few (code.jl:7, called at code.jl:6"),
        ("alone", "code.jl:alone returns a value of type Matrix{Float64} instead of a NamedTuple of arrays"),
        ("alonee", "code.jl has no function 'alonee'; did you mean 'alone'?"),
    ],
)
def test_a_mistake_is_a_line_with_the_users_frames(in_julia, file: Path, name: str, said: str):
    line = in_julia("own", str(file), name, ARRAYS, "arrays", {"factor": 2.0})
    assert isinstance(line, str)
    assert said in line
    assert "\n" not in line


def test_a_file_that_raises_is_named_with_its_line(in_julia, file: Path):
    file.write_text('x = 1\nerror("not today")\n')
    line = in_julia("own", str(file), "f", ARRAYS, "arrays", {})
    assert line.startswith("code.jl can't be included: ")
    assert "not today" in line
    assert "code.jl:2" in line


def test_the_functions_of_the_example_agree(in_julia, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path))
    pipeline = pipelines.load(EXAMPLES / "digit-profiles.toml")
    step = pipeline.steps[0]
    digits = registry.get("digits").value(50)
    want = step.op.reference(step.params, digits)
    got = in_julia("own", step.op.functions["Julia"].file, "profiles", digits, "images", {"window": 3})
    np.testing.assert_allclose(got["x"], want["x"], rtol=1e-12)
    np.testing.assert_array_equal(got["y"], want["y"])
