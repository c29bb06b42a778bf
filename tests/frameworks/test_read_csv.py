"""Reading CSV: quoting, missing fields, rounding and the order of columns, against the contract's reference."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twinbench import ops

OP = ops.get("tables.read_csv")
LETTERS = st.characters(exclude_characters="\0\r", exclude_categories=("Cs",))
ODD = ["", "NA", "a,b", 'say "hi"', "two\nlines", "é", "日本", "NULL", "nan", "None", "#N/A", "-", "007", " x "]
TEXT = st.sampled_from(ODD) | st.text(LETTERS, max_size=4)
HARD = ["NA", "", "1", "1e-5", "0.1000000000000000055511151231257827", "9007199254740993", "2.225073858507201e-308"]
FLOAT = st.sampled_from(HARD) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
INT = st.integers(-(2**63), 2**63 - 1).map(str)
ROWS = st.lists(st.tuples(INT, TEXT, FLOAT, TEXT, INT), max_size=12)
TYPES = {"id": "int64", "text": "string", "value": "float64", "Text": "string", "n": "int64"}


@pytest.fixture(scope="session")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """New file names. (A file per test function would be one file for all of hypothesis's examples.)"""
    directory = tmp_path_factory.mktemp("csv")
    return (directory / f"{i}.csv" for i in itertools.count())


def write(path: Path, rows: Any, header: Any = tuple(TYPES), **options: Any) -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, **options).writerows([header, *rows])
    return str(path)


@pytest.mark.filterwarnings("ignore:loadtxt. input contained no data")
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=ROWS,
    names=st.lists(st.sampled_from(list(TYPES)), min_size=1, unique=True),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_any_file_is_read_as_the_reference_reads_it(
    framework: Any, run: Any, agrees: Any, paths: Any, rows: Any, names: Any, quoting: Any, end: Any
):
    path = write(next(paths), rows, quoting=quoting, lineterminator=end)
    params = OP.build({"table": "t", "columns": {name: TYPES[name] for name in names}})
    agrees(OP, run(framework, OP, params, path), OP.reference(params, path))


def test_a_number_column_with_no_number_in_the_first_thousands_of_rows_keeps_its_type(
    framework: Any, run: Any, agrees: Any, paths: Any
):
    path = write(next(paths), [["1", "x", "NA", "", "2"]] * 30_000 + [["1", "y", "0.5", "z", "2"]])
    params = OP.build({"table": "t", "columns": {name: TYPES[name] for name in ("value", "Text", "n")}})
    agrees(OP, run(framework, OP, params, path), OP.reference(params, path))
