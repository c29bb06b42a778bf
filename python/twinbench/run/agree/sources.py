"""The source files of an op's reference, so that a changed reference is computed anew.

The rule: the modules that define the op's parameters, reference, givens and scale, and every module that these import,
directly or not, from their own top-level package, wherever in a module the import stands; and the packages
of such a module, whose ``__init__`` is executed before the module. Modules of other packages count only where they
define one of these functions: a library's version isn't part of the rule.
"""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from twinbench.ops.contract import Op
from twinbench.usercode.op import OwnOp


def files(ops: Iterable[Op]) -> list[Path]:
    """Return the files of these ops, sorted. Modules without Python source are left out."""
    modules: set[str] = set()
    for op in ops:
        if isinstance(op, OwnOp):
            continue  # the files of a user's code are hashed when the pipeline is read
        starts = {op.params.__module__, *(_module(function) for function in (op.reference, op.givens, op.scale))}
        _follow(starts - {""}, modules)
    return sorted({path for path in map(_file, modules) if path is not None})


def _module(function: Callable[..., Any] | None) -> str:
    while isinstance(function, partial):
        function = function.func
    return str(getattr(function, "__module__", None) or "")


def _follow(starts: Iterable[str], seen: set[str]) -> None:
    """Add modules, and what they import of their own top-level package, to the modules in ``seen``."""
    waiting = list(starts)
    while waiting:
        module = waiting.pop()
        if module in seen:
            continue
        seen.add(module)
        waiting.append(module.rpartition(".")[0] or module)
        path = _file(module)
        if path is not None:
            package = module if path.name == "__init__.py" else module.rpartition(".")[0]
            top = module.partition(".")[0]
            waiting += [name for name in _imports(path, package) if name.partition(".")[0] == top]


def _imports(path: Path, package: str) -> Iterator[str]:
    """Yield the names that a file imports: modules, and ``module.name`` where the name may be a module."""
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")
                base = ".".join([*parents[: len(parents) - node.level + 1], *([node.module] if node.module else [])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _file(module: str) -> Path | None:
    """Return the Python file of a module; None where the name isn't a module, or the module has no Python source."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    origin = None if spec is None else spec.origin
    return Path(origin) if origin is not None and origin.endswith(".py") else None
