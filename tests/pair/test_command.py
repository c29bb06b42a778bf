"""`twinbench pair` as a user runs it: its mistakes in one line, its exit codes, other environments, and Julia."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.pair.ports_of import needs_julia
from tests.pair.requests import request
from tests.printed import check
from twinbench.errors import BadInput
from twinbench.pair import command

EXAMPLES = Path(__file__).parents[2] / "examples" / "pair"

OWN = """
SIZE = 3


def smooth(x, width=3):
    return x


def other(x, width=3):
    return x if width != 4 else None
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own.py").write_text(OWN)
    Path("broken.py").write_text("def f(x):\n    return x\n\n\ndef helper():\n    return missing\n\n\nhelper()\n")
    Path("own.jl").write_text("module Inner\nf(x) = x\nend\ng(x) = x\nconst SIZE = 3\n")
    Path("broken.jl").write_text('f(x) = x\nhelper() = error("no")\nhelper()\n')
    np.save("x.npy", np.arange(3.0))
    return tmp_path


def mistake(*functions: str, inputs: tuple[str, ...] = ("x.npy",)) -> str:
    with pytest.raises(BadInput) as error:
        command.run(request(list(functions), inputs=list(inputs), generate=0))
    return str(error.value)


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("second", "text"),
    [
        ("own.py:smoth", "own.py has no function 'smoth'; did you mean 'smooth'?"),
        ("own.py:SIZE", "own.py: 'SIZE' is a value of type int, not a function"),
        ("ownn.py:smooth", "ownn.py doesn't exist; did you mean 'own.py'?"),
        (
            "own.py",
            "'own.py' doesn't name a function; write smooth.py:smooth, package.module:smooth or smooth.jl:smooth",
        ),
        ("no_such_module:f", "no_such_module can't be imported: ModuleNotFoundError: No module named 'no_such_module'"),
        ("broken.py:f", "(broken.py:6 in helper, called at broken.py:9)"),
        ("own.py:other@nowhere", "'nowhere' is neither a virtual environment nor a Python interpreter, nor"),
        ("own.py:other@.", ". is not a virtual environment; it has no bin/python"),
        ("own.py:smooth", "two functions are named 'own.py:smooth'; label one of them: NEW=own.py:smooth"),
    ],
)
def test_a_function_that_cannot_be_had_is_told_in_one_line(second: str, text: str):
    said = mistake("own.py:smooth", second)
    assert text in said
    assert "\n" not in said


@needs_julia
@pytest.mark.usefixtures("here")
def test_a_function_of_julia_that_cannot_be_had_is_told_in_one_line():
    said = [mistake("own.py:smooth", name) for name in ("own.jl:Inner.ff", "own.jl:SIZE", "broken.jl:f", "own.jl:g@.")]
    assert said[0] == "own.jl has no function 'Inner.ff'; did you mean 'Inner.f'?"
    assert said[1] == "own.jl: 'SIZE' is a value of type Int64, not a function"
    assert said[2].startswith(
        "broken.jl can't be included: ErrorException: no (broken.jl:2 in helper, called at broken.jl:3"
    )
    assert said[3] == "own.jl:g@.: . is not a Julia project; it has no Project.toml"


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize(
    ("inputs", "text"),
    [
        ((), "no input; give arguments by --input"),
        (("x.npy", "widths=3"), "own.py:smooth has no argument 'widths'; did you mean 'width'?"),
        (("y.npy",), "--input y.npy: no such file"),
        (("48000",), "--input 48000: no such file; a value has a name, as in --input NAME=48000"),
        (("own.py",), "--input own.py: files are .npy"),
        (("width=3", "width=4"), "width is given twice"),
        (("width=3",), "own.py:smooth: can't be called with the given input: missing a required argument: 'x'"),
        (("x=x.npy", "x.npy"), "can't be called with the given input: multiple values for argument 'x'"),
    ],
)
def test_inputs_that_cannot_be_used_are_told_in_one_line(inputs: tuple[str, ...], text: str):
    assert text in mistake("own.py:smooth", "own.py:other", inputs=inputs)


def test_one_function_is_no_pair(here: Path):
    assert (
        mistake(f"{here}/own.py:smooth") == f"{here}/own.py:smooth: a pair has two functions or more; name another one"
    )


