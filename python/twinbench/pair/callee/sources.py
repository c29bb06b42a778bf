"""What a process runs, as it is now: the user's files, and the versions of what was imported besides."""

from __future__ import annotations

import os
import sys
from typing import Any, Callable

from twinbench.usercode.loading import PACKAGE


def of(source: str, function: Callable[..., Any]) -> dict[str, Any]:
    """Return the paths of the user's file and of what it imported from its own directory, and versions by name.

    ``directory`` is that of the file. An installed package counts by its version, and not by its files.
    """
    file = source if source.endswith(".py") else getattr(sys.modules.get(source), "__file__", None)
    directory = os.path.dirname(os.path.realpath(file)) if file else ""
    files, versions = [], {"Python": ".".join(map(str, sys.version_info[:3]))}
    for name, module in list(sys.modules.items()):
        path, version = _attribute(module, "__file__"), _attribute(module, "__version__")
        if isinstance(path, str) and _is_own(path, directory):
            files.append(os.path.realpath(path))
        elif isinstance(version, str) and "." not in name and name != "twinbench" and not _in_python(path):
            versions[name] = str(version)  # PyTorch's is of a class of its own
    return {"directory": directory, "files": sorted(set(files)), "versions": versions}


def _attribute(module: Any, name: str) -> Any:
    """Return an attribute of whatever stands among the modules; None where there is none, or asking for it fails."""
    try:
        return getattr(module, name, None)
    except Exception:
        return None


def _is_own(path: str, directory: str) -> bool:
    if not directory or "site-packages" in directory.split(os.sep) or not path.endswith(".py"):
        return False
    real = os.path.realpath(path)
    inside = real.startswith(directory + os.sep) and "site-packages" not in real[len(directory) :].split(os.sep)
    return inside and not real.startswith(PACKAGE + os.sep)


def _in_python(path: Any) -> bool:
    """Whether a module is part of Python, whose version counts already."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    return not isinstance(path, str) or (path.startswith(library + os.sep) and "site-packages" not in path)
