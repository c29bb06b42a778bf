"""Values of every kind arrive as they were sent: in bytes, in Python's native forms, and in Julia's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from tests.pair.ports_of import Live, needs_julia
from tests.pair.values import VALUES
from twinbench.pair.callee import wire
from twinbench.pair.callee.native import native, neutral
from twinbench.pair.callee.values import Table
from twinbench.pair.differences import Rules, difference
from twinbench.pair.inputs import Input
from twinbench.pair.session import Outcome

FUNCTIONS = Path(__file__).with_name("functions")
QUICK = settings(deadline=None, max_examples=80, suppress_health_check=list(HealthCheck), derandomize=True)


@QUICK
@given(VALUES)
def test_bytes_hold_the_value(value: Any):
    assert difference(value, wire.decode(wire.encode(value)), Rules()) is None


@QUICK
@given(VALUES)
def test_a_native_form_holds_the_value(value: Any):
    assert difference(value, neutral(native(value)), Rules()) is None


@QUICK
@given(VALUES)
def test_bytes_that_are_cut_off_are_refused(value: Any):
    with pytest.raises(ValueError, match="message"):
        wire.decode(wire.encode(value)[:-1])


@pytest.mark.parametrize("data", [b"", b"?", b"l\xff\xff\xff\xff\xff\xff\xff\x00", b"x\x03\0\0\0\0\0\0\0abc", b"NN"])
def test_other_bytes_are_refused(data: bytes):
    with pytest.raises(ValueError, match="message"):
        wire.decode(data)


def test_a_list_that_holds_itself_does_not_travel():
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ValueError, match="deep"):
        wire.encode(endless)


@pytest.fixture(scope="module")
def julia() -> Iterator[Live]:
    with Live(["julia"]) as live:
        live.load_functions([f"{FUNCTIONS / 'same.jl'}:same"])
        yield live


@needs_julia
@settings(QUICK, max_examples=15)  # Julia compiles for every new type
@given(value=VALUES)
def test_julia_gives_back_what_it_was_handed(julia: Live, value: Any):
    (outcome,) = julia.outcomes(julia.functions, Input("", [value]), twice=True)
    assert isinstance(outcome, Outcome)
    assert (outcome.raised, outcome.changed, outcome.second) == (None, None, None)
    assert difference(value, outcome.result, Rules()) is None


@needs_julia
def test_index_order_and_shape_are_those_of_numpy(julia: Live):
    cube = np.arange(24.0).reshape(2, 3, 4)
    (outcome,) = julia.outcomes(julia.functions, Input("", [cube]))
    assert isinstance(outcome, Outcome)
    assert np.array_equal(outcome.result, cube)


@needs_julia
def test_complex_numbers_of_whole_parts_are_those_of_python(julia: Live):
    julia.load_functions([f"{FUNCTIONS / 'same.jl'}:whole_complex"])
    (outcome,) = julia.outcomes(julia.functions, Input("", [1]))
    assert isinstance(outcome, Outcome)
    assert difference((1 + 2j, np.array([1 + 2j, 1 - 1j])), outcome.result, Rules()) is None
    julia.load_functions([f"{FUNCTIONS / 'same.jl'}:same"])


def test_a_table_of_pandas_keeps_labelled_rows_as_a_column():
    import pandas as pd

    frame = pd.DataFrame({"v": [1.0, 2.0]}, index=pd.Index(["a", "b"], name="k"))
    table = neutral(frame)
    assert isinstance(table, Table)
    assert list(table.columns) == ["k", "v"]
    assert list(neutral(frame.reset_index()).columns) == ["k", "v"]
    assert list(neutral(pd.DataFrame({"v": [1, 2, 3]})[1:]).columns) == ["v"]


@pytest.mark.parametrize("text", ["\ud800", "a\ud800\u4e2d", "a\0b", "\udc80é"])
def test_texts_that_are_not_unicode_come_back(text: str):
    assert wire.decode(wire.encode(text)) == text
