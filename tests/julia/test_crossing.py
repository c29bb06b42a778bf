"""What crosses between NumPy and Julia arrives as it left."""

from __future__ import annotations

import numpy as np
import pytest

from twinbench.ops.probe import Spin

DTYPES = [np.float32, np.float64, np.int64, np.uint8]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3,), (0,), (2, 3), (2, 3, 4), (0, 3), (3, 0)])
def test_arrays_survive(in_julia, dtype, shape):
    array = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    back = in_julia("round_trip", "probe.jl", {"a": array}, "arrays")["a"]
    assert back.dtype == dtype
    np.testing.assert_array_equal(back, array)


def test_a_matrix_in_another_memory_order_survives(in_julia):
    array = np.arange(6.0).reshape(2, 3).T
    np.testing.assert_array_equal(in_julia("round_trip", "probe.jl", {"a": array[::2]}, "arrays")["a"], array[::2])


def test_arrays_are_lent_and_not_copied(in_julia):
    there, back = in_julia("borrowed_address", "probe.jl", {"x": np.ones((100, 3), dtype=np.float32), "y": np.ones(5)})
    assert there == back


def test_a_table_survives_with_dtypes_missing_values_and_unicode(in_julia):
    columns = {
        "s": np.array(["Zürich", "", "🙂", "a" * 50]),
        "f": np.array([1.0, np.nan, -0.0, np.inf]),
        "i": np.array([1, -(2**63), 2**63 - 1, 0]),
        "u": np.array([0, 1, 0, 255], dtype=np.uint8),
    }
    back = in_julia("round_trip", "DataFrames.jl", columns, "table")
    assert list(back) == list(columns)
    for name, values in columns.items():
        assert back[name].dtype == values.dtype
        np.testing.assert_array_equal(back[name], values)


def test_facts_tell_how_columns_are_held(in_julia):
    columns = {"s": np.array(["a", "b"] * 50), "f": np.array([1.0] * 99 + [np.nan]), "g": np.arange(100.0)}
    facts = in_julia("facts", "DataFrames.jl", columns, "table")
    assert facts["s"] == "Vector{String}", "categories are asked for by an op of their own"
    assert "Missing" in facts["f"]
    assert facts["g"] == "Vector{Float64}"


def test_threads_are_read_back_from_the_live_runtime(in_julia):
    assert in_julia("threads", "probe.jl") == {"julia": 1, "julia_blas": 1}


def test_a_framework_of_somebody_else_is_one_julia_file(in_julia, tmp_path):
    file = tmp_path / "mine.jl"
    file.write_text(
        'const NAME = "mine.jl"\nconst PACKAGES = ["Statistics"]\nconst SUMMARY = "Mine"\n\n'
        "import Statistics\n\nspin(p) = (value = [Statistics.mean([0.0, p.microseconds])],)\n\n"
        'const OPS = Dict{String, Function}("probe.spin" => spin)\n'
    )
    assert in_julia("outside", str(file), "probe.spin", Spin(microseconds=3.0))["value"].tolist() == [1.5]
