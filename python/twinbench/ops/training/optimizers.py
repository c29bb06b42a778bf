"""The optimizers of the training ops: their parameters, their updates, and the contract of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Sgd:
    """Stochastic gradient descent.

    ``lr``: the learning rate. ``nesterov``: whether the gradient looks ahead; needs a ``momentum`` above 0.
    """

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012  read by the plan; an annotation would make it a field
    name: Literal["sgd"]
    lr: float = 1e-2
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        if not (self.lr > 0 and 0 <= self.momentum < 1):
            raise ValueError("sgd takes lr > 0 and 0 <= momentum < 1")
        if self.nesterov and not self.momentum:
            raise ValueError("nesterov needs a momentum above 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam, with the constants of Kingma & Ba 2015, algorithm 1. ``lr``: the learning rate."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012
    name: Literal["adam"] = "adam"
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _check_moments(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdamW:
    """Adam with decoupled weight decay, multiplied by ``lr``: Loshchilov & Hutter 2019, algorithm 2."""

    __pydantic_config__ = {"extra": "forbid"}  # noqa: RUF012
    name: Literal["adamw"]
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 1e-2

    def __post_init__(self) -> None:
        _check_moments(self)
        if self.weight_decay < 0:
            raise ValueError("weight_decay must be at least 0")


BY_NAME: Mapping[str, type[Sgd | Adam | AdamW]] = {"sgd": Sgd, "adam": Adam, "adamw": AdamW}
"""The class of each optimizer, by the name that a pipeline gives."""


def _check_moments(p: Adam | AdamW) -> None:
    if not (p.lr > 0 and p.eps > 0 and 0 <= p.beta1 < 1 and 0 <= p.beta2 < 1):
        raise ValueError(f"{p.name} takes lr > 0, eps > 0 and betas from 0 up to 1")


Optimizer = Sgd | Adam | AdamW


DEFAULT = Adam()
"""The optimizer of a step that names none."""


def built(value: Any) -> Any:
    """Build an optimizer from its values as they come through JSON; an optimizer is returned unchanged."""
    return BY_NAME[value.get("name", "adam")](**value) if isinstance(value, dict) else value


Moments = dict[str, "NDArray[Any]"]
"""Moments by the name of the parameter."""


class Updates:
    """The parameters and the moments of a network in training, updated in place."""

    def __init__(self, p: Optimizer, weights: Arrays) -> None:
        import numpy as np

        self.p = p
        self.weights = weights
        self.t = 0
        self.m = {name: np.zeros_like(w) for name, w in weights.items()}
        self.v = {name: np.zeros_like(w) for name, w in weights.items()}

    def step(self, gradients: Arrays) -> None:
        """Update every parameter from its gradient."""
        self.t += 1
        for name, g in gradients.items():
            w, m, v = self.weights[name], self.m[name], self.v[name]
            if isinstance(self.p, Sgd):
                sgd(self.p, w, g, m)
            else:
                if isinstance(self.p, AdamW):
                    w -= w.dtype.type(self.p.lr * self.p.weight_decay) * w
                adam(self.p, self.t, w, g, m, v)


def sgd(p: Sgd, w: NDArray[Any], g: NDArray[Any], m: NDArray[Any]) -> None:
    """Update a parameter by its momentum; Nesterov's form looks ahead from the updated momentum."""
    f = w.dtype.type
    m[...] = f(p.momentum) * m + g
    w -= f(p.lr) * (g + f(p.momentum) * m if p.nesterov else m)


def adam(p: Adam | AdamW, t: int, w: NDArray[Any], g: NDArray[Any], m: NDArray[Any], v: NDArray[Any]) -> None:
    """Update a parameter by algorithm 1 of the paper."""
    import numpy as np

    f = w.dtype.type
    m[...] = f(p.beta1) * m + f(1 - p.beta1) * g
    v[...] = f(p.beta2) * v + f(1 - p.beta2) * g * g
    corrected_m, corrected_v = m / f(1 - p.beta1**t), v / f(1 - p.beta2**t)
    w -= f(p.lr) * corrected_m / (np.sqrt(corrected_v) + f(p.eps))


SEMANTICS = """After each batch t = 1, 2, ... every parameter w is updated from the gradient g of the mean loss of that
batch, in float32; the moments m and v start at 0.
sgd: m = momentum m + g; w -= lr m, or with nesterov w -= lr (g + momentum m). There is no dampening.
adam: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2; w -= lr (m / (1 - beta1^t)) / (sqrt(v / (1 -
beta2^t)) + eps): both moments are corrected for their start at 0, and eps is added outside the root, after the
correction.
adamw: first w -= lr weight_decay w for every parameter, biases too; then the update of adam. The decay is not part of
g."""


SOURCES = """Sutskever et al., ICML 2013, https://proceedings.mlr.press/v28/sutskever13.html (sgd, in the form without
lr in m); Kingma & Ba, Adam, ICLR 2015, https://arxiv.org/abs/1412.6980; Loshchilov & Hutter, ICLR 2019,
https://arxiv.org/abs/1711.05101"""
