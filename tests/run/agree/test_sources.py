"""A reference that was edited, in whichever module, is another reference: nothing stale is served."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from twinbench import ops
from twinbench.ops import arrays
from twinbench.ops.contract import Op
from twinbench.plan import pipeline
from twinbench.run.agree import reference, sources
from twinbench.run.request import directories

CONTRACT = """
from dataclasses import dataclass
from twinbench.ops.contract import Op
from . import references

@dataclass(frozen=True)
class Halve:
    by: int = 2

def givens(params, x):
    from myops.deep.start import order
    return order()

OP = Op(name="mine.halve", params=Halve, inputs=("arrays",), output="arrays", summary="", semantics="", source="",
        reference=references.halve, givens=givens)
"""

PACKAGE = {
    "__init__.py": "",
    "contract.py": CONTRACT,
    "references.py": "from .helper import half\n\ndef halve(params, x):\n    return half(x)\n",
    "helper.py": "def half(x):\n    return x / 2\n",
    "deep/__init__.py": "",
    "deep/start.py": "def order():\n    return {}\n",
    "other.py": "def nobody(): ...\n",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    directory = tmp_path / "myops"
    for name, text in PACKAGE.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield directory
    for name in [name for name in sys.modules if name.partition(".")[0] == "myops"]:
        del sys.modules[name]


@pytest.fixture
def op(package: Path) -> Op:
    module: Any = importlib.import_module("myops.contract")
    found: Op = module.OP
    return found


def key(op: Op) -> str:
    """The cache key of a pipeline of one step, with the op in its place."""
    found = pipeline.find("noop", directories(()))
    (step,) = found.steps
    return reference._key(replace(found, steps=(replace(step, op=op),)), "default", {}, "cpu")


@pytest.mark.parametrize("name", ["contract.py", "references.py", "helper.py", "deep/start.py"])
def test_an_edited_module_of_the_reference_is_another_key(package: Path, op: Op, name: str):
    before = key(op)
    assert key(op) == before
    with (package / name).open("a") as file:
        file.write("# edited\n")
    assert key(op) != before


def test_a_module_that_nothing_imports_changes_no_key(package: Path, op: Op):
    before = key(op)
    (package / "other.py").write_text("# edited\n")
    assert key(op) == before


def test_modules_of_other_packages_are_not_followed(package: Path, op: Op):
    found = sources.files([op])
    assert {path.relative_to(package).as_posix() for path in found} == set(PACKAGE) - {"other.py"}


def test_every_op_of_ours_has_its_module_and_the_contract_in_its_sources():
    for op in ops.all_ops():
        names = {path.name for path in sources.files([op])}
        assert "contract.py" in names
        assert Path(sys.modules[op.reference.__module__].__file__ or "").name in names
    assert Path(arrays.__file__).is_file()
