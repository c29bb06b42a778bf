"""The walls of the design: who may import whom, and what an import may bring in."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest

import twinbench
from twinbench import ops
from twinbench.modalities import MODALITIES

PACKAGE = Path(twinbench.__file__).parent

EVERYBODY = {"errors", "foreign", "paths"}
"""Small modules that all parts may use."""

MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "foreign": set(),
    "paths": set(),
    "metrics": set(),
    "modalities": set(),
    "numbers": set(),
    "julia": set(),
    "leftovers": set(),
    "plugins": set(),
    "ops": {"modalities", "plugins"},
    "frameworks": {"ops", "julia", "plugins", "usercode"},
    "frameworks.numpy": {"frameworks", "ops"},
    "frameworks.scipy": {"frameworks", "ops"},
    "frameworks.torch": {"frameworks", "ops"},
    "frameworks.keras": {"frameworks", "frameworks.torch", "ops"},
    "data": {"leftovers", "modalities", "ops"},
    "worker": {"frameworks", "ops", "usercode"},
    "launch": {"julia", "leftovers", "ops", "worker"},
    "plan": {"data", "frameworks", "julia", "launch", "metrics", "modalities", "ops", "usercode"},
    "store": {"metrics", "numbers"},
    "run": {
        *("frameworks", "launch", "metrics", "numbers", "ops", "plan", "run.agree", "run.models"),
        *("store", "usercode", "worker"),
    },
    "run.agree": {"data", "frameworks", "launch", "metrics", "ops", "plan", "store", "usercode", "worker"},
    "run.models": {"launch", "metrics", "numbers", "ops", "plan", "run.agree", "store", "worker"},
    "conformance": {"frameworks", "julia", "launch", "ops", "plan", "run.agree", "store"},
    "pair": {"julia", "launch", "ops", "pair.callee", "run", "store", "worker"},
    "pair.callee": {"usercode", "worker"},
    "usercode": {"ops"},
    "run.cluster": {"data", "plan", "run", "store"},
    "results": {"numbers", "results.decisions", "results.summary", "store"},
    "results.models": {"metrics", "numbers", "store"},
    "results.summary": {"metrics", "numbers", "results.models", "store"},
    "results.decisions": {"metrics", "numbers", "results.summary", "store"},
    "views": {"numbers", "results.decisions", "results.models", "results.summary", "store"},
    "views.report": {"metrics", "numbers", "results.decisions", "results.summary", "store", "views"},
    "trackers": {"numbers", "results.models", "results.summary", "store", "views", "views.report"},
    "handover": {"frameworks", "handover.flavours", "launch", "results.models", "results.summary", "store", "trackers"},
    "handover.flavours": {"frameworks", "frameworks.torch", "launch", "numbers", "ops", "worker"},
    "handover.deploy": {"frameworks", "handover", "handover.flavours", "launch", "results.models", "store"},
    "handover.endpoint": {"handover", "handover.deploy", "launch", "numbers", "results.models", "store"},
}
"""By room of the package, the other rooms that it imports: no more, and no less.

