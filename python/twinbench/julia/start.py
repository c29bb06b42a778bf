"""Starting Julia: the environment variables of a process that starts Julia, and the start in the current process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twinbench import paths
from twinbench.julia.find import EXE, PROJECT, Julia, find


def environment(julia: Julia, threads: int) -> dict[str, str]:
    """Return the environment variables that a worker needs in order to start this Julia with N threads."""
    variables = {
        EXE: julia.exe,
        PROJECT: julia.project,
        "PYTHON_JULIACALL_THREADS": str(threads),
        "PYTHON_JULIACALL_HANDLE_SIGNALS": "yes",  # Julia's threads stop for its collector by signals
        "PYTHON_JULIACALL_STARTUP_FILE": "no",
        "JULIA_NUM_THREADS": str(threads),
        "JULIA_CONDAPKG_BACKEND": "Null",  # Python is here already
    }
    optional = {
        "JULIA_DEPOT_PATH": _writable(julia.depot),
        "PYTHON_JULIACALL_LIB": julia.lib,
        "PYTHON_JULIACALL_BINDIR": julia.bindir,
        "JULIA_PKG_OFFLINE": None if julia.source == "juliapkg" else "true",
    }
    return variables | {name: value for name, value in optional.items() if value}


def _writable(depot: str | None) -> str | None:
    """Return a depot path whose first directory, where Julia puts compiled packages, can be written to."""
    if not depot:
        return None
    first = Path(depot.split(os.pathsep)[0] or Path.home() / ".julia")
    existing = next(parent for parent in (first, *first.parents) if parent.exists())
    return depot if os.access(existing, os.W_OK) else os.pathsep.join([str(paths.cache_dir() / "julia-depot"), depot])


def start(threads: int) -> Any:
    """Start Julia in this process, load TwinBench, and return juliacall's ``Main``. Raises JuliaUnavailable."""
    os.environ.update(environment(find(), threads))
    from juliacall import Main

    package = paths.resource("julia")
    for directory in (package, package / "together"):
        Main.seval("path -> path in LOAD_PATH || push!(LOAD_PATH, path)")(str(directory))
    Main.seval("import TwinBench")
    Main.TwinBench.set_blas_threads(threads)
    return Main
