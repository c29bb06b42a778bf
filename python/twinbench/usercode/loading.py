"""The user's function: found in a file or a module, with the user's own frames where that fails.

It is imported in the user's environments, too, and therefore needs Python 3.9 and the standard library only.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import pickle
import sys
import traceback
from types import ModuleType
from typing import Any, Callable

PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
"""Directory of twinbench, whose frames are not the user's."""


_LOADED: dict[str, ModuleType] = {}
"""Modules by their source: two functions of one file share what the file does when it is imported."""

MOST_FRAMES = 10
"""Different frames of an exception that are shown."""


class NotLoaded(Exception):
    """A function that can't be had. ``names`` are those of the functions that are there."""

    def __init__(self, message: str, names: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.names = names


def load(source: str, function: str) -> Callable[..., Any]:
    """Import a file or a module, and return the function of this name in it. Raises NotLoaded."""
    try:
        if source not in _LOADED:
            _LOADED[source] = _from_file(source) if source.endswith(".py") else _from_module(source)
        module = _LOADED[source]
    except BaseException as error:  # whatever the user's module does, SystemExit included
        if isinstance(error, KeyboardInterrupt):
            raise
        raise NotLoaded(f"{source} can't be imported: {described(error)}") from None
    target: Any = module
    for part in function.split("."):
        if not hasattr(target, part):
            raise NotLoaded(f"{source} has no function '{function}'", _functions(module))
        target = getattr(target, part)
    if not callable(target):
        raise NotLoaded(f"{source}: '{function}' is a value of type {type(target).__name__}, not a function")
    return target  # type: ignore[no-any-return]  # it was checked to be a function


def unpickled(name: str, code: bytes, path: list[str]) -> Callable[..., Any]:
    """Return a function that the user's own process pickled; ``path`` is where it imports from. Raises NotLoaded."""
    sys.path[:] = path
    try:
        return pickle.loads(code)  # type: ignore[no-any-return]  # a function was pickled
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        raise NotLoaded(f"{name} can't be loaded in a process of its own: {described(error)}") from None


_BEFORE: set[str] = set()
"""Names of the modules that were there before the user's were imported."""


def forget() -> None:
    """Forget the user's own modules that were imported, so that nothing is left of what they kept."""
    _LOADED.clear()
    _BEFORE.update([] if _BEFORE else sys.modules)
    for name in set(sys.modules) - _BEFORE:
        file = getattr(sys.modules[name], "__file__", None)
        if file and file.endswith(".py") and _of_the_user(file):
            del sys.modules[name]


def _from_file(source: str) -> ModuleType:
    path = os.path.abspath(source)
    _import_from(os.path.dirname(path))
    name = os.path.basename(path)[: -len(".py")]
    name = name if name not in sys.modules and name.isidentifier() else f"_own_{name}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{source} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _from_module(source: str) -> ModuleType:
    _import_from(os.getcwd())
    return importlib.import_module(source)


def _import_from(directory: str) -> None:
    if sys.path[:1] != [directory]:
        sys.path.insert(0, directory)


def _functions(module: ModuleType) -> tuple[str, ...]:
    names = [name for name, value in vars(module).items() if callable(value) and not name.startswith("__")]
    own = [name for name in names if getattr(vars(module)[name], "__module__", None) == module.__name__]
    return tuple(own or names)


def described(error: BaseException) -> str:
    """Return an exception in one line: its type, its message, and the user's frames from the innermost outwards."""
    text = " ".join(str(error).split())[:500]
    shown = f"{type(error).__name__}: {text}" if text else type(error).__name__
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _of_the_user(frame.filename)]
    lines = [f"{_short(frame.filename)}:{frame.lineno}{_within(frame.name)}" for frame in reversed(frames)]
    if isinstance(error, SyntaxError) and error.filename and _of_the_user(error.filename):
        lines.insert(0, f"{_short(error.filename)}:{error.lineno}")
        shown = f"{type(error).__name__}: {error.msg}"
    lines = list(dict.fromkeys(lines))[:MOST_FRAMES]
    return f"{shown} ({', called at '.join(lines)})" if lines else shown


def _within(name: str) -> str:
    return "" if name.startswith("<module") else f" in {name}"


def _of_the_user(filename: str) -> bool:
    """Whether a file is the user's own: not of this package, of an installed package, or of Python."""
    if filename.startswith("<") or os.path.abspath(filename).startswith(PACKAGE + os.sep):
        return False
    parts = os.path.abspath(filename).split(os.sep)
    library = os.path.dirname(os.path.abspath(os.__file__))
    return "site-packages" not in parts and not os.path.abspath(filename).startswith(library + os.sep)


def _short(filename: str) -> str:
    relative = os.path.relpath(filename)
    return filename if relative.startswith("..") else relative


def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Return a function's parameters, with their annotations where these can be read; empty where none can."""
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
