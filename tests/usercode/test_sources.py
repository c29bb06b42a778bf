"""The files of a user's code: a change in any that is imported or included is a change of the code, and no other is."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from twinbench.usercode import sources

PYTHON = {
    "main.py": "import json, helper\n\ndef f(x):\n    from pkg.inner import deep\n    return helper.g(deep(x))\n",
    "helper.py": "import importlib\n\ndef g(x):\n    return importlib.import_module('late').h(x)\n",
    "late.py": "def h(x): return x\n",
    "pkg/__init__.py": "",
    "pkg/inner.py": "from . import beside\nfrom .other import value\nfrom .. import nothing\n\ndef deep(x): return x\n",
    "pkg/beside.py": "import main\n",
    "pkg/other.py": "value = 1\n",
    "spaces/module.py": "import broken\n",
    "broken.py": "def (\n",
    "unused.py": "import helper\n",
    "pkg/unused.py": "",
    "data.csv": "a\n1\n",
}
JULIA = {
    "main.jl": 'include("helper.jl")\nfor name in ("a.jl", "gone.jl")\n    include(name)\nend\n'
    'include(joinpath(@__DIR__, "deep", "b.jl"))\n',
    "helper.jl": "g(x) = x\n",
    "a.jl": "a = 1\n",
    "deep/b.jl": 'module B\ninclude("../up.jl")\nend\n',
    "up.jl": 'include("main.jl")\n',
    "unused.jl": 'include("helper.jl")\n',
}
COUNTED = {
    "main.py": {"main.py", "helper.py", "late.py", "pkg/__init__.py", "pkg/inner.py", "pkg/beside.py", "pkg/other.py"},
    "spaces/module.py": {"spaces/module.py"},
    "unused.py": set(PYTHON) & {"unused.py", "helper.py", "late.py"},
    "main.jl": {"main.jl", "helper.jl", "a.jl", "deep/b.jl", "up.jl"},
    "unused.jl": {"unused.jl", "helper.jl"},
}


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    for name, text in (PYTHON | JULIA).items():
        file = tmp_path / "code" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "code"


@pytest.mark.parametrize("main", COUNTED)
def test_a_change_counts_in_what_is_imported_or_included_and_nowhere_else(directory: Path, main: str):
    first, *others = (file.relative_to(directory).as_posix() for file in sources.files(directory / main))
    assert first == main
    assert {first, *others} == COUNTED[main]
    before = sources.digest(directory / main)
    for name in PYTHON | JULIA:
        with (directory / name).open("a") as file:
            file.write("# changed\n")
        after = sources.digest(directory / main)
        assert (after != before) == (name in COUNTED[main]), name
        before = after


def test_the_digest_stays_where_the_directory_moves_and_follows_a_new_module(directory: Path, tmp_path: Path):
    before = sources.digest(directory / "main.py")
    moved = Path(shutil.move(directory, tmp_path / "elsewhere"))
    assert sources.digest(moved / "main.py") == before
    (moved / "json.py").write_text("loads = None\n")  # now it comes before the one of the standard library
    assert sources.digest(moved / "main.py") != before


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        sources.digest(tmp_path / "gone.py")


def test_the_names_of_a_file_are_those_of_its_top_level(tmp_path: Path):
    file = tmp_path / "f.py"
    file.write_text(
        "import os.path as p\nif p:\n    def f(x): inside = 1\nelse:\n    g, h = 1, 2\nclass C:\n    k = 3\n"
    )
    assert sorted(set(sources.names(file) or [])) == ["C", "f", "g", "h", "p"]
    file.write_text("from os import *\n")
    assert sources.names(file) is None
