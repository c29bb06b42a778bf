"""Tables and parameters inside and outside the contracts of the table ops: refused in one line, or all stacks agree."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.refusals import refusal
from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays
from twinbench.plan.stack import deviation
from twinbench.run.agree.agreement import check_agreement

NAN, INF = float("nan"), float("inf")
NAMES = [
    *("k", "x", "K", "", " ", "a b", "self", "index", "level_0", "count", "order", "select", "row number", "rowid"),
    *("c0", "t0", "left", "on", "1", "-1", "x.y", "x_right", "x_y", "key_0", "nan", "None", "name", "by", "literal"),
    *('q"x', '"', "it's", "`x`", "*", "^k$", "^.*$", "(x)", "[x]", "{x}", "$x", "%s", "?", "\\d", "x=a", "k=", ":x"),
    *("é", "e\u0301", "名前", "😀", "\uffff", "a\nb", "a\tb", "a,b", "#x", "@x", "len", "max", "values", "columns"),
]
"""Names of columns: words of APIs and of SQL, patterns, quotes, and letters outside ASCII."""

INTS = st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1, 2**53 + 1, -(2**53) - 1, 2**62, 10**6])
FLOATS = st.integers(-4, 4).map(lambda n: n / 2) | st.sampled_from(
    [
        NAN,
        NAN,
        INF,
        -INF,
        -0.0,
        0.1,
        1 / 3,
        5e-324,
        -5e-324,
        1e308,
        1e308,
        -1.7e308,
        1.7e308,
        8e307,
        1e-170,
        1e160,
        1e15,
        2.0**53,
        2.0**63,
    ]
)
TEXTS = st.sampled_from(["", "a", "b", "A", "é", "e\u0301", "\uffff", "😀", " ", "a ", "NA", "nan", "null", "10", "9"])
TIMES = st.sampled_from(
    [
        *("2024-02-29T23:59:59Z", "1969-12-31T00:00:00Z", "2000-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
        *("9999-12-31T23:59:59Z", "1582-10-10T12:00:00Z", "1900-02-28T00:00:00Z", "1677-09-21T00:12:43Z"),
    ]
) | st.sampled_from(["", "2024-02-30T00:00:00Z", "2024-01-01", "2016-12-31T23:59:60Z", "2024-01-01T24:00:00Z"])
ODD_TEXTS = st.sampled_from(["it's", 'a"b', "a\nb", "a,b", "{}", "%s", "\\", "x'; --", "\u200b", "$1", "a=b"])
KINDS: dict[str, tuple[Any, st.SearchStrategy[Any]]] = {
    "int64": (np.int64, INTS),
    "small": (np.int64, st.integers(0, 2)),
    "float64": (np.float64, FLOATS),
    "tame": (np.float64, st.sampled_from([NAN, 0.0, 0.5, -1.5, 3.25, 1e6])),
    "string": (np.str_, TEXTS),
    "odd": (np.str_, ODD_TEXTS | TEXTS),
    "time": (np.str_, TIMES),
    "uint8": (np.uint8, st.integers(0, 1)),
}


@st.composite
def tables(draw: st.DrawFn, names: tuple[str, ...] = ()) -> Arrays:
    """A table of 0 to 7 rows under any names, of which some may be given."""
    every = list(dict.fromkeys([*names, *draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True))]))
    rows = draw(st.sampled_from([0, 1, 2, 3, 5, 7]))
    table = {}
    for name in draw(st.permutations(every)):
        dtype, values = KINDS[draw(st.sampled_from([*KINDS]))]
        if draw(st.integers(0, 5)) == 0:
            values = st.just(draw(values))
        table[name] = np.array(draw(st.lists(values, min_size=rows, max_size=rows)), dtype=dtype)
    return table


def some(names: list[str], least: int = 1) -> st.SearchStrategy[list[str]]:
    """Names of columns, seldom twice, and seldom of a column that isn't there."""
    return st.one_of(
        *[st.lists(st.sampled_from(names), min_size=least, max_size=3, unique=True)] * 9,
        st.lists(st.sampled_from([*names, "absent"]), max_size=3),
    )


