"""Tables that hypothesis makes up, with the parameters of every table op."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any, Literal

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from twinbench.conformance.case import Case, Files
from twinbench.ops.contract import Arrays

FEW = ["", "a", "b", "B", "ab", "é", "日本", "😀", "\uffff", "it's", 'q"', " ", "null", "nan", "NA", "10", "9"]
TEXT = st.sampled_from(FEW) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)
WORD = TEXT.filter(bool)
INT = st.integers(-4, 12)
BIG = st.integers(-(2**57), 2**57)
NUMBER = st.integers(-40_000, 40_000).map(lambda n: n / 8)
"""Numbers whose sums are exact in any order."""
MAYBE = st.just(np.nan) | NUMBER
MOVED = MAYBE | st.sampled_from([0.1, -1 / 3, 16_777_217.0])
"""Numbers for ops that only move them: some don't survive a conversion to float32."""
TIME = st.datetimes(datetime(1901, 1, 1), datetime(2199, 12, 31)).map(lambda time: f"{time:%Y-%m-%dT%H:%M:%SZ}")

DTYPES: dict[str, Any] = {
    **dict.fromkeys(("k", "n", "big", "label"), np.int64),
    **dict.fromkeys(("s", "r", "w", "time"), np.str_),
    "u": np.uint8,
}
"""Dtypes of the columns by name; the others are float64."""

LETTERS = st.characters(exclude_characters="\0\r", exclude_categories=["Cs"])
ODD = ["", "NA", "a,b", 'say "hi"', "two\nlines", "é", "日本", "NULL", "nan", "None", "#N/A", "-", "007", " x "]
HARD = ["NA", "", "1", "1e-5", "0.1000000000000000055511151231257827", "9007199254740993", "2.225073858507201e-308"]
FIELDS = {
    "id": st.integers(-(2**63), 2**63 - 1).map(str),
    "text": st.sampled_from(ODD) | st.text(LETTERS, max_size=4),
    "value": st.sampled_from(HARD) | st.floats(allow_nan=False, allow_infinity=False).map(repr),
    "Text": st.sampled_from(ODD) | st.text(LETTERS, max_size=4),
    "n": st.integers(-(2**63), 2**63 - 1).map(str),
}
"""Fields of a CSV file by column."""
TYPES = {"id": "int64", "text": "string", "value": "float64", "Text": "string", "n": "int64"}


@st.composite
def tables(draw: st.DrawFn, /, **columns: st.SearchStrategy[Any]) -> Arrays:
    """A read-only table of 0 to 16 rows; some columns aren't contiguous."""
    rows = draw(st.integers(0, 16))
    return {name: _column(draw, values, rows, DTYPES.get(name, np.float64)) for name, values in columns.items()}


def _column(draw: st.DrawFn, values: st.SearchStrategy[Any], rows: int, dtype: Any) -> NDArray[Any]:
    column: NDArray[Any] = np.array(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)
    if draw(st.booleans()):
        column = np.repeat(column, 2)[::2]
    column.flags.writeable = False
    return column


def _some(*names: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), min_size=1, unique=True)


@st.composite
def read_csv(draw: st.DrawFn) -> Case:
    """Files with odd fields, quoted and ended in several ways."""
    text = io.StringIO(newline="")
    quoting: Literal[0, 1] = csv.QUOTE_ALL if draw(st.booleans()) else csv.QUOTE_MINIMAL
    writer = csv.writer(text, quoting=quoting, lineterminator=draw(st.sampled_from(["\n", "\r\n"])))
    writer.writerows([tuple(FIELDS), *draw(st.lists(st.tuples(*FIELDS.values()), max_size=12))])
    columns = {name: TYPES[name] for name in draw(_some(*TYPES))}
    return Case({"table": "t", "columns": columns}, (Files({"t.csv": text.getvalue().encode()}, file="t.csv"),))


@st.composite
def categorise(draw: st.DrawFn) -> Case:
    """Strings that repeat, and those that are missing in every row."""
    table = draw(tables(s=TEXT, x=MOVED, r=st.sampled_from(FEW), w=st.just("")))
    return Case({"columns": draw(_some("s", "r", "w"))}, (table,))


@st.composite
def clean(draw: st.DrawFn) -> Case:
    """Casts of what has no missing values, or loses them."""
    table = draw(tables(a=MAYBE, s=TEXT, b=NUMBER, n=INT, c=MOVED))
    drop = draw(st.lists(st.sampled_from(["a", "s", "c"]), unique=True))
    casts = {"b": "int64", "n": "float64"} | ({"a": "int64"} if "a" in drop else {})
    return Case({"drop_missing": drop, "cast": {name: casts[name] for name in draw(_some(*casts))}}, (table,))


@st.composite
def impute(draw: st.DrawFn) -> Case:
    """Columns of which some have no value at all."""
    table = draw(tables(x=MAYBE, s=TEXT, y=MAYBE, z=st.just(np.nan), n=INT))
    strategy = draw(st.sampled_from(["median", "mean"]))
    return Case({"columns": draw(_some("x", "y", "z")), "strategy": strategy}, (table,))


