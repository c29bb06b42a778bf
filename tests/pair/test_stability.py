"""Where the reference's answer is rounding noise, another answer isn't a difference; at ties and limits it is one."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pair.requests import request
from twinbench.pair import command, stability
from twinbench.pair.callee.values import Masked, Table
from twinbench.pair.inputs import Input
from twinbench.pair.verdict import Verdict

X = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
Y = np.array([1.53, -2.27, 0.51, 3.11, -1.07, 0.79])


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)

    def compare(source: str, x: Any, *, generate: int = 0, y: Any = Y) -> Verdict:
        head = "import math\nimport numpy as np\nfrom fractions import Fraction\n"
        Path("own.py").write_text(head + textwrap.dedent(source))
        np.save("x.npy", x)
        np.save("y.npy", y)
        names = ["f=own.py:f", "g=own.py:g"]
        return command.run(request(names, inputs=["x.npy", "y.npy"], generate=generate, seed=1))

    return compare


CORRELATION = """
def centred(v, total): return v - total / len(v)
def correlation(a, b): return float(a @ b / math.sqrt((a @ a) * (b @ b)))
def f(x, y):
    with np.errstate(all="ignore"):
        return correlation(centred(x, sum(x.tolist())), centred(y, sum(y.tolist())))
def g(x, y):
    a, b = (v - float(sum(map(Fraction, v.tolist())) / len(v)) for v in (x, y))
    return correlation(a, b) if a.any() and b.any() else math.nan
"""


def test_the_correlation_of_a_constant_record_is_noise_and_said_to_be(compare):
    verdict = compare(CORRELATION, X)
    assert verdict.ok
    (note,) = verdict.notes
    assert note.startswith("g differs by rounding noise, which isn't counted: ")
    assert "nan" in note


def test_a_system_of_equations_that_determines_few_digits_is_noise_and_a_wrong_sign_is_not(compare):
    source = """
    def f(x, y): return np.linalg.solve(np.vander(x), y)
    def g(x, y): return np.linalg.inv(np.vander(x)) @ y
    """
    assert compare(source, 1 + 0.01 * np.arange(6)).ok
    assert not compare(source.replace("@ y", "@ -y"), 1 + 0.01 * np.arange(6)).ok


@pytest.mark.parametrize(
    ("f", "g", "x"),
    [
        ("np.round(x)", "np.floor(x + 0.5)", [0.5, 1.5, 2.5, 3.5]),
        ("np.round(x).sum() / 3", "np.floor(x + 0.5).sum() / 3", [0.5, 1.5, 2.5, 3.5, 4.5, 6.5]),
        ("x[x > 1].sum()", "x[x >= 1].sum()", [1.0, 1.0, 0.5, 2.25]),
        ("y[np.argsort(x, kind='stable')]", "y[np.argsort(x, kind='stable')[::-1]]", [1.0] * 6),
        ("y[np.argmax(x)] + 0.25", "y[len(x) - 1 - np.argmax(x[::-1])] + 0.25", [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]),
        ("0.0 if x.std() == 0 else float((x - x.mean())[0] / x.std())", "math.nan if x.std() == 0 else 1.0", [1.0] * 6),
        ("math.nan if x.std() == 0 else float((x - x.mean())[0] / x.std())", "0.0", [1.0] * 6),
        ("np.sqrt(x).sum()", "np.sqrt(x).sum() * (1 + 1e-6)", [1.0, 2.0, 3.0]),
    ],
)
def test_a_tie_a_limit_or_an_exception_is_not_noise(compare, f: str, g: str, x: list[float]):
    assert not compare(f"def f(x, y): return {f}\ndef g(x, y): return {g}\n", np.array(x)).ok


def test_inputs_are_moved_by_some_units_in_the_last_place():
    table = Table({"a": np.array([1.0, 0.0]), "b": np.array([1, 2])}, 2)
    values = [1.0, [2.0, "a"], {"k": Masked(np.array([1.0, 1.0]), np.array([True, False]))}, table, np.float32([1])]
    up, down = stability.moved_inputs(Input("", values, {"n": (1.0, 2)}))
    assert len(up) == len(down) == stability.DRAWS
    first = up[0].positional
    unit = np.spacing(1.0)
    assert 1.0 < first[0] <= 1.0 + stability.FARTHEST * unit
    assert 1.0 - stability.FARTHEST * unit <= down[0].named["n"][0] < 1.0
    assert (first[1][1], first[3].columns["a"][1], first[3].columns["b"].tolist()) == ("a", 0.0, [1, 2])
    assert first[4].dtype == np.float32
    assert first[4][0] > 1
    assert stability.moved_inputs(Input("", [1, "a", np.arange(3)])) == []


def test_a_result_is_settled_part_by_part():
    noise = [
        [{"a": (np.array([1.0, value]), "s")} for value in np.linspace(sign * 0.1, sign * 0.9, 6)] for sign in (1, -1)
    ]
    want, got = {"a": (np.array([1.0, 0.3]), "s")}, {"a": (np.array([1.5, -0.2]), "t")}
    back = stability.settled(want, got, noise)
    assert (back["a"][0].tolist(), back["a"][1]) == ([1.5, 0.3], "t")
    assert stability.settled(want, got, None)["a"][0].tolist() == [1.0, 0.3]
    far = stability.settled(want, {"a": (np.array([1.0, -9.0]), "s")}, noise)
    assert far["a"][0].tolist() == [1.0, -9.0]
