"""The walls of the design: who may import whom, and what an import may bring in."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import twinbench

PACKAGE = Path(twinbench.__file__).parent

LIBRARIES = {
    *("pandas", "numpy", "scipy", "sklearn", "skops", "torch", "tensorflow", "keras", "jax", "mxnet"),
    *("polars", "duckdb", "pyarrow", "juliacall"),
    *("mlflow", "asv", "comet_ml", "jinja2", "pydantic"),
}
"""What would be in a worker's numbers if it came in unasked."""

EVERYBODY = {"errors", "paths"}
"""Small modules that all parts may use."""

MAY_IMPORT = {
    "errors": set(),
    "paths": set(),
    "julia": set(),
    "environments": set(),
    "ops": set(),
    "frameworks": {"ops", "julia"},
    "data": {"ops"},
    "worker": {"frameworks", "ops", "julia"},
    "plan": {"frameworks", "ops", "data", "environments", "julia"},
    "run": {"worker", "plan", "frameworks", "ops", "data", "environments", "julia", "results"},
    "results": set(),
    "views": {"results"},
    "handover": {"views", "results", "run", "frameworks", "ops", "environments", "julia"},
}
"""By part of the package, the other parts that it may import. ``cli`` may import all, and nobody may import it."""

SELF_CONTAINED = (
    "errors.py",
    "paths.py",
    "ops/contract.py",
    "results/student.py",
    "worker/measure.py",
    "worker/protocol.py",
)
"""Files that import nothing of ours: they make sense, and can be tested, alone."""


def files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def name_of(file: Path) -> str:
    return file.relative_to(PACKAGE).as_posix()


def imports(file: Path) -> Iterator[str]:
    """The modules of ours that a file imports, anywhere in it, each without the leading ``twinbench.``."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.removeprefix("twinbench.") for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(file)}: relative import"
            if node.module == "twinbench":
                yield from (alias.name for alias in node.names if not alias.name.startswith("__"))
            elif node.module and _ours(node.module):
                yield node.module.removeprefix("twinbench.")


def _ours(module: str) -> bool:
    return module.startswith("twinbench.")


def part(module: str) -> str:
    return module.partition(".")[0]


def part_of(file: Path) -> str:
    return part(name_of(file).removesuffix(".py").replace("/", "."))


def test_every_part_is_behind_a_wall():
    assert {part_of(file) for file in files()} == {
        *MAY_IMPORT,
        "cli",
        "__init__",
        "__main__",
    }


@pytest.mark.parametrize("here", MAY_IMPORT)
def test_a_part_imports_only_what_it_may(here):
    own = [file for file in files() if part_of(file) == here]
    beyond = {
        f"{name_of(file)} imports {module}"
        for file in own
        for module in imports(file)
        if part(module) not in {here, *MAY_IMPORT[here], *EVERYBODY}
    }
    assert not beyond


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_what_stands_alone_imports_nothing_of_ours(name):
    assert not list(imports(PACKAGE / name))


def test_statistics_know_numbers_only():
    assert set(imports(PACKAGE / "results/stats.py")) <= {"results.student"}


def modules_after(statement: str) -> set[str]:
    """The top-level modules in a fresh process that has run a statement."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_importing_twinbench_and_listing_frameworks_and_ops_imports_no_library():
    listing = (
        "from twinbench import ops; from twinbench.frameworks import registry; registry.frameworks(); ops.all_ops()"
    )
    assert not modules_after(listing) & LIBRARIES


def test_a_worker_starts_without_any_library():
    assert not modules_after("import twinbench.worker.main") & {*LIBRARIES, "rich", "typer", "sqlite3"}
