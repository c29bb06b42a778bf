"""What --save-cases writes fails today, and passes once the function is right."""

from __future__ import annotations

import os
import runpy
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.pair.ports_of import needs_julia
from tests.pair.requests import request
from twinbench.julia.start import environment
from twinbench.pair import command, save
from twinbench.pair.process import julia_of
from twinbench.pair.target import parse

RIGHT = "def f(x, k=1):\n    return x[k:]\n"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("right.py").write_text(RIGHT)
    np.save("x.npy", np.array([1.5, -0.5, 2.0, 4.25]))
    return tmp_path


def passes(file: Path) -> bool:
    """Call the tests of a file; pytest in a process of its own would take seconds."""
    names = runpy.run_path(str(file))
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert tests
    try:
        for test in tests:
            test()
    except AssertionError:
        return False
    return True


def written(functions: list[str], inputs: list[str], **options) -> list[Path]:
    asked = request(functions, inputs=inputs, seed=1, **options)
    return save.save(command.run(asked), asked, Path("cases"))


@pytest.mark.usefixtures("here")
def test_a_test_for_pytest_fails_until_the_function_is_right():
    Path("wrong.py").write_text(RIGHT.replace("k:", "k - 1:"))
    (file,) = written(["right.py:f", "wrong.py:f"], ["x.npy", "k=2"])
    assert not passes(file)
    Path("wrong.py").write_text(RIGHT)
    assert passes(file)


@pytest.mark.usefixtures("here")
def test_an_input_that_is_too_large_to_be_written_out_is_saved_beside():
    np.save("x.npy", np.arange(1000.0))
    Path("wrong.py").write_text(RIGHT.replace("[k:]", "[k:] + (len(x) == 1000)"))
    (file,) = written(["right.py:f", "wrong.py:f"], ["x.npy"], generate=0)
    assert not passes(file)
    Path("wrong.py").write_text(RIGHT)
    assert passes(file)


@pytest.mark.usefixtures("here")
def test_nothing_is_written_where_nothing_differs():
    Path("same.py").write_text(RIGHT)
    assert written(["right.py:f", "same.py:f"], ["x.npy"]) == []
    assert not Path("cases").exists()


@needs_julia
@pytest.mark.usefixtures("here")
def test_a_test_for_julia_fails_until_the_function_is_right():
    Path("wrong.jl").write_text("f(x, k = 1) = x[k:end]\n")
    files = written(["right.py:f", "wrong.jl:f"], ["x.npy", "k=2"], where="k <= len(x)")
    assert [file.suffix for file in files] == [".py", ".jl"]
    julia = julia_of(parse("wrong.jl:f"))

    script = (
        "passes() = try include(ARGS[1]); true; catch; false; end\n"
        'before = passes(); write("wrong.jl", "f(x, k = 1) = x[(k + 1):end]"); exit(before ? 1 : passes() ? 0 : 2)'
    )
    start = [julia.exe, "--startup-file=no", f"--project={julia.project}", "-e", script, str(files[1].absolute())]
    assert subprocess.run(start, env=os.environ | environment(julia, 1), timeout=300).returncode == 0
