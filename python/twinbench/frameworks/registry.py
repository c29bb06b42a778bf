"""Finding frameworks: ours by name, Julia's by their files, others through entry points.

Nothing here imports a library under test.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from functools import cache

from twinbench.frameworks.api import Framework

BUILTIN = (
    *("pandas", "numpy", "polars", "duckdb"),
    *("scipy", "pyaudioanalysis"),
    *("pillow", "opencv", "skimage"),
    *("torch", "keras", "sklearn", "mxnet"),
    *("probe", "reference"),
)
"""Modules of this package that hold a ``FRAMEWORKS`` tuple."""

ENTRY_POINTS = "twinbench.frameworks"

RETIRED = {
    "SignalProcessing.jl": "both packages of that name are retired: one was absorbed by DSP.jl, and its MFCC lives on "
    "in MFCC.jl; the other is deprecated; use DSP.jl, SignalAnalysis.jl or MFCC.jl",
}
"""Names that people ask for, and what became of them."""


@cache
def frameworks() -> dict[str, Framework]:
    """Every framework by name, ours first. A plugin can't replace one of ours."""
    found: dict[str, Framework] = {}
    for module in BUILTIN:
        for framework in importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS:
            found[framework.name] = framework
    from twinbench.frameworks import julia

    for framework in julia.frameworks():
        found[framework.name] = framework
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        for framework in loaded if isinstance(loaded, tuple) else (loaded,):
            found.setdefault(framework.name, framework)
    return found


def get(name: str) -> Framework:
    """The framework of this name. Raises KeyError."""
    return frameworks()[name]
