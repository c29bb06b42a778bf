"""Every fact that a run writes is read: it is in the report and in an export."""

from __future__ import annotations

import ast
import importlib
import json
import re
from html import unescape
from pathlib import Path

import pytest

import twinbench
from tests.results.make_store import RUN, make_store
from twinbench.results.summary.run import plain, summarise
from twinbench.store import export
from twinbench.store.facts import SHOWN_APART, STEP_KEYS
from twinbench.store.store import Store
from twinbench.views.report import page

PACKAGE = Path(twinbench.__file__).parent

VALUES = {
    "complete_process:0": True,
    "counterexamples": [{"input": "a drawn input", "drawn": True, "what": "0.5 and 0.25", "calls": {"f": "f(x=7.5)"}}],
    "devices": {"torch": "cuda:7"},
    "engines": {"Polars": {"engine": "engine-17"}},
    "examples": 1234567,
    "first_look_s": 0.0625,
    "files": {"own.py": "f00d" * 16},
    "held_as": {"x": "float16, order K"},
    "no_quality": "no test row is of class 3",
    "parts_at": [17, 4096],
    "peak_rss_bytes": 300 * 2**20,
    "peak_rss_bytes:0": 299 * 2**20,
    "request": True,
    "reused": True,
    "rss_after_import_bytes": 7654321,
    "rss_increase_bytes": 9876543,
    "seed of the drawn inputs": 987654,
    "surroundings:0": {"hash_seed": 4711, "padding_bytes": 1873},
    "threads": {"torch": {"MKL": 13}},
    "unsupported": "no framework of it has the op",
    "versions": {"polars": {"polars": "99.9.9"}},
    "warm_up": {"evals": 31, "discarded": 47, "settled": False},
}
"""An example of every fact that isn't shown by a view of its own."""


def written_keys() -> set[str]:
    """The keys in all calls of ``add_fact``, with 0 for what a key of several parts takes from a variable."""
    keys = set()
    for file in PACKAGE.rglob("*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        name = ".".join(("twinbench", *file.relative_to(PACKAGE).with_suffix("").parts))
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or name == "twinbench.run.ending":
                continue
            if isinstance(node.func, ast.Attribute) and node.func.attr == "add_fact":
                keys.add(_value(node.args[2], name))
            if isinstance(node.func, ast.Name) and node.func.id == "add_fact":  # of run.ending, which checks the value
                keys.add(_value(node.args[3], name))
    return keys


def _value(node: ast.expr, module: str) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(_value(part, module) for part in node.values)
    name = node.value if isinstance(node, ast.FormattedValue) else node
    if isinstance(name, ast.Attribute):
        return "0"
    assert isinstance(name, ast.Name), f"{module}: {ast.unparse(node)}: a key that this test can't read"
    return str(getattr(importlib.import_module(module), name.id, 0))


def test_every_fact_that_is_written_has_an_example_here_or_a_view_of_its_own():
    assert written_keys() == VALUES.keys() | SHOWN_APART


@pytest.fixture
def store(tmp_path):
    make_store(tmp_path / "s.db")
    with Store.open(tmp_path / "s.db") as opened:
        cell = next(cell for cell in opened.cells(RUN) if cell.stack == "Polars+torch")
        for key, value in VALUES.items():
            opened.add_fact(cell.id, "mlp" if key in STEP_KEYS else "", key, value)
        yield opened


def leaves(value):
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in leaves(item)]
    return [{True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)]


@pytest.mark.parametrize("key", VALUES)
def test_a_fact_is_in_the_report_and_in_the_export(store, tmp_path, key):
    rows = re.findall(r'<tr data-stack="Polars\+torch">(.*?)</tr>', page.of_run(store, RUN), re.DOTALL)
    recorded = [unescape(re.sub("<[^>]*>", "", row)) for row in rows if f"<b>{key}</b>" in row]
    assert len(recorded) == 1
    for leaf in leaves(VALUES[key]):
        assert leaf in recorded[0]
    files = export.export(store, RUN, tmp_path / "out", "csv")
    (facts,) = [file for file in files if file.stem == "facts"]
    assert f'"{key}",' + '"' + json.dumps(VALUES[key]).replace('"', '""') + '"' in facts.read_text()
    json.dumps(plain(summarise(store, RUN)), allow_nan=False)


def test_a_step_that_never_settled_is_marked_where_it_is_ranked(store):
    text = page.of_run(store, RUN)
    assert "unsettled</span>" in text
    assert "still changing when warm-up ended: mlp" in text
    summary = summarise(store, RUN)
    marked = {cell.stack: cell.unsettled for cell in summary.pipelines[0].cells if cell.unsettled}
    assert marked == {"Polars+torch": ("mlp",)}
