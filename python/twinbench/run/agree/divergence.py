"""Whether a training diverged: a model that learnt nothing is neither right nor wrong, and its stack fails."""

from __future__ import annotations

import numpy as np

from twinbench.ops.contract import Arrays, Op

WORSE = 10.0
"""Last losses, in first losses, that are a divergence; a first loss below 1 counts as 1."""

WILD = 1000.0
"""A loss at any step, in first losses, that is a divergence."""

LAST = 10
"""Part of the losses that are the last ones: a tenth."""


def reason(op: Op, output: Arrays) -> str:
    """Return why the output of an op that trains shows a divergence; empty for other outputs and other ops."""
    if op.role != "train":
        return ""
    for name, values in output.items():
        wrong = np.flatnonzero(~np.isfinite(values)) if values.dtype.kind == "f" else np.empty(0, int)
        if len(wrong):
            what = f"the loss of step {wrong[0] + 1}" if name == "losses" else f"'{name}' at {wrong[0]}"
            return f"diverged: {what} is {values.flat[wrong[0]]}; lower the learning rate"
    losses = output.get("losses", np.empty(0))
    if len(losses):
        first, last = float(losses[0]), float(losses[-max(1, len(losses) // LAST) :].mean(dtype=float))
        highest = float(losses.max())
        if last > WORSE * max(1.0, first) or highest > WILD * max(1.0, first):
            return f"diverged: the loss rose from {first:.3g} to {max(last, highest):.3g}; lower the learning rate"
    return ""
