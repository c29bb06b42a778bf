"""A function of the user's as the command line names it: ``[NAME=]SOURCE:FUNCTION[@WHERE]``."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from twinbench.errors import BadInput, nearest

FORM = re.compile(r"(?:(?P<name>[^=:/\\]+)=)?(?P<source>[^:@]+):(?P<function>[^:@/]+)(?:@(?P<where>.+))?")
MODULE = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")
EXAMPLES = "smooth.py:smooth, package.module:smooth or smooth.jl:smooth"

Layout = Literal["same", "reversed"]
"""How Julia gets an array of two or more dimensions: of the same shape, or with reversed dimensions and not copied."""


@dataclass(frozen=True, slots=True)
class Target:
    """A function: where its source is, its name, and what it runs in."""

    name: str
    """What messages call the function: the NAME that the user gave, or the whole text."""
    source: str
    """Path of a ``.py`` or ``.jl`` file, or the dotted name of a Python module."""
    function: str
    where: str | None
    """For Python an interpreter, a virtual environment or requirements, for Julia a project; None for the usual one."""
    code: str | bytes | None = None
    """Julia code whose last value is the function, or a pickled function of this interpreter; None for a source."""
    threads: int = 1
    """Number of threads that the function may use."""
    layout: Layout = "same"

    @property
    def language(self) -> Literal["python", "julia"]:
        """The language of the source."""
        return "julia" if self.source.endswith(".jl") or isinstance(self.code, str) else "python"

    @property
    def text(self) -> str:
        """The target as the command line takes it, with its name where it has one of its own."""
        bare = f"{self.source}:{self.function}" + (f"@{self.where}" if self.where else "")
        return bare if self.name == bare else f"{self.name}={bare}"

    def loading(self) -> dict[str, Any]:
        """Return the message by which a process loads the function."""
        message: dict[str, Any] = {"do": "load", "source": self.source, "function": self.function}
        if self.language == "julia":
            message["layout"] = self.layout
        if isinstance(self.code, bytes):
            message["path"] = list(sys.path)
        return message if self.code is None else message | {"code": self.code}


def parse(text: str) -> Target:
    """Read a function's name from the command line. Raises BadInput, also for a file that isn't there."""
    target = split(text)
    if target.source.endswith((".py", ".jl")):
        _check_file(target.source)
    elif not MODULE.fullmatch(target.source):
        raise BadInput(f"'{target.source}' is neither a .py file, a .jl file nor a Python module; write {EXAMPLES}")
    return target


def split(text: str) -> Target:
    """Read a function's name without looking for its file. Raises BadInput."""
    match = FORM.fullmatch(text)
    if match is None:
        raise BadInput(f"'{text}' doesn't name a function; write {EXAMPLES}")
    source, function = match["source"], match["function"]
    bare = text if match["name"] is None else text.partition("=")[2]
    return Target(match["name"] or bare, source, function, match["where"])


def _check_file(source: str) -> None:
    path = Path(source)
    if path.is_file():
        return
    if path.exists() or not path.parent.is_dir():
        raise BadInput(f"{source}: {'is a directory' if path.exists() else f'{path.parent} is not a directory'}")
    others = [file.name for file in path.parent.iterdir() if file.suffix == path.suffix]
    raise BadInput(f"{source} doesn't exist{nearest(path.name, others)}")


def interpreter(target: Target) -> str:
    """Return the Python that runs a target: the current one, or that of its virtual environment. Raises BadInput."""
    where = target.where
    if where is None:
        return sys.executable
    if os.path.isdir(where):
        python = Path(where, "bin", "python")
        if not python.exists():
            raise BadInput(f"{target.name}: {where} is not a virtual environment; it has no bin/python")
        return str(python.absolute())
    executable = shutil.which(where)
    if executable is None:
        raise BadInput(f"{target.name}: '{where}' is neither a virtual environment nor a Python interpreter")
    return executable


def project(target: Target) -> str | None:
    """Return the directory of a target's Julia project; None for the configured project. Raises BadInput."""
    if target.where is None:
        return None
    directory = Path(target.where)
    if directory.name in ("Project.toml", "JuliaProject.toml"):
        directory = directory.parent
    if not any((directory / name).is_file() for name in ("Project.toml", "JuliaProject.toml")):
        raise BadInput(f"{target.name}: {target.where} is not a Julia project; it has no Project.toml")
    return str(directory.absolute())
