"""The walls of the design: who may import whom, and what an import may bring in."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
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

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "paths": set(),
    "metrics": set(),
    "numbers": set(),
    "julia": set(),
    "ops": set(),
    "frameworks": {"ops", "julia"},
    "frameworks.numpy": {"frameworks", "ops"},
    "frameworks.scipy": {"frameworks", "ops"},
    "frameworks.torch": {"frameworks", "ops"},
    "frameworks.keras": {"frameworks", "frameworks.torch", "ops"},
    "data": {"ops"},
    "worker": {"frameworks", "ops"},
    "launch": {"worker"},
    "plan": {"data", "frameworks", "julia", "launch", "metrics", "ops"},
    "store": {"numbers"},
    "run": {"frameworks", "julia", "launch", "metrics", "numbers", "ops", "plan", "run.agree", "run.models", "store"},
    "run.agree": {"data", "frameworks", "metrics", "ops", "plan"},
    "run.models": {"launch", "metrics", "numbers", "ops", "plan", "run.agree", "store"},
    "run.cluster": {"data", "plan", "run", "store"},
    "results.models": {"metrics", "numbers", "store"},
    "results.summary": {"metrics", "numbers", "results.models", "store"},
    "results.decisions": {"metrics", "numbers", "results.summary", "store"},
    "views": {"numbers", "results.decisions", "results.models", "results.summary", "store"},
    "views.report": {"metrics", "numbers", "results.decisions", "results.summary", "store", "views"},
    "trackers": {"numbers", "results.models", "results.summary", "store", "views", "views.report"},
    "handover": {"handover.flavours", "launch", "results.models", "store", "trackers"},
    "handover.flavours": {"frameworks", "frameworks.torch", "julia", "launch", "ops"},
    "handover.deploy": {"frameworks", "handover", "handover.flavours", "launch", "results.models", "store"},
    "handover.endpoint": {"handover", "handover.deploy", "launch", "numbers", "results.models", "store"},
}
"""By room of the package, the other rooms that it imports: no more, and no less.

A room is a directory that holds modules, or a module beside them. ``cli`` may import all, and nothing imports ``cli``.
Makers of results (``run``) and their readers (``results``, ``views``, ``trackers``, ``handover``) meet in ``store``.
"""

SELF_CONTAINED = (
    "errors.py",
    "paths.py",
    "ops/contract.py",
    "numbers/student.py",
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
            if node.module == "twinbench" or (node.module and _ours(node.module)):
                base = node.module.removeprefix("twinbench").removeprefix(".")
                names = (f"{base}.{alias.name}".removeprefix(".") for alias in node.names)
                yield from {name if _is_module(name) else base for name in names} - {""}


def _is_module(name: str) -> bool:
    path = PACKAGE / name.replace(".", "/")
    return path.is_dir() or path.with_name(f"{path.name}.py").is_file()


def _ours(module: str) -> bool:
    return module.startswith("twinbench.")


def room(module: str) -> str:
    """``results.summary`` of ``results.summary.run``; ``launch`` of ``launch.process``."""
    parts = module.split(".")
    depth = 2 if len(parts) > 1 and (PACKAGE / parts[0] / parts[1]).is_dir() else 1
    return ".".join(parts[:depth])


def room_of(file: Path) -> str:
    return room(name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def imported_rooms(name: str) -> set[str]:
    own = [file for file in files() if room_of(file) == name]
    return {room(module) for file in own for module in imports(file)} - {name, *EVERYBODY}


def test_every_room_has_walls():
    faces = {"__init__", "__main__", "cli", "handover", "results"}
    assert {room_of(file) for file in files()} | {"handover"} == {*MAY_IMPORT, *faces}


@pytest.mark.parametrize("here", MAY_IMPORT)
def test_a_room_imports_what_its_walls_say(here):
    assert imported_rooms(here) == MAY_IMPORT[here]


def test_dependencies_between_rooms_point_one_way():
    TopologicalSorter(MAY_IMPORT).prepare()  # raises CycleError


def test_makers_and_readers_of_results_meet_only_in_the_store():
    makers = {name for name in MAY_IMPORT if room(name).partition(".")[0] in {"run", "plan", "worker"}}
    readers = {name for name in MAY_IMPORT if name.partition(".")[0] in {"results", "views", "trackers", "handover"}}
    for name in makers:
        assert not MAY_IMPORT[name] & readers, name
    for name in readers:
        assert not MAY_IMPORT[name] & makers, name


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_what_stands_alone_imports_nothing_of_ours(name):
    assert not list(imports(PACKAGE / name))


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