@st.composite
def derive(draw: st.DrawFn) -> Case:
    """Every derivation, with negative numbers and with times before 1970."""
    table = draw(tables(x=MAYBE, n=st.integers(-2500, 2500), y=MAYBE.filter(bool), time=TIME))
    definitions = {
        "month": ["month", "time"],
        "weekday": ["weekday", "time"],
        "floor": ["floor_divide", "n", draw(st.integers(1, 100))],
        "ratio": ["ratio", "x", "y", draw(st.sampled_from([60.0, 1e-3, -1.0]))],
        "whole": ["ratio", "n", "y", 1.0],
        "greater": ["greater", "x", draw(NUMBER)],
        "over": ["greater", "n", 0.5],
    }
    return Case({"columns": {name: definitions[name] for name in draw(_some(*definitions))}}, (table,))


@st.composite
def groupby(draw: st.DrawFn) -> Case:
    """Several aggregates at once, by up to three keys with missing values."""
    table = draw(tables(s=TEXT, k=INT, r=st.sampled_from(FEW), x=MAYBE, n=INT, big=BIG, z=MAYBE))
    functions = st.sampled_from(["count", "sum", "mean", "min", "max", "median", "std"])
    column = st.sampled_from(["x", "n", "z"])
    new: dict[str, tuple[str, ...]] = {
        f"new{i}": draw(st.tuples(functions, st.sampled_from(["x", "n"]))) for i in range(draw(st.integers(1, 4)))
    }
    new["exact"] = draw(st.tuples(st.sampled_from(["count", "sum", "min", "max"]), st.just("big")))
    new["spread"] = ("max_minus_min", draw(column), draw(column))
    new["r2"] = ("r2", draw(column), draw(column))
    if draw(st.booleans()):
        new["texts"] = ("count", "r")
    return Case({"keys": draw(_some("s", "k", "r")), "aggregates": new, "ordered": draw(st.booleans())}, (table,))


@st.composite
def top(draw: st.DrawFn) -> Case:
    """Groups with fewer rows than are asked for, with ties and with missing values."""
    table = draw(tables(s=TEXT, x=MOVED, k=INT, r=st.sampled_from(FEW), n=INT, big=BIG))
    choice = {"column": draw(st.sampled_from(["x", "n", "big"])), "n": draw(st.integers(1, 4))}
    return Case(choice | {"keys": draw(_some("s", "k", "r")), "ordered": draw(st.booleans())}, (table,))


@st.composite
def join(draw: st.DrawFn) -> Case:
    """Keys that occur several times in both tables, or are missing."""
    left = draw(tables(k=INT, s=TEXT, x=MOVED))
    right = draw(tables(v=MOVED, s=st.sampled_from(FEW), w=TEXT, k=INT, n=INT, big=BIG))
    params = {"on": draw(_some("k", "s")), "how": draw(st.sampled_from(["inner", "left"]))}
    return Case(params | {"columns": draw(_some("v", "w", "n", "big")), "ordered": draw(st.booleans())}, (left, right))


@st.composite
def sort(draw: st.DrawFn) -> Case:
    """Ties, missing values and the smallest int64."""
    table = draw(tables(s=TEXT, row=MOVED, k=INT, x=MAYBE, big=st.sampled_from([-(2**63), -1, 2**63 - 1])))
    return Case({"by": draw(_some("s", "k", "x", "big")), "descending": draw(st.booleans())}, (table,))


@st.composite
def rolling(draw: st.DrawFn) -> Case:
    """Windows that are longer than some groups."""
    table = draw(tables(s=WORD, k=st.integers(0, 2), x=NUMBER, n=INT))
    choice = {"by": draw(_some("s", "k")), "column": draw(st.sampled_from(["x", "n"]))}
    function, window = draw(st.sampled_from(["mean", "sum"])), draw(st.integers(1, 20))
    return Case(choice | {"name": "new", "function": function, "window": window}, (table,))


@st.composite
def one_hot(draw: st.DrawFn) -> Case:
    """Categories of any text, and of whole numbers."""
    return Case({"columns": draw(_some("s", "k"))}, (draw(tables(x=MOVED, s=TEXT, k=INT, r=TEXT)),))


@st.composite
def standardise(draw: st.DrawFn) -> Case:
    """Columns of which some are constant."""
    constant = draw(st.floats(-1e6, 1e6))
    table = draw(tables(x=NUMBER, s=TEXT, n=INT, c=st.just(constant), tenth=st.just(0.1)))
    return Case({"columns": draw(_some("x", "n", "c", "tenth"))}, (table,))


@st.composite
def split(draw: st.DrawFn) -> Case:
    """Columns of several types, some of them left out."""
    table = draw(tables(s=TEXT, x=NUMBER, label=st.integers(0, 1), n=INT, u=st.integers(0, 1), y=NUMBER))
    fraction = draw(st.sampled_from([0.1, 0.25, 0.9]))
    drop = ["s", *draw(_some("n", "y"))]
    return Case({"label": "label", "drop": drop, "test_fraction": fraction, "seed": 3}, (table,))


CASES: dict[str, Callable[[], st.SearchStrategy[Case]]] = {
    strategy.__name__: strategy
    for strategy in (
        *(read_csv, categorise, clean, impute, derive, groupby, top, join, sort, rolling, one_hot, standardise, split),
    )
}


def cases(name: str, implemented: Collection[str]) -> st.SearchStrategy[Case]:
    """The strategy for ``tables.NAME``."""
    return CASES[name]()
