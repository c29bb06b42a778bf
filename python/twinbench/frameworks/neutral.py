"""Helpers that several frameworks share about neutral values, NumPy arrays by name. Knows no library under test.

Nothing here is part of a timed step: a stack's fingerprint covers only the files of its own frameworks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from twinbench.ops.contract import Arrays, Kind


def unchanged(value: Any, kind: Kind) -> Any:
    """Return the value: the conversion of a framework whose native form is the neutral form."""
    return value


def blas_threads() -> dict[str, int]:
    """Return the threads of each BLAS library in the process, by the library's name."""
    import threadpoolctl

    pools = threadpoolctl.ThreadpoolController().select(user_api="blas")
    return {pool["internal_api"]: pool["num_threads"] for pool in pools.info()}


def array_facts(value: Arrays) -> Mapping[str, str]:
    """Describe dtype and memory order of each array for the run's record."""
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'F'}" for name, v in value.items()}


def list_facts(value: Mapping[str, Any], describe: Callable[[Any], str]) -> Mapping[str, str]:
    """Describe arrays as `array_facts` does, and each list of images by its first image."""
    lists = {name: values for name, values in value.items() if isinstance(values, list)}
    described = {name: f"list of {describe(values[0])}" if values else "empty list" for name, values in lists.items()}
    return {**array_facts({name: v for name, v in value.items() if name not in lists}), **described}


def other_form(output: Any, equal: Any) -> str:
    """Return what an output is if an equal value, which was prepared, has another type; empty otherwise."""
    if output is None or not isinstance(equal, dict) or not isinstance(output, dict):
        pairs = {"": (output, equal)}
    else:
        pairs = {f"{name}: ": (output[name], equal[name]) for name in output.keys() & equal.keys()}
    for name, (got, want) in pairs.items():
        if got is not None and not isinstance(got, type(want)):
            return f"{name}{type(got).__name__} instead of {type(want).__name__}"
    return ""
