"""Saving models as MLflow does, in a process of its own: libraries that hate each other never meet, nor the harness.

``python -m twinbench.handover.flavours.saving FILE``: the file lists what to save, all of it by one flavour.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import ops
from twinbench.frameworks import registry

if TYPE_CHECKING:
    from mlflow.models import ModelSignature
    from numpy.typing import NDArray

NATIVE = {
    "torch": "torch",
    "Keras": "keras",
    "Keras-JAX": "keras",
    "Keras-torch": "keras",
    "scikit-learn": "sklearn",
}
"""The module for the flavour of a framework's models; ``served`` for any other."""


@dataclass(frozen=True, slots=True)
class Saving:
    """One model to be saved: plain data."""

    saved: str
    """Where its framework loads it from."""
    to: str
    """The directory to make."""
    beside: str
    """A directory with ``example.npy``, the first rows of its input, and ``scores.npy``, what they give."""
    metadata: dict[str, Any]

    def example(self) -> NDArray[Any]:
        """float32, (rows, ...)."""
        return self._array("example.npy")

    def signature(self, *, every_class: bool = False) -> ModelSignature:
        """Tensors in and out. ``every_class``: also of two classes both probabilities come out."""
        import numpy as np
        from mlflow.models import infer_signature

        scores = self._array("scores.npy")
        if every_class and scores.ndim == 1:
            scores = np.stack([1 - scores, scores], axis=1).astype(np.float64)
        return infer_signature(self.example(), scores)

    def _array(self, name: str) -> NDArray[Any]:
        import numpy as np

        return np.load(Path(self.beside) / name, allow_pickle=False)  # type: ignore[no-any-return]


def flavour(framework: str) -> str:
    """The module that saves its models."""
    return NATIVE.get(framework, "served")


def pinned(*distributions: str) -> list[str]:
    """What a model needs, in the versions at hand; a local part such as ``+cpu`` can't be had elsewhere."""
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in distributions]


def save(framework: str, savings: list[Mapping[str, Any]]) -> None:
    """Save models of one framework."""
    module = importlib.import_module(f"twinbench.handover.flavours.{flavour(framework)}")
    native = registry.get(framework)
    loads = flavour(framework) != "served"
    if loads:
        native.load(1)
    load = ops.get("training.load")
    for plain in savings:
        saving = Saving(**plain)
        saved = Path(saving.saved)
        module.save(native.ops[load.name](load.build({}), saved) if loads else saved, saving)


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    save(job["framework"], job["savings"])
