"""The references of the optimizers: one update of one parameter, in the parameter's dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinbench.ops import training_optimizers as o
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

Moments = dict[str, "NDArray[Any]"]


class Updates:
    """The parameters and moments of a network while it is trained. ``step`` updates all parameters in place."""

    def __init__(self, p: o.Optimizer, weights: Arrays) -> None:
        import numpy as np

        self.p = p
        self.weights = weights
        self.t = 0
        self.m = {name: np.zeros_like(w) for name, w in weights.items()}
        self.v = {name: np.zeros_like(w) for name, w in weights.items()}

    def step(self, gradients: Arrays) -> None:
        """One update, from the gradient of every parameter."""
        self.t += 1
        for name, g in gradients.items():
            w, m, v = self.weights[name], self.m[name], self.v[name]
            if isinstance(self.p, o.Sgd):
                sgd(self.p, w, g, m)
            else:
                if isinstance(self.p, o.AdamW):
                    w -= w.dtype.type(self.p.lr * self.p.weight_decay) * w
                adam(self.p, self.t, w, g, m, v)


def sgd(p: o.Sgd, w: NDArray[Any], g: NDArray[Any], m: NDArray[Any]) -> None:
    """Momentum, and Nesterov's in the form that looks ahead from the updated momentum."""
    f = w.dtype.type
    m[...] = f(p.momentum) * m + g
    w -= f(p.lr) * (g + f(p.momentum) * m if p.nesterov else m)


def adam(p: o.Adam | o.AdamW, t: int, w: NDArray[Any], g: NDArray[Any], m: NDArray[Any], v: NDArray[Any]) -> None:
    """Algorithm 1 of the paper."""
    import numpy as np

    f = w.dtype.type
    m[...] = f(p.beta1) * m + f(1 - p.beta1) * g
    v[...] = f(p.beta2) * v + f(1 - p.beta2) * g * g
    corrected_m, corrected_v = m / f(1 - p.beta1**t), v / f(1 - p.beta2**t)
    w -= f(p.lr) * corrected_m / (np.sqrt(corrected_v) + f(p.eps))
