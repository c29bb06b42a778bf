"""The files that a user's file of code depends on, in its own directory, found without executing anything.

Python: the modules and packages of the file's directory that an import names, wherever in a file the import stands, and
what these import in turn; also ``import_module("name")`` with a literal name. Julia: the files that ``include`` names,
and any other existing file whose name ends in ``.jl`` and stands in the code as a literal. Installed packages aren't
counted: their versions are recorded elsewhere. Reading more than is executed does no harm; a file too few would serve
an old answer.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

SUFFIXES = (".py", *EXTENSION_SUFFIXES)
"""Endings of the files of Python modules."""

IMPORTERS = ("import_module", "__import__")
"""Functions of Python that import the module that their first argument names."""

LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
"""Pattern of a string in Julia's code, on one line."""


def files(path: Path) -> list[Path]:
    """Return a file of code, and then every file of its directory that it depends on, sorted.

    A file that can't be read or parsed counts, and nothing that it might import. Raises OSError if ``path`` can't be
    read.
    """
    root = path.absolute()
    root.read_bytes()
    imports: Callable[[Path], Iterable[Path]] = _included if root.suffix == ".jl" else _imported(root.parent)
    found, waiting = {root}, [root]
    while waiting:
        new = set(imports(waiting.pop())) - found
        found |= new
        waiting += new
    return [root, *sorted(found - {root})]


def checksum(path: Path) -> str:
    """Return the SHA-256 of a file's content. Raises OSError."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def digest(path: Path) -> str:
    """Return a hash of the content of a file of code and of all that it depends on; another directory changes nothing.

    Raises OSError.
    """
    total = hashlib.sha256()
    for file in files(path):
        name = Path(os.path.relpath(file, path.absolute().parent)).as_posix()
        total.update(f"{name}\0{checksum(file)}\n".encode())
    return total.hexdigest()


def _imported(directory: Path) -> Callable[[Path], Iterator[Path]]:
    """Return the function from a file to the modules in ``directory`` that the file imports."""

    def imports(file: Path) -> Iterator[Path]:
        for name in _names(file, directory):
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                yield from _module(directory.joinpath(*parts[:end]))

    return imports


def _module(base: Path) -> Iterator[Path]:
    """Yield the files of the module or package at a path without an ending."""
    candidates = [base / f"__init__{suffix}" for suffix in SUFFIXES]
    candidates += [base.with_name(base.name + suffix) for suffix in SUFFIXES]
    yield from (path for path in candidates if path.is_file())


def _names(file: Path, directory: Path) -> Iterator[str]:
    """Yield the dotted names that a Python file imports, absolute from ``directory``."""
    tree = _parsed(file)
    package = file.parent.relative_to(directory).parts
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from filter(None, [base, *(f"{base}.{alias.name}".lstrip(".") for alias in node.names)])
        elif isinstance(node, ast.Call) and node.args and isinstance(name := node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in IMPORTERS and isinstance(name.value, str):
                yield name.value.lstrip(".")


def _parsed(file: Path) -> ast.Module | None:
    try:
        return ast.parse(file.read_bytes()) if file.suffix == ".py" else None
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _included(file: Path) -> Iterator[Path]:
    """Yield the Julia files that a Julia file names, by a literal or by the literals of one ``joinpath``."""
    try:
        text = file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    joined = ("/".join(LITERAL.findall(call)) for call in re.findall(r"joinpath\(([^()]*)\)", text))
    for name in dict.fromkeys([*LITERAL.findall(text), *joined]):
        if name.endswith(".jl") and "\0" not in name:
            path = file.parent.joinpath(name)
            if path.is_file():
                yield path.resolve() if ".." in path.parts else path


def names(path: Path) -> list[str] | None:
    """Return the names that the top level of a Python file binds; None where an import or ``exec`` may bind others.

    Raises OSError if the file can't be read, and SyntaxError or ValueError if it isn't Python.
    """
    bound: list[str] = []
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            bound.append(node.name)
            continue
        if isinstance(node, ast.ImportFrom | ast.Import):
            bound += [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
        elif isinstance(node, ast.Name):
            bound.append(node.id)
        waiting += ast.iter_child_nodes(node)
    return None if {"*", "exec", "globals", "vars", "setattr", "__getattr__"} & set(bound) else bound
