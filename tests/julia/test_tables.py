"""Every op of DataFrames.jl against its reference, through the interface that a worker uses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops import tables as t
from twinbench.ops.tables.rows import split_givens
from twinbench.run.agree.agreement import check_agreement

NAME = "DataFrames.jl"
AGGREGATES = {
    f"{what}_{of}": (what, of) for of in ("n", "x") for what in ("count", "sum", "mean", "min", "max", "median", "std")
} | {
    f"{what}_{a}{b}": (what, a, b)
    for what in ("max_minus_min", "r2")
    for a, b in (("n", "x"), ("x", "x"), ("n", "n"), ("y", "n"))
}


def table(keys, ns, xs, times=None):
    """The columns that the cases below speak of: ``k`` string, ``n`` int64, ``x`` and ``y`` float64, ``t`` times."""
    times = times or ["2013-01-01T05:00:00Z"] * len(keys)
    return {
        "k": np.array(keys, dtype=np.str_),
        "n": np.array(ns, dtype=np.int64),
        "x": np.array(xs, dtype=np.float64),
        "y": np.array(ns, dtype=np.float64) / 4 + 1,
        "t": np.array(times, dtype=np.str_),
    }


nan = float("nan")
TABLES = {
    "common": table(["b", "a", "b", "c", "a"], [3, 1, 3, -2, 7], [1.5, nan, 0.5, -2.5, 4.0]),
    "missing keys": table(["b", "", "b", ""], [3, 1, 2, 2], [nan, nan, 0.5, 1.0]),
    "signed zeros": table(["b", "a", "b", "a", "b"], [1, 2, 3, 4, 5], [0.0, -0.0, nan, 0.0, -0.0]),
    "all missing": table(["", ""], [0, 0], [nan, nan]),
    "unicode": table(["é", "東京", "z", "🙂", "Z", "é"], [1, 2, 3, 4, 5, 6], [1, 2, 3, 4, 5, 6]),
    "one row": table(["a"], [1], [2.0]),
    "ties": table(["a"] * 40 + ["b"] * 40, [1, 2] * 40, [0.25] * 80),
    "calendar": table(
        ["a"] * 4,
        [1, 2, 3, 4],
        [1, 2, 3, 4],
        ["1969-12-31T23:59:59Z", "2000-02-29T00:00:00Z", "2013-12-29T12:00:00Z", "2024-01-01T00:00:00Z"],
    ),
    "empty": table([], [], []),
}
RIGHT = {
    "k": np.array(["a", "b", "", "b", "é"], dtype=np.str_),
    "n": np.array([1, 3, 1, 3, 1], dtype=np.int64),
    "v": np.array([1, 2, 3, 4, 5], dtype=np.int64),
    "w": np.array([0.5, nan, 1.5, 2.5, 3.5]),
    "s": np.array(["x", "", "東", "z", "w"], dtype=np.str_),
}
NO_RIGHT = {name: values[:0] for name, values in RIGHT.items()}
DERIVED = {
    "q": ("floor_divide", "n", 2),
    "r": ("ratio", "x", "y", 60.0),
    "g": ("greater", "x", 0.5),
    "m": ("month", "t"),
    "d": ("weekday", "t"),
}

ONE_TABLE = [
    t.Categorise(columns=("t", "k")),
    t.Clean(drop_missing=("x", "k"), cast={"x": "int64", "n": "float64"}),
    t.Clean(drop_missing=(), cast={"y": "int64"}),
    t.Impute(columns=("x", "y"), strategy="median"),
    t.Impute(columns=("x",), strategy="mean"),
    t.Derive(columns=DERIVED),
    t.Groupby(keys=("k",), aggregates=AGGREGATES),
    t.Groupby(keys=("n", "k"), aggregates={"c": ("count", "x"), "a": ("min", "n")}),
    t.Top(keys=("k",), column="x", n=2),
    t.Top(keys=("n", "k"), column="y", n=1),
    t.Top(keys=("t",), column="n", n=3),
    t.Groupby(keys=("k", "n"), aggregates=AGGREGATES, ordered=False),
    t.Top(keys=("k",), column="n", n=2, ordered=False),
    t.Sort(by=("k", "n")),
    t.Sort(by=("k", "n"), descending=True),
    t.Sort(by=("x",)),
    t.Sort(by=("x",), descending=True),
    t.Rolling(name="r", by=("n",), column="y", window=3),
    t.Rolling(name="r", by=("n", "t"), column="n", window=2, function="sum"),
    t.OneHot(columns=("k", "n")),
    t.Standardise(columns=("n", "y")),
]
OP_OF = {op.params: op for op in ops.of_modality("tables")}


def agrees(in_julia, params, *inputs, categories=False):
    op = OP_OF[type(params)]
    kinds = list(zip(inputs, [*op.inputs, "arrays"], strict=False))
    got = in_julia("run", NAME, op.name, params, kinds, categories)
    findings = check_agreement(op, got, op.reference(params, *inputs), params=params)
    assert [finding for finding in findings if not finding.ok] == []


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("params", ONE_TABLE, ids=lambda params: f"{type(params).__name__}{ONE_TABLE.index(params)}")
def test_an_op_agrees_with_its_reference(in_julia, params, name):
    agrees(in_julia, params, TABLES[name])
    agrees(in_julia, params, TABLES[name], categories=True)


@pytest.mark.parametrize("right", [RIGHT, NO_RIGHT], ids=["right", "empty right"])
@pytest.mark.parametrize("on", [("k",), ("n",), ("k", "n")], ids="+".join)
@pytest.mark.parametrize("how", ["inner", "left"])
@pytest.mark.parametrize("name", TABLES)
def test_join_agrees_with_its_reference(in_julia, name, how, on, right):
    for ordered, categories in ((True, False), (False, False), (True, True)):
        params = t.Join(on=on, how=how, columns=("s", "v", "w"), ordered=ordered)
        agrees(in_julia, params, TABLES[name], right, categories=categories)


@pytest.mark.parametrize("rows", [0, 1, 5, 3000])
def test_split_agrees_with_its_reference(in_julia, rows):
    rng = np.random.default_rng(rows)
    columns = {
        "label": rng.integers(0, 2, rows),
        "a": rng.normal(size=rows),
        "s": np.full(rows, "text"),
        "b": rng.integers(0, 2, rows).astype(np.uint8),
    }
    params = t.Split(label="label", drop=("s",), test_fraction=0.25, seed=1)
    agrees(in_julia, params, columns, split_givens(params, columns))


CSV = {
    "plain": "n,unused,s,f\n1,a,x,1.5\n-2,b,y,2e-3\n",
    "missing": "n,unused,s,f\n1,,NA,\n2,,,NA\n",
    "quoted": 'n,unused,s,f\n1,"a,b","say ""hi""",0.1\n2,"c\nd","two\nlines",1e300\n',
    "numbers as strings": "n,unused,s,f\n1,a,007,1\n2,b,2013-01-01,2\n",
    "look-alikes": "n,unused,s,f\n1,a,true,1\n2,b,2013-01-01T05:00:00,2\n3,c,12:30:00,3\n4,d,1e5,4\n",
    "numbers before strings": "n,unused,s,f\n" + "1,a,12,1\n" * 200 + "2,b,text,2\n",
    "strings that are all missing": "n,unused,s,f\n1,a,NA,1\n2,b,,2\n",
    "unicode": "n,unused,s,f\n1,a,東京,1\n2,b,🙂é,2\n",
    "hard to round": "n,unused,s,f\n9223372036854775807,a,x,0.1234567890123456789\n2,b,y,5e-324\n",
    "no last newline": "n,unused,s,f\n1,a,x,1.5",
    "carriage returns": "n,unused,s,f\r\n1,a,x,1.5\r\n2,b,y,\r\n",
    "only a header": "n,unused,s,f\n",
    "long strings": "n,unused,s,f\n1,a," + "x" * 300 + ",1\n2,b,y,2\n",
    "repeating": "n,unused,s,f\n" + "1,a,x,1.5\n2,b,,2.5\n" * 2000,
}