A room is a directory that holds modules, or a module beside them. ``cli`` may import all, and nothing imports ``cli``.
Makers of results (``run``) and their readers (``results``, ``views``, ``trackers``, ``handover``) meet in ``store``.
"""

SELF_CONTAINED = (
    "foreign.py",
    "leftovers.py",
    "paths.py",
    "modalities.py",
    "frameworks/julia_tokens.py",
    "julia/project.py",
    "ops/contract.py",
    "usercode/sources.py",
    "numbers/student.py",
    "worker/content.py",
    "worker/trend.py",
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
    """``results.summary`` of ``results.summary.run``; ``launch`` of ``launch.process``. All of ``ops`` is one room."""
    parts = module.split(".")
    depth = 2 if len(parts) > 1 and parts[0] != "ops" and (PACKAGE / parts[0] / parts[1]).is_dir() else 1
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
    makers = {name for name in MAY_IMPORT if room(name).partition(".")[0] in {"run", "plan", "pair"}}
    readers = {name for name in MAY_IMPORT if name.partition(".")[0] in {"results", "views", "trackers", "handover"}}
    for name in makers:
        assert not MAY_IMPORT[name] & readers, name
    for name in readers:
        assert not MAY_IMPORT[name] & makers, name


def test_of_a_worker_others_know_only_its_messages():
    inside = {
        module
        for file in files()
        if room_of(file) not in ("worker", "cli", "pair.callee")
        for module in imports(file)
        if room(module) == "worker"
    }
    assert inside == {"worker.channel", "worker.job", "worker.protocol"}


def test_a_users_interpreter_takes_the_loop_that_times_ops_and_nothing_else_beside_its_server():
    own = {module for file in files() if room_of(file) == "pair.callee" for module in imports(file)}
    assert {module for module in own if room(module) != "pair.callee"} == {*("usercode.loading", "worker.measure")}


def test_the_harness_asks_for_roles_and_never_for_an_op_by_name():
    names = {op.name for op in ops.all_ops() if op.modality != "probe"}
    spelled = {
        f"{name_of(file)}: {node.value}"
        for file in files()
        if room_of(file).partition(".")[0] in ("run", "worker", "launch")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and node.value in names
    }
    assert not spelled


def test_modalities_are_listed_in_one_file_only():
    def lists(file: Path) -> Iterator[int]:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Tuple | ast.List | ast.Set | ast.Dict):
                inside = node.keys if isinstance(node, ast.Dict) else node.elts
                if sum(isinstance(item, ast.Constant) and item.value in MODALITIES for item in inside) > 1:
                    yield node.lineno

    assert not [f"{name_of(file)}:{line}" for file in files() if file.name != "modalities.py" for line in lists(file)]


@pytest.mark.parametrize("name", SELF_CONTAINED)
def test_what_stands_alone_imports_nothing_of_ours(name):
    assert not list(imports(PACKAGE / name))


def test_finding_julia_can_start_nothing():
    starters = {"julia.provision", "julia.start", "julia.use"}
    for name in ("find", "project", "layers", "openssl", "status"):
        file = PACKAGE / "julia" / f"{name}.py"
        assert not starters & set(imports(file)), name
        assert "subprocess" not in file.read_text(encoding="utf-8"), name


def test_nothing_imports_the_conformance_kit():
    others = [file for file in files() if room_of(file) != "conformance"]
    assert [name_of(file) for file in others if "conformance" in rooms_of(file)] == []


def rooms_of(file: Path) -> set[str]:
    return {room(module) for module in imports(file)}


LOWER_FAMILIES = {
    "tables": ["conditions", "read", "rows"],
    "signals": ["conditions", "filters", "spectra"],
    "images": ["conditions", "pixels", "png", "huffman", "jpeg"],
    "training": ["conditions", "layers", "optimizers", "networks", "learning"],
}
"""By package of ops, the files that the others in it may import; each of them may import those before it."""


def module_of(file: Path) -> str:
    """``ops.images`` for ``ops/images/__init__.py``."""
    return name_of(file).removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def graph() -> dict[str, set[str]]:
    """By module, the modules that it imports, whether at once, lazily or for types only.

    ``from package import module`` counts as an import of the module, and not of the package's ``__init__`` too.
    """
    every = {module_of(file): file for file in files()}
    return {module: set(targets(file, set(every))) for module, file in every.items()}


def targets(file: Path, every: set[str]) -> Iterator[str]:
    for module, names in imported(file):
        submodules = {f"{module}.{name}".removeprefix("twinbench.") for name in names} & every
        yield from submodules
        if len(submodules) < len(names) or not names:
            yield from {module.removeprefix("twinbench.")} & every


def imported(file: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """Every module of ours that a file imports, with the names taken from it: each with what it is called here."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, {}) for alias in node.names if _ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and (node.module == "twinbench" or _ours(node.module)):
            yield node.module, {alias.name: alias.asname or alias.name for alias in node.names}


def test_no_imports_go_round_in_a_circle():
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_what_all_ops_are_made_of_knows_none_of_them():
    imports = graph()
    assert imports["ops.contract"] == imports["ops.parameters"] == set()
    assert imports["ops.arrays"] == {"ops.contract"}


@pytest.mark.parametrize("package", LOWER_FAMILIES)
def test_a_family_of_ops_imports_the_contract_and_lower_families_only(package):
    lower = [f"ops.{package}.{name}" for name in LOWER_FAMILIES[package]]
    families = {module: found for module, found in graph().items() if module.startswith(f"ops.{package}.")}
    assert set(lower) < set(families)
    beyond = {
        f"{module} imports {other}"
        for module, found in families.items()
        for other in found - {"errors", "ops.contract", *lower[: lower.index(module) if module in lower else None]}
    }
    assert not beyond


def test_a_framework_under_test_takes_parameters_and_formulas_from_the_ops_and_no_reference():
    frameworks = [file for file in files() if room_of(file).startswith("frameworks") and file.name != "reference.py"]
    beyond = {f"{name_of(file)} takes {name}" for file in frameworks for name in taken(file) if not in_contract(name)}
    assert not beyond


def taken(file: Path) -> Iterator[str]:
    """What a file takes from the ops, in full: ``twinbench.ops.images.Resize`` for ``t.Resize``."""
    modules: dict[str, str] = {}
    for module, names in imported(file):
        if module == "twinbench":
            yield from (f"twinbench.{name}" for name in names if name == "ops")
        elif module == "twinbench.ops":
            modules |= {here: f"{module}.{name}" for name, here in names.items()}
        elif module.startswith("twinbench.ops."):
            yield from (f"{module}.{name}" for name in names) if names else [module]
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in modules:
            yield f"{modules[node.value.id]}.{node.attr}"


def in_contract(name: str) -> bool:
    """Whether a framework may take this: from the contract, or the parameters and formulas of a modality."""
    module, _, attribute = name.rpartition(".")
    if module in ("twinbench.ops.contract", "twinbench.ops.arrays"):
        return True
    if module not in {f"twinbench.ops.{package}" for package in (*LOWER_FAMILIES, "probe")}:
        return False
    package: ModuleType = importlib.import_module(module)
    value = getattr(package, attribute)
    return (
        attribute in getattr(package, "FORMULAS", ())
        or (isinstance(value, type) and is_dataclass(value))
        or bool(get_args(value))
    )
