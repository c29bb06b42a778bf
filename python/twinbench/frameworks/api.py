"""What a framework module offers: a name, a way in, a way out, and one small function per op.

A framework module is importable without its library: the library comes in with ``load``, which is what the harness
times as ``import``. So listing frameworks is cheap, and a worker imports only what it measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from twinbench.ops.contract import Arrays, Kind, Tolerance

Ops = Mapping[str, Callable[..., Any]]
"""Implementations by op: ``ops[name](params, *inputs)``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deviation:
    """Where a library can't follow a contract: its result is measured and shown with the reason, and never ranked."""

    reason: str
    tolerance: Tolerance
    """How far it may be off: an output even further away is a wrong answer like any other."""


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
    environment: str | None = None
    """Of `twinbench.launch.environments`, where it can't live in the common one."""
    load: Callable[[int], None]
    """Import the library and set its threads. Takes the number of threads."""
    prepare: Callable[[Arrays, Kind], Any]
    """A neutral value to the native form: a DataFrame, a Tensor, a column-major Array."""
    extract: Callable[[Any, Kind], Arrays]
    """The native form back to a neutral value, without changing a dtype."""
    cuda: Callable[[], Callable[[], object]] | None = None
    """Go over to the CUDA device, right after `load`. Returns what waits until the device has done all it was asked.

    Raises RuntimeError, saying why, where it can't. None: the library computes on the processor only."""
    threads: Callable[[], Mapping[str, int]]
    """Thread counts as the live library reports them, by pool. Empty where the library has no threads."""
    facts: Callable[[Any, Kind], Mapping[str, str]] = field(default=lambda value, kind: {})
    """How a native value is held (dtypes, string encoding, layout), for the record."""
    ops: Ops
    notes: Mapping[str, str] = field(default_factory=dict)
    """By op: where the library gets there by another way than the contract's, inside the tolerance all the same."""
    deviations: Mapping[str, Deviation] = field(default_factory=dict)
    """By op: where the library can't get there."""