def test_whole_numbers_at_the_ends_of_int64_keep_their_signs(in_julia, tmp_path: Path):
    file = tmp_path / "table.csv"
    numbers = [-(2**63) + i for i in range(12)] + [2**63 - 1 - i for i in range(12)]
    file.write_text("s,n\n" + "".join(f"x,{number}\n" for number in numbers))
    agrees(in_julia, t.ReadCsv(table="table", columns={"s": "string", "n": "int64"}), str(file))


def test_a_zero_joins_a_zero_of_the_other_sign(in_julia):
    left = {"f": np.array([0.0, -0.0, 1.0, nan]), "i": np.arange(4)}
    right = {"f": np.array([-0.0, nan, 1.0]), "v": np.arange(3)}
    for how in ("inner", "left"):
        agrees(in_julia, t.Join(on=("f",), how=how, columns=("v",)), left, right)


@pytest.mark.parametrize("name", CSV)
def test_read_csv_agrees_with_its_reference(in_julia, tmp_path: Path, name):
    file = tmp_path / "table.csv"
    file.write_text(CSV[name], encoding="utf-8", newline="")
    columns = {"f": "float64", "s": "string", "n": "int64"}
    agrees(in_julia, t.ReadCsv(table="table", columns=columns), str(file))


def test_strings_are_held_one_by_one_and_categories_by_codes(in_julia, tmp_path: Path):
    file = tmp_path / "table.csv"
    rows = "".join(f"{'ab'[i % 2]},text {i},{'' if i % 3 else 'x'}\n" for i in range(3000))
    file.write_text(f"few,many,gaps\n{rows}")
    strings, categories = in_julia("held", NAME, ["few", "many", "gaps"], str(file))
    assert [name for name, how in strings.items() if "Pooled" in how] == []
    assert [name for name, how in categories.items() if "Pooled" in how] == ["few", "many", "gaps"]


