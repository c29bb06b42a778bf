"""A function of the user's as the command line names it: ``[NAME=]SOURCE:FUNCTION[@WHERE]``."""

from __future__ import annotations

import os
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from packaging.requirements import InvalidRequirement, Requirement

from twinbench.errors import BadInput, nearest
from twinbench.launch import environments

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


def requirements(text: str) -> tuple[str, ...] | None:
    """Return the requirements that a text lists, separated by commas or spaces; None for another text.

    One of them must have a version, so that a name that was mistyped isn't one.
    """
    close = re.sub(r"\s*([<>=!~]=?=?|,)\s*", r"\1", text.strip())
    listed = []
    for part in re.split(r"\s+|,(?![<>=!~])", close):
        try:
            listed.append(Requirement(part))
        except InvalidRequirement:
            return None
    if any(each.url for each in listed) or not any(each.specifier for each in listed):
        return None
    return tuple(map(str, listed))


def interpreter(target: Target) -> str:
    """Return the Python that runs a target: the current one, or that of its environment.

    An environment for requirements is made if there is none yet. Raises BadInput and EnvironmentFailure.
    """
    where = target.where
    if where is None:
        return sys.executable
    if os.path.isdir(where):
        python = Path(where, "bin", "python")
        if not python.exists():
            raise BadInput(f"{target.name}: {where} is not a virtual environment; it has no bin/python")
        return str(python.absolute())
    executable = shutil.which(where)
    if executable is not None:
        return executable
    listed = requirements(where)
    if listed is None:
        kinds = "neither a virtual environment nor a Python interpreter, nor requirements such as pandas==2.2.3"
        raise BadInput(f"{target.name}: '{where}' is {kinds}")
    try:
        directory = environments.create_for(listed, lambda line: print(line, file=sys.stderr))
    except environments.EnvironmentFailure as error:
        raise environments.EnvironmentFailure(f"{target.name}: {error}") from None
    return str(directory / "bin" / "python")


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
