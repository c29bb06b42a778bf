"""Adam and AdamW with the contracts' epsilon. Imports Keras, and is imported by ``load`` only.

Keras adds its epsilon, the "epsilon hat" of Kingma & Ba, to the root of the uncorrected v. The epsilon of their
algorithm 1, the contracts', times sqrt(1 - beta2^t) is the same there.
"""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


class PaperEpsilon(keras.optimizers.Adam):  # type: ignore[misc]  # Keras has no types
    """An Adam whose epsilon is that of algorithm 1."""

    def apply(self, grads: Any, trainable_variables: Any = None) -> Any:
        """Update the variables, with the epsilon of this step."""
        given: Any = self.epsilon  # type: ignore[has-type]  # set by Keras
        step = ops.cast(self.iterations + 1, "float32")
        self.epsilon = given * ops.sqrt(1 - ops.power(ops.cast(self.beta_2, "float32"), step))
        try:
            return super().apply(grads, trainable_variables)
        finally:
            self.epsilon = given


class Adam(PaperEpsilon):
    """Keras's Adam with that epsilon."""


class AdamW(PaperEpsilon, keras.optimizers.AdamW):  # type: ignore[misc]  # Keras has no types
    """Keras's AdamW with that epsilon."""
