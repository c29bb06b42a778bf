"""Save a Keras model in MLflow's flavour ``keras``, which loads it in safe mode, on the backend that trained it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twinbench.handover.flavours.saving import Saving, pinned

LIBRARIES = {"tensorflow": "tensorflow-cpu", "jax": "jax", "torch": "torch"}
"""Python distribution that brings each Keras backend."""


def save(model: Any, saving: Saving) -> None:
    """Save ``model``, as the framework loaded it, with scores as output, so that a server gives the run's answers."""
    import keras
    import mlflow.keras

    network = model.network
    examples = keras.Input(network.input_shape[1:])
    logits = network(examples)
    several = logits.shape[-1] > 1
    scores = keras.layers.Activation("softmax" if several else "sigmoid")(logits)
    scoring = keras.Model(examples, scores if several else keras.layers.Reshape(())(scores))
    Path(saving.to).mkdir()  # the example is written there before MLflow makes the directory
    mlflow.keras.save_model(
        scoring,
        saving.to,
        signature=saving.signature(),
        input_example=saving.example(),
        pip_requirements=pinned("mlflow", "keras", LIBRARIES[keras.backend.backend()], "numpy"),
        metadata=saving.metadata,
    )
