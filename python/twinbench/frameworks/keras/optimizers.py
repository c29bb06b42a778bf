"""Adam and AdamW with the contracts' epsilon. Imports Keras, and is imported by ``load`` only.

Keras adds its epsilon, the "epsilon hat" of Kingma & Ba, to the root of the uncorrected v. The epsilon of their
algorithm 1, the contracts', times sqrt(1 - beta2^t) is the same there.
"""

from __future__ import annotations

import math
from typing import Any

import keras
from keras import ops


class PaperEpsilon:
    """What makes the epsilon of a Keras optimizer that of algorithm 1."""

    epsilon: Any
    beta_2: float
    iterations: Any
    _updates = 0
    """Updates so far, for PyTorch: reading them from ``iterations`` would wait for a GPU."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Update the variables, with the epsilon of this step."""
        given = self.epsilon
        self.epsilon = given * self._correction()
        try:
            return super().apply(grads, trainable_variables)  # type: ignore[misc]  # of the optimizer's class
        finally:
            self.epsilon = given

    def _correction(self) -> Any:
        """Return sqrt(1 - beta2^t): a part of the graph where the step is traced, and a number where it isn't."""
        if keras.backend.backend() == "torch":
            self._updates += 1
            return math.sqrt(1 - self.beta_2**self._updates)
        step = ops.cast(self.iterations + 1, "float32")
        return ops.sqrt(1 - ops.power(ops.cast(self.beta_2, "float32"), step))


def with_paper_epsilon(optimizer: keras.Optimizer) -> keras.Optimizer:
    """Return the optimizer with that epsilon.

    Its class is then a subclass of the one that Keras chose for the backend: with PyTorch, Keras updates all weights by
    a few calls, but in its own classes only, and with a subclass of ``keras.optimizers.Adam`` a step of a perceptron
    took 1.7 times as long.
    """
    chosen = type(optimizer)
    optimizer.__class__ = type(chosen.__name__, (PaperEpsilon, chosen), {})
    return optimizer
