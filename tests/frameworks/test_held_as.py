"""How frameworks hold strings: one by one where they are strings, and with codes where they are categories."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.frameworks.conftest import load
from twinbench import ops
from twinbench.conformance import search
from twinbench.conformance.case import Case
from twinbench.conformance.checks import takes_categories
from twinbench.plan.pipeline import Step
from twinbench.run.outputs import held_as_input

CODES = ("category", "Categorical", "ENUM", "dictionary")
"""Words by which frameworks' facts name a type with a dictionary and codes."""

TABLE = {"few": np.array(["a", "b"] * 1500), "x": np.arange(3000.0)}


@pytest.fixture(scope="module", params=["pandas", "polars", "duckdb"])
def categories(request: pytest.FixtureRequest) -> Any:
    """Each framework that has categories."""
    return load(request.param)


def test_a_reader_holds_strings_one_by_one_however_often_they_repeat(framework: Any, tmp_path: Path):
    file = tmp_path / "table.csv"
    file.write_text("few\n" + "a\nb\n" * 3000)
    read = ops.get("tables.read_csv")
    table = framework.ops[read.name](read.build({"table": "t", "columns": {"few": "string"}}), str(file))
    assert not any(word in str(framework.facts(table, "table")) for word in CODES)


def test_categories_stay_categories_from_step_to_step(categories: Any):
    native = categories.prepare(TABLE, "table")
    held = categories.ops["tables.categorise"](ops.get("tables.categorise").build({"columns": ["few"]}), native)
    other = {"few": np.array(["b", "c"]), "y": np.array([1.0, 2.0])}
    right = categories.ops["tables.categorise"](
        ops.get("tables.categorise").build({"columns": ["few"]}), categories.prepare(other, "table")
    )
    for name, values, *more in (
        ("groupby", {"keys": ["few"], "aggregates": {"n": ["count", "x"]}}),
        ("sort", {"by": ["few"]}),
        ("join", {"on": ["few"], "how": "left", "columns": ["y"]}, right),
    ):
        op = ops.get(f"tables.{name}")
        facts = categories.facts(categories.ops[op.name](op.build(values), held, *more), "table")
        assert any(word in facts["few"] for word in CODES), (name, facts)


@pytest.mark.parametrize("op", ["tables.sort", "tables.categorise"])
def test_the_kit_finds_a_library_that_says_categories_and_holds_strings(op: str):
    pandas = load("pandas")
    idle = replace(pandas, ops={**pandas.ops, "tables.categorise": lambda p, frame: frame.copy()})
    case = Case({"by": ["few"]} if op == "tables.sort" else {"columns": ["few"]}, (TABLE,))
    search.holds_on(pandas, ops.get(op), [takes_categories], case)
    with pytest.raises(search.Failure, match=r"'few' is held as str .* before and after tables\.categorise"):
        search.holds_on(idle, ops.get(op), [takes_categories], case)


def test_the_kit_finds_a_sort_by_codes_instead_of_strings():
    pandas = load("pandas")

    def by_appearance(p: Any, frame: Any) -> Any:
        import pandas as pd

        return frame.astype({name: pd.CategoricalDtype(frame[name].unique()) for name in p.columns})

    wrong = replace(pandas, ops={**pandas.ops, "tables.categorise": by_appearance})
    case = Case({"by": ["s"]}, ({"s": np.array(["b", "a"])},))
    with pytest.raises(search.Failure, match="wrong where strings are categories"):
        search.holds_on(wrong, ops.get("tables.sort"), [takes_categories], case)


def test_agreement_finds_a_table_that_is_held_as_its_input_is():
    op = ops.get("tables.categorise")
    step = Step("held", op, op.build({"columns": ["s"]}), ("x",), isolated=False, bound=True)
    facts = {"s": "str (pyarrow)", "n": "int64"}
    (finding,) = held_as_input(step, {"x": facts, "held": facts})
    assert not finding.ok
    assert finding.detail == "the table is held as its input is: s str (pyarrow), n int64"
    assert held_as_input(step, {"x": facts, "held": facts | {"s": "category"}}) == []
    assert held_as_input(step, {"x": {}, "held": {}}) == []  # a framework that doesn't say