def typed(table: Arrays, *kinds: str) -> list[str]:
    """Names of the columns with these kinds of dtypes, or of all columns where there are none."""
    return [name for name, values in table.items() if values.dtype.kind in kinds] or [*table]


def new(table: Arrays) -> st.SearchStrategy[str]:
    """A name for a new column."""
    return st.sampled_from([name for name in NAMES if name not in table])


@st.composite
def definitions(draw: st.DrawFn, table: Arrays) -> dict[str, Any]:
    """Derivations of up to three new columns."""
    number, text = st.sampled_from(typed(table, "i", "f")), st.sampled_from(typed(table, "U"))
    whole = st.sampled_from(typed(table, "i"))
    factors = st.sampled_from([1.0, 60.0, -1.0, 0.0, 1e-3, 1e300, INF, NAN])
    bounds = st.sampled_from([0.0, -0.0, 0.5, 2.0**53, 2.0**63, -1e308, INF, NAN, 5e-324])
    forms = st.one_of(
        st.tuples(st.sampled_from(["month", "weekday"]), text),
        st.tuples(st.just("floor_divide"), whole, st.sampled_from([1, 2, 7, 2**62, 2**63 - 1, 2**63, 0, -1])),
        st.tuples(st.just("ratio"), number, number, factors),
        st.tuples(st.just("greater"), number, bounds),
    )
    return draw(st.dictionaries(new(table), forms, min_size=1, max_size=3))


@st.composite
def aggregates(draw: st.DrawFn, table: Arrays) -> dict[str, Any]:
    """Aggregates of up to four new columns."""
    number, any_column = st.sampled_from(typed(table, "i", "f")), st.sampled_from([*table])
    forms = st.one_of(
        st.tuples(st.sampled_from(["sum", "mean", "min", "max", "median", "std", "count"]), number),
        st.tuples(st.just("count"), any_column),
        st.tuples(st.sampled_from(["max_minus_min", "r2"]), number, number),
    )
    return draw(st.dictionaries(st.sampled_from(NAMES), forms, min_size=1, max_size=4))


Drawn = tuple[dict[str, Any], list[Arrays]]
flags = st.booleans()


@st.composite
def of_one_table(draw: st.DrawFn, parameters: Callable[[Any, Arrays], dict[str, Any]]) -> Drawn:
    """A table, and parameters that name its columns."""
    table = draw(tables())
    return parameters(draw, table), [table]


@st.composite
def join(draw: st.DrawFn) -> Drawn:
    """Two tables that share one or two names."""
    keys = tuple(draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=2, unique=True)))
    left, right = draw(tables(keys)), draw(tables(keys))
    for name in keys:
        if draw(st.integers(0, 4)):
            dtype, strategy = KINDS[draw(st.sampled_from(["int64", "small", "tame", "string", "odd", "float64"]))]
            for side in (left, right):
                values = draw(st.lists(strategy, min_size=len(side[name]), max_size=len(side[name])))
                side[name] = np.array(values, dtype=dtype)
    columns = some([name for name in right if name not in left] or [*right], 0)
    on = [*keys] if draw(st.integers(0, 9)) else draw(some([*left]))
    how = draw(st.sampled_from(["inner", "left"]))
    return {"on": on, "how": how, "columns": draw(columns), "ordered": draw(flags)}, [left, right]


@st.composite
def split(draw: st.DrawFn) -> Drawn:
    """A table with classes, of which enough rows are left to test."""
    table = draw(tables())
    label = draw(new(table))
    rows = draw(st.sampled_from([5, 12, 40]))
    table = {name: np.resize(values, rows) if len(values) else np.zeros(rows) for name, values in table.items()}
    if draw(st.integers(0, 3)):
        table = {
            name: np.nan_to_num(v, posinf=1.0, neginf=2.0) if v.dtype.kind == "f" else v for name, v in table.items()
        }
    table[label] = np.array(draw(st.lists(st.sampled_from([0, 1] * 20 + [2]), min_size=rows, max_size=rows)))
    texts = [name for name, values in table.items() if values.dtype.kind == "U"]
    drop = draw(st.permutations(texts)) if draw(st.integers(0, 3)) else draw(some([*table], 0))
    fraction = draw(st.sampled_from([0.5, 0.25, 0.9]))
    return {"label": label, "drop": drop, "test_fraction": fraction, "seed": 1}, [table]


