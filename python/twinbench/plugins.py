"""What other packages bring through entry points. A broken plug-in is left out with the reason, and named.

Loading imports the package's module, which may raise, exit or print; nothing of that reaches the command.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import io
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
    group: str, accept: Callable[[Any, str], None], of_module: Callable[[ModuleType], Any] = lambda module: module
) -> list[str]:
    """Load every plug-in of a group, and hand what it holds, one value after the other, to ``accept``.

    ``accept`` gets a value and the plug-in's name and package, and raises for a value that can't be used, `Broken` or
    another exception. ``of_module`` gives the values of a plug-in that is a module. Returns, for each plug-in or value
    that is left out, the plug-in's name, its package and the reason, in one line.
    """
    left_out: list[str] = []
    for entry, who in _entries(group, left_out):
        try:
            with _silent():
                loaded = entry.load()
                loaded = of_module(loaded) if isinstance(loaded, ModuleType) else loaded
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # whatever it raises, SystemExit included: it costs this plug-in
            left_out.append(f"{who}: {error if isinstance(error, Broken) else in_one_line(error)}")
            continue
        for value in loaded if isinstance(loaded, tuple | list) else (loaded,):
            try:
                accept(value, who)
            except Exception as error:
                left_out.append(f"{who}: {error if isinstance(error, Broken) else in_one_line(error)}")
    return left_out


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
def _silent() -> Iterator[None]:
    """Keep what is printed in the context away from standard output. Raises Broken if anything was."""
    import tempfile  # where there is a plug-in

    printed = io.StringIO()
    with tempfile.TemporaryFile() as file:
        with contextlib.redirect_stdout(printed), _descriptor_to(file.fileno()):
            yield
        file.seek(0)
        text = (printed.getvalue() + file.read(4096).decode(errors="replace")).strip()
    if text:
        excerpt = " ".join(text.split())[:LONGEST_EXCERPT]
        raise Broken(f"its import prints '{excerpt}'; a module of a plug-in prints nothing")


@contextlib.contextmanager
def _descriptor_to(file: int) -> Iterator[None]:
    """Point the descriptor of standard output to a file in the context, for what prints past Python."""
    try:
        sys.__stdout__.flush()  # type: ignore[union-attr]  # without a standard output it is None
        before = os.dup(1)
    except (OSError, ValueError, AttributeError):
        yield
        return
    os.dup2(file, 1)
    try:
        yield
    finally:
        os.dup2(before, 1)
        os.close(before)