def test_exit_codes_and_json(twinbench, here: Path):
    arguments = ["--input", "x.npy", "--generate", "20", "--no-time"]
    same = twinbench("pair", "own.py:smooth", "own.py:other", *arguments, cwd=here)
    assert (same.returncode, same.stderr) == (0, "")
    assert "own.py:other   same on 1 given and 20 drawn inputs" in same.stdout
    arguments = ["--input", "x.npy", "--input", "width=4", "--json", "--generate", "0"]
    differs = twinbench("pair", "own.py:smooth", "own.py:other", *arguments, cwd=here)
    check("pair", differs.stdout)
    verdict = json.loads(differs.stdout)
    assert (differs.returncode, verdict["ok"]) == (1, False)
    assert verdict["findings"][0]["calls"]["own.py:other"] == "other(np.array([0.0, 1.0, 2.0]), width=4)"
    wrong = twinbench("pair", "own.py:smooth", "own.py:others", "--input", "x.npy", cwd=here)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.count("\n") == 1
    assert not (here / ".hypothesis").exists()


def test_an_environment_needs_nothing_of_ours(here: Path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv-bare"], check=True, timeout=120)
    Path("bare.py").write_text("import sys\n\ndef f(x: list): return [sys.prefix != sys.base_prefix, len(x)]\n")
    Path("json.py").write_text("raise ImportError('a name of the standard library')\n")
    names = ["here=bare.py:f", "bare=bare.py:f@.venv-bare"]
    verdict = command.run(request(names, inputs=["x=[1.5, 2.5]"], generate=20))
    assert verdict.ok
    with pytest.raises(BadInput, match=r"bare: needs numpy, which isn't installed in .*\.venv-bare"):
        command.run(request(names, inputs=["x.npy"], generate=0))


def test_a_module_is_found_in_the_working_directory(here: Path):
    Path("package").mkdir()
    Path("package/module.py").write_text("def f(x): return x * 2\n")
    assert not command.run(request(["own.py:smooth", "package.module:f"], inputs=["x.npy"], generate=0)).ok


@needs_julia
def test_arguments_go_to_julia_by_position_and_by_keyword(here: Path):
    Path("names.py").write_text("def f(x, width=1, *, shift=0.0): return x * width + shift\n")
    Path("names.jl").write_text("f(x, width = 1; shift = 0.0) = x .* width .+ shift\n")
    inputs = ["x.npy", "shift=0.5", "width=2"]
    assert command.run(request(["names.py:f", "names.jl:f"], inputs=inputs, generate=20)).ok


@needs_julia
def test_what_a_function_of_julia_does_not_take_is_refused_and_not_an_exception_of_both(here: Path):
    Path("names.py").write_text("def f(x, shift=0.0): return x + shift\n")
    wrong = "two(x, y) = x\nnone(x) = x\nvarying(x, y, z, more...) = x"
    Path("names.jl").write_text(
        f"any(x; keywords...) = x .+ keywords[:shift]\nmore(x, rest...) = x .+ rest[1]\n{wrong}\n"
    )
    inputs = ["x.npy", "shift=0.5"]
    assert command.run(request(["names.py:f", "names.jl:any"], inputs=inputs, generate=20)).ok
    Path("values.py").write_text("def f(x, rest=0.0): return x + rest\n")
    assert command.run(request(["values.py:f", "names.jl:more"], inputs=["x.npy", "rest=0.5"], generate=20)).ok
    refused = "names.jl:{}: can't be called with the given input: it takes {}, and the input has 1 argument"
    assert mistake("names.py:f", "names.jl:two", inputs=("x.npy",)) == refused.format("two", "2 arguments")
    assert mistake("names.py:f", "names.jl:varying", inputs=("x.npy",)) == refused.format(
        "varying", "3 arguments or more"
    )
    assert "has no argument 'shift'" in mistake("names.py:f", "names.jl:none", inputs=("x.npy", "shift=0.5"))


@needs_julia
@pytest.mark.parametrize(
    ("python", "julia", "inputs"),
    [
        ("smooth.py:smooth", "smooth.jl:smooth", ["signal.npy", "width=5"]),
        ("clean.py:clean", "clean.jl:Cleaning.clean", ["orders.csv"]),
        ("tokens.py:count_words", "tokens.jl:count_words", ["text.txt"]),
    ],
)
def test_the_examples_agree(python: str, julia: str, inputs: list[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(EXAMPLES)
    verdict = command.run(request([python, julia], inputs=inputs, generate=20, seed=1))
    assert (verdict.findings, verdict.drawn) == ([], 20)


@needs_julia
def test_the_example_with_a_mistake_is_caught(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(EXAMPLES)
    asked = request(["smooth.py:smooth", "smooth.jl:smooth_short"], cases="cases.py:cases", seed=1)
    smallest = command.run(asked).findings[-1]
    assert smallest.drawn
    assert len(smallest.example.values()[0]) <= 4
