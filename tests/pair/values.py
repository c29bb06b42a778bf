"""Strategies for neutral values of every kind."""

from __future__ import annotations

import datetime

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from twinbench.pair.callee.values import DTYPES, MISSING, Masked, Named, Table

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
TIMES = st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2250, 1, 1)).map(
    lambda time: time.replace(microsecond=time.microsecond // 1000 * 1000)  # Julia's DateTime counts milliseconds
)
SCALARS = st.one_of(
    st.none(),
    st.just(MISSING),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.complex_numbers(),
    TEXT,
    TIMES,
    TIMES.map(datetime.datetime.date),
)
NUMBERS = [np.dtype(name) for name in DTYPES if np.dtype(name).kind in "biufc"]
ARRAYS = st.sampled_from(NUMBERS).flatmap(lambda dtype: npst.arrays(dtype, npst.array_shapes(min_dims=1, min_side=0)))


@st.composite
def strings(draw, size: int | None = None):
    items = draw(st.lists(TEXT | st.just(MISSING), min_size=size or 0, max_size=4 if size is None else size))
    array = np.empty(len(items), object)
    array[:] = items
    return array


@st.composite
def masked(draw, size: int):
    values = draw(npst.arrays(st.sampled_from(["int64", "float64", "bool", "float32"]), size))
    return Masked(values, draw(npst.arrays("bool", size)))


@st.composite
def tables(draw):
    rows = draw(st.integers(0, 4))
    columns = st.one_of(npst.arrays(st.sampled_from(["int64", "float64", "bool"]), rows), masked(rows), strings(rows))
    names = st.text("abcÄ ", min_size=1, max_size=3)
    return Table(draw(st.dictionaries(names, columns, min_size=1, max_size=3)), rows)


LEAVES = st.one_of(SCALARS, ARRAYS, strings(), tables())
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, min_size=1, max_size=3).map(tuple),
        st.dictionaries(TEXT, inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", "c"]), inner, min_size=1).map(Named),
        st.sets(st.integers(0, 9) | TEXT, max_size=3),
    ),
    max_leaves=5,
)
