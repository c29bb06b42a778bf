"""`twinbench.pair` in a script or a notebook: functions of its own, Julia code, and its result."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import twinbench
from tests.pair.ports_of import needs_julia
from twinbench.errors import BadInput
from twinbench.pair import api


def _within() -> Callable[..., Any]:
    """Make a function that travels by value: one at the top of this file would have all of it imported."""

    def total(x: Any, scale: float = 1.0) -> Any:
        return np.sum(x) * scale

    return total


total = _within()


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else 1.0


def run(path: Path, source: str) -> str:
    path.write_text(textwrap.dedent(source))
    done = subprocess.run([sys.executable, path], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_functions_of_a_script_travel_with_what_they_use(tmp_path: Path):
    (tmp_path / "beside.py").write_text("def twice(x): return x + x\n")
    said = run(
        tmp_path / "script.py",
        """
        import twinbench
        from beside import twice
        FACTOR = 2.0
        def scaled(x):
            return x * FACTOR
        verdict = twinbench.pair(scaled, twice, lambda x: x * 3, inputs=1.5, generate=20, seed=1)
        print(verdict.ok, [(finding.function, finding.drawn) for finding in verdict.findings])
        """,
    )
    assert said == "False [('lambda', False), ('lambda', True)]\n"


def test_importing_the_package_stays_cheap():
    ours = "[name for name in sys.modules if name.startswith(('twinbench', 'numpy', 'hypothesis', 'cloudpickle'))]"
    source = f"import sys, twinbench; print({ours}); twinbench.pair; print({ours})"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "['twinbench']\n['twinbench', 'twinbench.pair']\n"
    with pytest.raises(AttributeError, match="has no attribute 'pairs'"):
        twinbench.pairs  # type: ignore[attr-defined]  # noqa: B018


@pytest.mark.parametrize(
    ("inputs", "given"),
    [
        (np.arange(3.0), 1),
        ((np.arange(3.0), 2.0), 1),
        ({"x": np.arange(3.0), "scale": 2.0}, 1),
        ({"short": np.arange(3.0), "long": (np.arange(9.0), 2.0), "named": {"x": [1.0]}}, 3),
        (lambda: [np.arange(3.0), ("labelled", {"x": [1.0], "scale": 0.5})], 2),
        (pd.DataFrame({"a": [1.0, 2.0]}), 1),
    ],
)
def test_inputs_are_arguments_or_labelled_cases(inputs: Any, given: int):
    verdict = twinbench.pair(
        total, lambda x, scale=1.0: np.add.reduce(x) * scale, inputs=inputs, generate=0, time=False
    )
    assert (verdict.given, verdict.both_raised) == (given, 0)


def test_a_path_is_a_file(tmp_path: Path):
    np.save(tmp_path / "x.npy", np.arange(3.0))
    verdict = twinbench.pair(total, lambda x: x.sum() + 1, inputs=tmp_path / "x.npy", generate=0)
    assert verdict.findings[0].text == "3.0 and 4.0"


@pytest.mark.parametrize(
    ("functions", "options", "text"),
    [
        ((total, total), {"inputs": {"x": 1.0, "scales": 2}}, "total has no argument 'scales'; did you mean 'scale'?"),
        ((total, total), {"inputs": [object()]}, "argument 1: a value of type object can't be handed over"),
        ((total, total), {"inputs": np.zeros(2, "i8,f8")}, "records of several fields can't be handed over"),
        ((total, total), {"inputs": _deep(150)}, "nested more than 100 deep"),
        ((total, total), {"inputs": 1.0, "layout": "odd"}, "'odd' is neither 'same' nor 'reversed'"),
        ((total,), {"inputs": 1.0}, "total: a pair has two functions or more"),
        ((total, 3), {"inputs": 1.0}, "3 is not a function; give a function, or its name: smooth.py:smooth"),
        ((total, "total"), {"inputs": 1.0}, "'total' doesn't name a function"),
    ],
)
def test_mistakes_are_told_in_one_line(functions: tuple[Any, ...], options: dict[str, Any], text: str):
    with pytest.raises(BadInput) as error:
        twinbench.pair(*functions, **options)
    assert text in str(error.value)
    assert "\n" not in str(error.value)


def test_a_function_that_holds_an_open_file_cannot_travel(tmp_path: Path):
    with (tmp_path / "x").open("w") as file, pytest.raises(BadInput, match="lambda can't be sent to a process"):
        twinbench.pair(total, lambda x: file.write(x), inputs=1.0)


def test_state_of_a_module_that_is_imported_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "stateful.py").write_text("CALLS = []\n\ndef count(x):\n    CALLS.append(x)\n    return len(CALLS)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    count = importlib.import_module("stateful").count
    assert count(1.0) == 1
    verdict = twinbench.pair(lambda x: 1, count, inputs=1.0, generate=0, time=False)
    assert verdict.findings[0].text.startswith("keeps state between calls: two calls give")


def test_an_own_rule_runs_here():
    rules: list[Any] = []
    verdict = twinbench.pair(
        total,
        lambda x: -np.sum(x),
        inputs=2.0,
        generate=0,
        compare=lambda a, b: rules.append((a, b)) or abs(a) == abs(b),
        time=False,
    )
    assert (verdict.ok, rules) == (True, [(2.0, -2.0)])


def test_functions_that_agree_are_timed_and_the_run_is_stored(tmp_path: Path):
    store = tmp_path / "results.db"
    options = {"inputs": np.arange(1000.0), "generate": 0, "budget": 0.2, "processes": 2, "store": store}
    verdict = twinbench.pair(total, lambda x: x.sum(), **options)
    assert verdict.run.cells["status"].tolist() == ["done", "done"]
    assert set(verdict.run.cells["stack"]) == {"total", "lambda"}
    assert (verdict.run.cells["total_s"] > 0).all()
    assert verdict.run.id == twinbench.load(store=store).id
    assert verdict.run.id in repr(verdict)
    assert verdict.run.id in verdict._repr_html_()
    other = twinbench.pair(total, lambda x: 0.0 + x.sum(), **options)
    fingerprints = [run.cells.set_index("stack")["fingerprint"] for run in (verdict.run, other.run)]
    assert (fingerprints[0] == fingerprints[1]).to_dict() == {"total": True, "lambda": False}


def test_functions_that_differ_are_stored_with_the_input_and_not_timed(tmp_path: Path):
    store = tmp_path / "results.db"
    functions = (total, lambda x: x.sum(), lambda x: x[1:].sum(), lambda x: x.fill(0))
    run = twinbench.pair(*functions, inputs=np.arange(3.0) + 1, generate=50, seed=3, store=store).run
    cells = run.cells.set_index("stack")
    assert cells["status"].to_dict() == {
        **{"total": "done", "lambda": "done", "lambda (2)": "disagrees", "lambda (3)": "failed"},
    }
    assert "total(np.array([1.0]))" in cells.loc["lambda (2)", "reason"]
    assert "changes its argument" in cells.loc["lambda (3)", "reason"]
    assert run.samples.empty
    facts = run.facts[run.facts["key"] == "counterexamples"].set_index("stack")["value"]
    assert [each["drawn"] for each in json.loads(facts["lambda (2)"])] == [False, True]


def test_nothing_is_stored_without_times(tmp_path: Path):
    store = tmp_path / "results.db"
    for other in (lambda x: 1.0 * x, lambda x: 1):
        assert twinbench.pair(total, other, inputs=2.0, generate=0, time=False, store=store).run is None
    assert not store.exists()


def test_what_a_notebook_shows_is_escaped():
    verdict = twinbench.pair(lambda x: x, lambda x: x + "<b>", inputs="<script>", generate=30, seed=1)
    page = verdict._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
    assert repr(verdict).startswith("reference  lambda\ncandidate  lambda (2)  differs\n")


@pytest.mark.parametrize("code", ["f(x) = x", "x -> x", "function f(x) x end", "f(x) = x\nf", " function (x) x end"])
def test_code_of_julia_is_told_from_names_of_functions(code: str):
    assert api.JULIA_CODE.fullmatch(code)


@pytest.mark.parametrize("name", ["function.py:function", "a b/f (1).jl:M.f!", "old=f.py:f@pandas==2.2.3", "a.b:f"])
def test_names_of_functions_are_not_code(name: str):
    assert not api.JULIA_CODE.fullmatch(name)


@needs_julia
def test_code_of_julia_is_compared_and_its_mistakes_are_told():
    codes = ["total(x) = helper(x)\nhelper(x) = sum(x)\ntotal", "x -> sum(x) + length(x) ÷ 9", "x -> undefined(x)"]
    verdict = twinbench.pair(total, *codes, inputs=np.arange(4.0), generate=60, seed=1)
    assert verdict.states["total"] == ""
    assert verdict.states["helper in Julia"] == "same on 1 given and 60 drawn inputs"
    texts = {finding.function: finding.text for finding in verdict.findings}
    assert "undefined" in texts["Julia code (2)"]
    assert "(Julia code:1 in #" in texts["Julia code (2)"]
    for code, text in (
        ("x -> (", "Julia code can't be included: ParseError: Expected `)`"),
        ("1 +\n1", "not a function"),
    ):
        with pytest.raises(BadInput) as error:
            twinbench.pair(total, code, inputs=1.0)
        assert text in str(error.value)
