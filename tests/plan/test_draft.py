"""`twinbench new` and `data sniff`: what they write is read, and reads the file as it is."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

from twinbench.data import sniff
from twinbench.errors import BadInput
from twinbench.ops import get
from twinbench.ops.contract import OutsideContract
from twinbench.plan import draft, pipeline

NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
NUMBERS = st.integers(-(2**70), 2**70).map(str) | st.floats(allow_nan=False, allow_infinity=False).map(repr)
FIELDS = (
    st.sampled_from(["", "NA", "NaN", "inf", "1", "-3", "0.5", "+1", "1e400", "x", "01", "1_000"]) | NUMBERS | NAMES
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[str], list[list[str]]]:
    """Names of columns, and rows; the fields of a column are of one kind or of several."""
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    count = draw(st.integers(0, 6))
    kinds = [draw(st.sampled_from([NUMBERS, st.sampled_from(["1", "0"]), FIELDS])) for _ in names]
    return names, [[draw(kind) for kind in kinds] for _ in range(count)]


def written(directory: Path, names: list[str], rows: list[list[str]]) -> Path:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([names, *rows])
    path = directory / "own data.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    return path


@given(table=tables())
def test_the_types_that_are_found_read_the_file_and_no_narrower_ones_do(
    table: tuple[list[str], list[list[str]]], tmp_path_factory: pytest.TempPathFactory
):
    path = written(tmp_path_factory.mktemp("own"), *table)
    columns = sniff.columns(path)
    assert [column.name for column in columns] == table[0]
    read = get("tables.read_csv")
    types: dict[str, Any] = {column.name: column.type for column in columns}
    values = read.reference(read.build({"table": "t", "columns": types}), str(path))
    for column in columns:
        got = values[column.name]
        assert {"int64": "i", "float64": "f", "string": "U"}[column.type] == got.dtype.kind
        missing = np.isnan(got) if got.dtype.kind == "f" else (got == "") & (got.dtype.kind == "U")
        assert column.gaps == bool(missing.any())
        for narrower in {"int64": [], "float64": ["int64"], "string": ["int64", "float64"]}[column.type]:
            if column.values:
                with pytest.raises(OutsideContract, match="column '"):
                    read.reference(read.build({"table": "t", "columns": {column.name: narrower}}), str(path))


@given(table=tables())
def test_what_is_printed_of_a_file_is_toml_with_its_columns(
    table: tuple[list[str], list[list[str]]], tmp_path_factory: pytest.TempPathFactory
):
    path = written(tmp_path_factory.mktemp("own"), *table)
    parsed = tomllib.loads(draft.dataset(str(path), draft.dataset_name(path), sniff.columns(path)))
    assert parsed["dataset"]["files"] == {"own-data": str(path)}
    assert list(parsed["step"][0]["columns"]) == table[0]


@pytest.fixture
def cancer(tmp_path: Path) -> Path:
    frame = load_breast_cancer(as_frame=True).frame.head(120)
    frame["clinic"] = np.resize(["north", "south", "a 'quoted' \\ one"], len(frame))
    frame["id"] = [f"patient {number}" for number in range(len(frame))]
    frame["always"] = 1
    frame.loc[[3, 70], "mean radius"] = np.nan
    frame.to_csv(tmp_path / "cancer.csv", index=False)
    return tmp_path / "cancer.csv"


Twinbench = Callable[..., Any]


def test_a_new_pipeline_learns_the_target_and_all_stacks_agree(twinbench: Twinbench, cancer: Path):
    done = twinbench("new", "tumours", "--data", cancer, "--target", "target", "-d", cancer.parent / "own")
    assert (done.returncode, done.stderr) == (0, "")
    written = pipeline.load(cancer.parent / "own" / "tumours.toml")
    steps = ["read_csv", "impute", "one_hot", "standardise", "split", "mlp", "predict"]
    assert [step.id for step in written.steps] == steps
    assert {"id", "always"} & set(written.steps[0].params.columns) == set()
    assert written.steps[1].params.columns == ("mean radius",)
    stacks = ["--stack", "pandas+torch", "--stack", "Polars+torch"]
    agreed = twinbench("agree", "tumours", "--pipelines", cancer.parent / "own", *stacks)
    assert agreed.returncode == 0, agreed.stdout + agreed.stderr


def test_names_of_columns_and_gaps_of_the_target_are_no_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text("rows,y\na,1\nb,NaN\na,0\n")
    columns = sniff.columns(Path("data.csv"))
    asked = tomllib.loads(draft.pipeline("own", "data.csv", columns, None))
    assert asked["step"][1]["aggregates"]["number of rows"] == ["count", "rows"]
    learnt = tomllib.loads(draft.pipeline("own", "data.csv", columns, "y"))
    assert learnt["step"][1] == {"op": "tables.clean", "drop_missing": ["y"], "cast": {"y": "int64"}}


def test_without_a_target_rows_are_grouped(twinbench: Twinbench, cancer: Path):
    assert twinbench("new", "groups", "--data", cancer, "-d", cancer.parent).returncode == 0
    written = pipeline.load(cancer.parent / "groups.toml")
    assert written.steps[1].params.keys == ("clinic",)
    again = twinbench("new", "groups", "--data", cancer, "-d", cancer.parent)
    assert (again.returncode, again.stderr.count("\n")) == (2, 1)
    assert "groups.toml is there already" in again.stderr


@pytest.mark.parametrize(
    ("content", "target", "words"),
    [
        ("a,b\n1,0\n2,1\n", "c", "has no column 'c'"),
        ("a,b\n1,0\n2,2\n", "b", "'b' of data.csv holds 0, 2; a target holds the classes 0 and 1"),
        ("a,b\n1,x\n2,y\n", "b", "holds x, y; a target"),
        ("a,b\nx,0\ny,\n", "b", "holds 0; a target"),
        ("a,b\n", "b", "holds no value; a target"),
        ("b,t\n0,u\n1,v\n1,v\n" + "".join(f"1,{n}x\n" for n in range(30)), "b", "no column holds numbers or a few"),
        ("a\n1.5\n2.5\n", None, "no column without gaps"),
        ("a;b\n1;2\n", None, "fields are separated by semicolons"),
        ("a,a\n1,2\n", None, "the column 'a' stands more than once"),
        ("a,b\n1\n", None, "line 2: 1 fields, and the header has 2"),
        ("", None, "no header"),
    ],
)
def test_what_can_not_be_drafted_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, target: str | None, words: str
):
    monkeypatch.chdir(tmp_path)
    Path("data.csv").write_text(content)
    with pytest.raises(BadInput, match=words) as raised:
        draft.pipeline("own", "data.csv", sniff.columns(Path("data.csv")), target)
    assert "\n" not in str(raised.value)
