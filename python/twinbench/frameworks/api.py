"""What a framework module offers: a name, a way in, a way out, and one small function per op.

A framework module is importable without its library: the library comes in with ``load``, which is what the harness
times as ``import``. So listing frameworks is cheap, and a worker imports only what it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from twinbench.ops.contract import Arrays, Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Framework:
    """One library under test.

    ``ops[name](params, *inputs)`` is the step that is timed: native values in, native value out, inputs unchanged.
    Inputs of kind ``file`` are paths; an op with givens gets them, prepared as ``arrays``, as its last argument.
    """

    name: str
    """As in a stack: ``pandas``, ``DataFrames.jl``."""
    language: Literal["python", "julia"]
    summary: str
    packages: tuple[str, ...]
    """Distributions (Python) or packages (Julia) whose versions are recorded; the first one is the library itself."""
    extra: str | None = None
    """The extra of twinbench that installs it, if it isn't installed always."""
    load: Callable[[int], None]
    """Import the library and set its threads. Takes the number of threads."""
    prepare: Callable[[Arrays, Kind], Any]
    """A neutral value to the native form: a DataFrame, a Tensor, a column-major Array."""
    extract: Callable[[Any, Kind], Arrays]
    """The native form back to a neutral value, without changing a dtype."""
    threads: Callable[[], Mapping[str, int]]
    """Thread counts as the live library reports them, by pool. Empty where the library has no threads."""
    facts: Callable[[Any, Kind], Mapping[str, str]] = field(default=lambda value, kind: {})
    """How a native value is held (dtypes, string encoding, layout), for the record."""
    ops: Mapping[str, Callable[..., Any]]
    notes: Mapping[str, str] = field(default_factory=dict)
    """By op: where the library can't follow the contract to the letter, and why."""
