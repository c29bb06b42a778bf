"""Exported tables hold what the store holds."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.csv
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.results.make_store import RUN, make_store
from twinbench.errors import BadInput, StoreError
from twinbench.store.export import COLUMNS, export, read_csv, write
from twinbench.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def test_parquet_holds_every_sample_as_it_was_measured(store, tmp_path):
    files = export(store, RUN, tmp_path / "out")
    assert sorted(file.name for file in files) == [
        "agreement.parquet",
        "cells.parquet",
        "facts.parquet",
        "quality.parquet",
        "samples.parquet",
    ]
    rows = pyarrow.parquet.read_table(tmp_path / "out" / "samples.parquet").to_pylist()
    cells = store.cells(RUN)
    assert len(rows) == sum(len(store.samples(cell.id)) for cell in cells)
    expected = [(cell.stack, s.step, s.kind, s.wall_ns, s.cpu_ns) for cell in cells for s in store.samples(cell.id)]
    assert [(row["stack"], row["step"], row["kind"], row["wall_ns"], row["cpu_ns"]) for row in rows] == expected
    steady = next(row for row in rows if row["stack"] == "Polars+torch" and row["step"] == "mlp")
    assert steady["framework"] == "torch"
    told = pyarrow.parquet.read_table(tmp_path / "out" / "cells.parquet").to_pylist()
    assert [row["status"] for row in told] == [cell.status for cell in cells]


def test_csv_holds_the_same_rows(store, tmp_path):
    export(store, RUN, tmp_path, "csv")
    export(store, RUN, tmp_path, "parquet")
    for name in ("agreement", "quality", "samples"):
        wanted = pyarrow.parquet.read_table(tmp_path / f"{name}.parquet")
        found = pyarrow.csv.read_csv(tmp_path / f"{name}.csv")
        assert found.column_names == wanted.column_names
        for column in ("stack", "step", "wall_ns", "error", "value"):
            if column in found.column_names:
                assert found[column].to_pylist() == wanted[column].to_pylist()


SIGNS = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a formula begins with; spreadsheets of some languages take the wide forms, too."""

TEXTS = st.from_regex(rf"'{{0,2}}[{re.escape(SIGNS)}]?[ -~]{{0,4}}", fullmatch=True) | st.text() | st.none()


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(TEXTS, min_size=1))
def test_no_text_of_a_csv_file_is_a_formula_and_all_can_be_read_back(tmp_path, texts):
    texts = [text.encode(errors="replace").decode() if text is not None else None for text in texts]
    columns = {name: pyarrow.type_for_alias(alias) for name, alias in COLUMNS["quality"].items()}
    by_type = {"string": texts, "double": [-1.5] * len(texts), "int64": [-1] * len(texts)}
    schema = pyarrow.schema(list(columns.items()))
    table = pyarrow.table({name: by_type[alias] for name, alias in COLUMNS["quality"].items()}, schema)
    path = write(table, tmp_path / "quality.csv", "csv")
    assert read_csv(path).equals(table)
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))[1:]
    for row in rows:
        for cell in row:
            assert cell[:1] not in tuple(SIGNS) or is_number(cell), cell
        assert row[-2:] == ["-1.5", "-1"], "a number is never changed"


def is_number(cell: str) -> bool:
    try:
        return math.isfinite(float(cell))
    except ValueError:
        return False


def test_a_table_that_is_not_ours_is_refused(tmp_path):
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BadInput, match="its columns are a, b"):
        read_csv(tmp_path / "x.csv")


def test_a_file_name_asks_for_the_samples_alone(store, tmp_path):
    target = tmp_path / "deep" / "samples.csv"
    assert export(store, RUN[:11], target) == [target]
    assert sorted(path.name for path in target.parent.iterdir()) == ["samples.csv"]


def test_a_bad_format_or_run_is_refused(store, tmp_path):
    with pytest.raises(BadInput, match="did you mean 'parquet'"):
        export(store, RUN, tmp_path / "out", "parket")
    with pytest.raises(BadInput, match="no run 'zzz'"):
        export(store, "zzz", tmp_path / "out")


def test_a_place_that_can_not_be_written_is_one_line(store, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="can't be written") as raised:
        export(store, RUN, tmp_path / "file")
    assert "\n" not in str(raised.value)


def test_facts_are_exported_as_json(store, tmp_path):
    cell = store.cells(RUN)[0]
    store.add_fact(cell.id, "mlp", "warm_up", {"evals": 1, "discarded": 9, "settled": False})
    export(store, RUN, tmp_path)
    rows = pyarrow.parquet.read_table(tmp_path / "facts.parquet").to_pylist()
    (row,) = [row for row in rows if row["key"] == "warm_up"]
    assert (row["stack"], row["step"], row["framework"]) == (cell.stack, "mlp", "torch")
    assert json.loads(row["value"]) == {"evals": 1, "discarded": 9, "settled": False}


def test_cells_say_what_load_disturbed(store, tmp_path):
    cells = {cell.id: cell.stack for cell in store.cells(RUN)}
    contradicted = {next(iter(cells)): ["total", "mlp"]}
    files = export(store, RUN, tmp_path / "out", "parquet", contradicted)
    (table,) = [pyarrow.parquet.read_table(file).to_pylist() for file in files if file.stem == "cells"]
    assert [row["disturbed"] for row in table] == ["total, mlp", *[""] * (len(cells) - 1)]
    export(store, RUN, tmp_path / "unknown", "parquet")
    unknown = pyarrow.parquet.read_table(tmp_path / "unknown" / "cells.parquet").to_pylist()
    assert {row["disturbed"] for row in unknown} == {None}
