"""What other packages bring through entry points. A broken plug-in is left out with the reason, and named.

Loading imports the package's module, which may raise, exit, hang or print: a process of its own tries that first. A
worker loads only the plug-ins that it measures, which were tried before the worker started.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import os
import sys
from collections.abc import Callable, Iterator
from functools import cache
from importlib.metadata import EntryPoint
from types import ModuleType
from typing import Any

from twinbench.errors import in_one_line

LONGEST_EXCERPT = 60
"""Most characters of a plug-in's value that a message quotes."""


class Broken(Exception):
    """Something of a plug-in's that can't be used, with the reason."""


def load(
    group: str,
    accept: Callable[[Any, EntryPoint, str], None],
    of_module: Callable[[ModuleType], Any] = lambda module: module,
) -> list[str]:
    """Load every plug-in of a group whose import does no harm, and hand its values, one after the other, to ``accept``.

    ``accept`` gets a value, its entry point, and the plug-in's name and package, and raises for a value that can't be
    used, `Broken` or another exception. ``of_module`` gives the values of a plug-in that is a module. Returns, for each
    plug-in or value that is left out, the plug-in's name, its package and the reason, in one line.
    """
    from twinbench.plugins import trial  # a worker needs none

    left_out: list[str] = []
    entries = list(_entries(group, left_out))
    for (entry, who), problem in zip(entries, trial.problems([entry for entry, _ in entries]), strict=True):
        try:
            if problem:
                raise Broken(problem)
            with _environment_kept():
                values = _values(entry, of_module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it raises, SystemExit included: it costs this plug-in
            left_out.append(f"{who}: {error if isinstance(error, Broken) else in_one_line(error)}")
            continue
        for value in values:
            try:
                accept(value, entry, who)
            except Exception as error:
                left_out.append(f"{who}: {error if isinstance(error, Broken) else in_one_line(error)}")
    return left_out


def load_one(group: str, name: str, value: str, of_module: Callable[[ModuleType], Any] = lambda module: module) -> Any:
    """Return what is called ``name`` in the entry point of this value, which was tried before. Raises KeyError."""
    return {each.name: each for each in _values(EntryPoint(name, value, group), of_module)}[name]


def _values(entry: EntryPoint, of_module: Callable[[ModuleType], Any]) -> tuple[Any, ...]:
    loaded = entry.load()
    loaded = of_module(loaded) if isinstance(loaded, ModuleType) else loaded
    return tuple(loaded) if isinstance(loaded, tuple | list) else (loaded,)


def _entries(group: str, left_out: list[str]) -> Iterator[tuple[EntryPoint, str]]:
    """Yield the entry points, each with its name and its package; a package without readable metadata is left out."""
    try:
        entries = list(_scanned(tuple(sys.path)).select(group=group))
    except Exception:  # of one package, which takes those of all others along
        entries = []
        for distribution in importlib.metadata.distributions():
            try:
                entries += distribution.entry_points.select(group=group)
            except Exception as error:
                left_out.append(f"package '{_package(distribution)}': its entry points: {in_one_line(error)}")
    for entry in entries:
        yield entry, f"plug-in '{entry.name}' of {_package(entry.dist)}"


@cache
def _scanned(path: tuple[str, ...]) -> Any:
    """Return the entry points of all groups of the packages on ``sys.path``, which take 30 ms to find."""
    return importlib.metadata.entry_points()


def _package(distribution: importlib.metadata.Distribution | None) -> str:
    with contextlib.suppress(Exception):
        if distribution is not None:
            return f"{distribution.metadata['Name']} {distribution.version}"
    return "an unnamed package"


@contextlib.contextmanager
def _environment_kept() -> Iterator[None]:
    """Undo what the context changes in the variables of the environment, which workers inherit in part."""
    before = dict(os.environ)
    try:
        yield
    finally:
        if before != dict(os.environ):
            os.environ.clear()
            os.environ.update(before)
