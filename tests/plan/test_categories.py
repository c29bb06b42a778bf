"""Strings and categories are different inputs: a stack without categories doesn't answer a question about them."""

from __future__ import annotations

import pytest

from twinbench.errors import BadInput
from twinbench.plan import pipeline, stack

QUESTIONS = """
[pipeline]
name = "held"
modality = "tables"
dataset = "G1"
independent = {independent}

[goal]
question = "How are strings held?"

[sizes]
small = {{ rows = 1000 }}

[[step]]
id = "x"
op = "tables.read_csv"
table = "x"
columns = {{ id1 = "string", v1 = "int64" }}

[[step]]
id = "held"
op = "tables.categorise"
input = "x"
columns = ["id1"]

[[step]]
id = "sorted"
op = "tables.sort"
input = "held"
by = ["id1"]

[[step]]
id = "of-strings"
op = "tables.groupby"
input = "x"
keys = ["id1"]
aggregates = {{ v1 = ["sum", "v1"] }}

[[step]]
id = "of-categories"
op = "tables.groupby"
input = "sorted"
keys = ["id1"]
aggregates = {{ v1 = ["sum", "v1"] }}
"""


def held(tmp_path, *, independent):
    file = tmp_path / "held.toml"
    file.write_text(QUESTIONS.format(independent=str(independent).lower()))
    return pipeline.load(file)


def test_a_question_about_categories_stays_with_the_framework_that_holds_them(tmp_path):
    plan = held(tmp_path, independent=True)
    both = stack.build("NumPy+pandas", plan)
    assert {step: framework.name for step, framework in both.steps.items()} == {
        **{"x": "NumPy", "held": "pandas", "sorted": "pandas"},
        **{"of-strings": "NumPy", "of-categories": "pandas"},
    }
    assert stack.left_out(both, plan) == {}


def test_a_library_without_categories_answers_the_questions_about_strings_only(tmp_path):
    plan = held(tmp_path, independent=True)
    numpy = stack.build("NumPy", plan)
    assert list(numpy.steps) == ["x", "of-strings"]
    assert stack.left_out(numpy, plan) == {
        "held": "no framework of NumPy implements tables.categorise",
        "sorted": "held is held by no framework of NumPy",
        "of-categories": "sorted is held by no framework of NumPy",
    }


def test_a_chain_that_needs_categories_is_unsupported_without_them(tmp_path):
    numpy = stack.build("NumPy", held(tmp_path, independent=False))
    assert numpy.missing == stack.Missing("unsupported", "no framework of NumPy implements tables.categorise")


def test_a_framework_that_would_get_the_categories_of_another_one_runs_no_step(tmp_path):
    with pytest.raises(BadInput, match="would run no step"):
        stack.build("pandas+Polars", held(tmp_path, independent=True))
