"""The training step of ``flights-delay``, by framework and size."""

from __future__ import annotations

from benchmarks import steps

PARAMS = (("torch", "Flux"), steps.SIZES)


class Mlp(steps.RememberedStep):
    params = PARAMS
    step = "mlp"
