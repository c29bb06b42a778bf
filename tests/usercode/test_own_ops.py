"""Own ops beside the built-in ones: they agree, follow the user's files, and are told apart by them."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.usercode.own import HEADER, SCALED, STEP, agreed, written, wrong
from twinbench.errors import BadInput
from twinbench.plan import pipeline as pipelines
from twinbench.plan.stack import build, fingerprint, stacks_of
from twinbench.run.agree import reference
from twinbench.usercode import loading

TABLES = """
[pipeline]
name = "case"
modality = "text"
stacks = ["Python", "pandas", "Polars"]
[dataset]
files = { notes = "notes.csv" }
[goal]
question = "Which words?"
[sizes]
all = {}
[op.read]
inputs = ["file"]
output = "table"
python = "features.py:read"
[op.longest]
inputs = ["table"]
output = "table"
python = "features.py:longest"
frameworks = { pandas = "features.py:with_pandas" }
"""

TABLE_STEPS = """
[[step]]
op = "read"
file = "notes"
[[step]]
op = "longest"
[[step]]
op = "tables.sort"
by = ["letters"]
descending = true
"""

TABLE_CODE = """
import csv
import numpy as np

def read(path):
    with open(path, newline="") as file:
        rows = list(csv.DictReader(file))
    return {"text": np.array([row["text"] for row in rows])}

def longest(table):
    words = [max(text.split(), key=len, default="") for text in table["text"]]
    return {"word": np.array(words, dtype=str), "letters": np.array([len(word) for word in words])}

def with_pandas(table):
    assert type(table).__name__ == "DataFrame"
    words = table["text"].map(lambda text: max(text.split(), key=len, default=""))
    return words.to_frame("word").assign(letters=words.str.len())
"""


def test_an_own_op_agrees_before_a_built_in_one_and_a_wrong_implementation_does_not(tmp_path: Path):
    ops = SCALED.replace("[op.scaled.params]", 'frameworks = { NumPy = "features.py:slower" }\n[op.scaled.params]')
    path = written(tmp_path, ops, STEP)
    assert wrong(agreed(pipelines.load(path), "Python")) == []
    assert wrong(agreed(pipelines.load(path), "NumPy")) == []
    code = (tmp_path / "features.py").read_text()
    (tmp_path / "wrong.py").write_text(code.replace("* factor", "* (factor + 1e-6)"))
    path.write_text(path.read_text().replace("features.py:slower", "wrong.py:slower"))
    assert any("worst at" in text for text in wrong(agreed(pipelines.load(path), "NumPy")))


def test_a_table_is_handed_over_in_the_form_that_a_function_asks_for(tmp_path: Path):
    path = written(tmp_path, "", TABLE_STEPS, TABLE_CODE, TABLES)
    (tmp_path / "notes.csv").write_text('text\nto be or not\n"what, then"\n\u00fcber alles\n')
    pipeline = pipelines.load(path)
    assert wrong(agreed(pipeline, "pandas")) == []
    assert wrong(agreed(pipeline, "Polars")) == []
    frameworks = {s.name: {step: f.name for step, f in s.steps.items()} for s in stacks_of(pipeline, [])}
    assert frameworks["pandas"] == {"read": "Python", "longest": "pandas", "sort": "pandas"}
    assert frameworks["Polars"] == {"read": "Python", "longest": "Python", "sort": "Polars"}


def test_an_edited_file_or_what_it_imports_makes_the_reference_stale_and_the_stack_another(tmp_path: Path):
    path = written(tmp_path)

    def now() -> tuple[Path, str, float]:
        pipeline = pipelines.load(path)
        made = reference.prepare(pipeline, "all")
        return made.directory, fingerprint(build("Python", pipeline)), float(made.output("scaled")["x"][0, 0])

    first = now()
    assert now() == first
    helper = tmp_path / "helper.py"
    helper.write_text(helper.read_text().replace("factor * x", "factor * x + 1"))
    forget()
    second = now()
    assert second[0] != first[0]
    assert second[1] != first[1]
    assert second[2] == pytest.approx(first[2] + 1)
    (tmp_path / "beside.py").write_text("anything = 1\n")
    assert now() == second


def forget() -> None:
    """Forget the modules that this process has loaded, as a new worker would."""
    loading._LOADED.clear()
    for name in ("features", "helper"):
        sys.modules.pop(name, None)


def test_an_implementation_in_another_file_leaves_the_reference_in_the_cache(tmp_path: Path):
    ops = SCALED.replace("[op.scaled.params]", 'frameworks = { NumPy = "fast.py:scaled" }\n[op.scaled.params]')
    (tmp_path / "fast.py").write_text("def scaled(arrays, factor): ...\n")
    path = written(tmp_path, ops)

    def now() -> tuple[Path, str, str]:
        pipeline = pipelines.load(path)
        prints = [fingerprint(build(name, pipeline)) for name in ("Python", "NumPy")]
        return reference.prepare(pipeline, "all").directory, *prints

    first = now()
    (tmp_path / "fast.py").write_text("def scaled(arrays, factor): return arrays\n")
    second = now()
    assert second[:2] == first[:2]
    assert second[2] != first[2]


def test_a_modality_may_have_any_name_and_a_misspelt_one_of_ours_is_refused(tmp_path: Path):
    path = written(tmp_path, header=HEADER.replace('"signals"', '"graphs"'))
    pipeline = pipelines.load(path)
    assert pipeline.modality == "graphs"
    assert pipeline.dataset is not None
    assert pipeline.dataset.taken(None) == "40 records in 2 classes"
    assert wrong(agreed(pipeline, "Python")) == []
    np.savez(tmp_path / "case.npz", x=np.array(["one", "two"]), y=np.array([0, 1]))
    assert pipeline.dataset.value(None)["x"].tolist() == ["one", "two"]
    path.write_text(path.read_text().replace("graphs", "signal").replace(SCALED, ""))
    with pytest.raises(BadInput, match=r"pipeline\.modality: 'signal' is unknown; did you mean 'signals'"):
        pipelines.load(path)