KEYS = "iU"
CASES: dict[str, st.SearchStrategy[Drawn]] = {
    "categorise": of_one_table(lambda draw, table: {"columns": draw(some(typed(table, "U")))}),
    "clean": of_one_table(
        lambda draw, table: {
            "drop_missing": draw(some([*table], 0)),
            "cast": draw(
                st.dictionaries(
                    st.sampled_from(typed(table, "i", "f", "u")), st.sampled_from(["int64", "float64"]), max_size=2
                )
            ),
        }
    ),
    "impute": of_one_table(
        lambda draw, table: {
            "columns": draw(some(typed(table, "f"))),
            "strategy": draw(st.sampled_from(["median", "mean"])),
        }
    ),
    "derive": of_one_table(lambda draw, table: {"columns": draw(definitions(table))}),
    "groupby": of_one_table(
        lambda draw, table: {
            "keys": draw(some(typed(table, *KEYS))),
            "aggregates": draw(aggregates(table)),
            "ordered": draw(flags),
        }
    ),
    "top": of_one_table(
        lambda draw, table: {
            "keys": draw(some(typed(table, *KEYS))),
            "column": draw(st.sampled_from(typed(table, "i", "f"))),
            "n": draw(st.sampled_from([1, 2, 100, 2**31 - 1, 0])),
            "ordered": draw(flags),
        }
    ),
    "join": join(),
    "sort": of_one_table(lambda draw, table: {"by": draw(some([*table])), "descending": draw(flags)}),
    "rolling": of_one_table(
        lambda draw, table: {
            "name": draw(new(table)),
            "by": draw(some([*table])),
            "column": draw(st.sampled_from(typed(table, "i", "f"))),
            "window": draw(st.sampled_from([1, 2, 3, 2**31 - 1, 0])),
            "function": draw(st.sampled_from(["mean", "sum"])),
        }
    ),
    "one_hot": of_one_table(lambda draw, table: {"columns": draw(some(typed(table, *KEYS)))}),
    "standardise": of_one_table(lambda draw, table: {"columns": draw(some(typed(table, "i", "f")))}),
    "split": split(),
}


@cache
def frameworks() -> list[Framework]:
    """The Python frameworks of tables that are installed, loaded once."""
    here = [registry.get(name) for name in ("pandas", "NumPy")]
    here += [registry.get(name) for name in ("Polars", "DuckDB") if importlib.util.find_spec(name.lower())]
    for framework in here:
        framework.load(1)
    return here


@pytest.mark.parametrize("name", CASES)
@settings(max_examples=30, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_not_refused_is_answered_alike_by_all(name: str, data: st.DataObject):
    op = ops.get(f"tables.{name}")
    values, inputs = data.draw(CASES[name])
    message = refusal(op.build, values)
    if message:
        assert "must" in message
        return
    params = op.build(values)
    message = refusal(op.requires, params, *inputs)
    if message:
        assert ": " in message or "column" in message
        return
    given_to_all = [op.givens(params, *inputs)] if op.givens else []
    want = op.reference(params, *inputs, *given_to_all)
    scale = op.scale(params, want, *inputs) if op.scale else {}
    for library in frameworks():
        if op.name in library.ops:
            native = [library.prepare(table, "table") for table in inputs]
            got = library.extract(library.ops[op.name](params, *native, *given_to_all), op.output)
            findings = check_agreement(op, got, want, deviation(library, op.name), params, scale, inputs)
            assert all(f.ok or f.declared for f in findings), (library.name, values, inputs, findings)
