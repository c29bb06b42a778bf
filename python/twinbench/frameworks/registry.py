"""Find frameworks: built-in Python modules by name, Julia's by their files, others through entry points.

Nothing here imports a library under test.
"""

from __future__ import annotations

import importlib
from functools import cache

from twinbench.frameworks import plugins
from twinbench.frameworks.api import Framework

BUILTIN = (
    *("pandas", "numpy", "polars", "duckdb"),
    *("scipy", "pyaudioanalysis"),
    *("pillow", "opencv", "skimage"),
    *("torch", "keras", "sklearn", "mxnet"),
    *("python", "probe", "reference"),
)
"""Modules of this package that hold a ``FRAMEWORKS`` tuple."""

RETIRED = {
    "SignalProcessing.jl": "both packages of that name are retired: one was absorbed by DSP.jl, and its MFCC lives on "
    "in MFCC.jl; the other is deprecated; use DSP.jl, SignalAnalysis.jl or MFCC.jl",
}
"""Names of removed frameworks, each with the reason and the replacement."""


@cache
def frameworks() -> dict[str, Framework]:
    """Return every framework by name, built-in frameworks first; a plug-in can't replace a built-in framework."""
    return _own() | _plugins().frameworks


def get(name: str, plugin: str | None = None) -> Framework:
    """Return the framework of this name. Raises KeyError.

    ``plugin``: its entry point, as `plugin_of` gave it to another process; no other plug-in is imported then.
    """
    if name in _own():
        return _own()[name]
    return _plugins().frameworks[name] if plugin is None else plugins.load_one(name, plugin)


def plugin_of(name: str) -> str | None:
    """Return the value of the entry point of a plug-in's framework; None for a framework of twinbench's own."""
    return None if name in _own() else _plugins().entries.get(name)


def left_out() -> list[str]:
    """Return, for each plug-in that couldn't be used, its name and the reason; empty before `frameworks` is called."""
    return _plugins().left_out if _plugins.cache_info().currsize else []


@cache
def _own() -> dict[str, Framework]:
    by_name: dict[str, Framework] = {}
    for module in BUILTIN:
        for framework in importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS:
            by_name[framework.name] = framework
    from twinbench.frameworks import julia

    for framework in julia.frameworks():
        by_name[framework.name] = framework
    return by_name


@cache
def _plugins() -> plugins.Plugins:
    return plugins.load((*_own(), *RETIRED))