keys = st.text(alphabet="ab é🙂", max_size=2)
rows = st.lists(st.tuples(keys, st.integers(-3, 3), st.floats(-1e3, 1e3) | st.just(nan)), max_size=30)


@pytest.mark.parametrize("params", ONE_TABLE, ids=lambda params: f"{type(params).__name__}{ONE_TABLE.index(params)}")
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows)
def test_an_op_agrees_on_any_table(in_julia, params, rows):
    agrees(in_julia, params, table(*(list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    left=rows, right=st.lists(st.tuples(keys, st.integers(-3, 3)), max_size=10), how=st.sampled_from(["inner", "left"])
)
def test_join_agrees_on_any_tables(in_julia, left, right, how):
    one = table(*(list(column) for column in zip(*left, strict=True)) if left else ([], [], []))
    other = {"k": np.array([k for k, _ in right], dtype=np.str_), "v": np.array([v for _, v in right], dtype=np.int64)}
    agrees(in_julia, t.Join(on=("k",), how=how, columns=("v",)), one, other)


def chained(in_julia, *steps):
    """The native results of steps in Julia against the neutral results of the references."""
    want = ()
    for params, *inputs in steps:
        op = OP_OF[type(params)]
        want = (op.reference(params, *want, *inputs),)
    calls = [(OP_OF[type(params)].name, params, [(table, "table") for table in inputs]) for params, *inputs in steps]
    findings = check_agreement(op, in_julia("chain", NAME, calls), want[0])
    assert [finding for finding in findings if not finding.ok] == []


def test_what_a_join_leaves_missing_the_next_step_fills(in_julia):
    left, right = {"k": np.array(["a", "b"])}, {"k": np.array(["a"]), "v": np.array([2])}
    chained(in_julia, (t.Join(on=("k",), how="left", columns=("v",)), left, right), (t.Impute(columns=("v",)),))


def test_a_deviation_of_one_value_is_missing_to_the_next_step(in_julia):
    columns = {"k": np.array(["a", "b", "b"]), "v": np.array([1.0, 2.0, 4.0])}
    chained(in_julia, (t.Groupby(keys=("k",), aggregates={"s": ("std", "v")}), columns), (t.Impute(columns=("s",)),))
