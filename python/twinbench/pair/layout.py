"""How arrays of two or more dimensions are handed to Julia, whose memory has the first index change first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from twinbench.pair.callee.values import Masked, Named
from twinbench.pair.inputs import Input
from twinbench.pair.target import Target


def reversed_dimensions(value: Any) -> Any:
    """Return a value whose arrays have reversed dimensions: what Julia gets or returns in the layout ``reversed``."""
    if isinstance(value, np.ndarray):
        return value.T
    if isinstance(value, Masked):
        return Masked(value.values.T, value.mask.T)
    if isinstance(value, Named):
        return Named({name: reversed_dimensions(item) for name, item in value.values.items()})
    if isinstance(value, dict):
        return {key: reversed_dimensions(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(reversed_dimensions, value))
    return value


def handover(targets: Iterable[Target], examples: Iterable[Input]) -> str:
    """Say how Julia gets the arrays of inputs; empty if no function is in Julia, or no array has two dimensions."""
    layouts = [each.layout for each in targets if each.language == "julia"]
    array = next((found for example in examples for found in _arrays(example.values())), None)
    if not layouts or array is None:
        return ""
    if layouts[0] == "same":
        return f"Julia gets an array of shape {array.shape} in this shape, copied into its own order of memory"
    return f"Julia gets an array of shape {array.shape} as {array.T.shape}, not copied; its results are read likewise"


def _arrays(values: Iterable[Any]) -> Iterable[Any]:
    for value in values:
        if isinstance(value, np.ndarray) and value.ndim > 1:
            yield value
        elif isinstance(value, (list, tuple)):
            yield from _arrays(value)
        elif isinstance(value, (dict, Named)):
            yield from _arrays((value.values if isinstance(value, Named) else value).values())
