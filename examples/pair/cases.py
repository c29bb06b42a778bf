"""Inputs for smooth.py and smooth.jl: each a label and the arguments."""

from collections.abc import Iterator
from typing import Any

import numpy as np


def cases() -> Iterator[tuple[str, Any]]:
    """Yield a step, noise and a ramp."""
    rng = np.random.default_rng(1)
    yield "a step", (np.repeat([0.0, 1.0], 50), 5)
    yield "noise", (rng.normal(size=1000), 9)
    yield "a ramp, by name", {"signal": np.arange(20.0), "width": 3}
