"""Save models in MLflow's format in a process of its own: conflicting libraries never share one, nor the harness's.

``python -m twinbench.handover.flavours.saving FILE``: the JSON file lists the models to save, all of one flavour.
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
from twinbench.numbers.answers import DisagreeingAnswer, check_answers

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
"""Module that saves a framework's models in an MLflow flavour; frameworks not listed here use ``served``."""


@dataclass(frozen=True, slots=True)
class Saving:
    """One model to save, as plain data that fits into JSON."""

    saved: str
    """File or directory that the framework loads the model from."""
    to: str
    """Directory to create for the model in MLflow's format."""
    beside: str
    """Directory with ``example.npy``, the first rows of the model's input, and ``scores.npy``, their scores."""
    metadata: dict[str, Any]

    def example(self) -> NDArray[Any]:
        """Return the example rows, float32 (rows, ...)."""
        return self._array("example.npy")

    def scores(self) -> NDArray[Any]:
        """Return the run's scores of the example rows, (rows,) or (rows, classes)."""
        return self._array("scores.npy")

    def signature(self, *, every_class: bool = False) -> ModelSignature:
        """Return MLflow's signature of the model.

        ``every_class``: two classes give two probabilities instead of one.
        """
        import numpy as np
        from mlflow.models import infer_signature

        scores = self.scores()
        if every_class and scores.ndim == 1:
            scores = np.stack([1 - scores, scores], axis=1).astype(np.float64)
        return infer_signature(self.example(), scores)

    def _array(self, name: str) -> NDArray[Any]:
        import numpy as np

        return np.load(Path(self.beside) / name, allow_pickle=False)  # type: ignore[no-any-return]


def flavour(framework: str) -> str:
    """Return the name of the module that saves a framework's models."""
    return NATIVE.get(framework, "served")


def pinned(*distributions: str) -> list[str]:
    """Return ``name==version`` as installed here, without a local part such as ``+cpu``, which no index offers."""
    return [f"{name}=={importlib.metadata.version(name).partition('+')[0]}" for name in distributions]


def save(framework: str, savings: list[Mapping[str, Any]], *, check: bool) -> None:
    """Save several models of one framework; with ``check``, load each again and ask it for the scores of its run."""
    module = importlib.import_module(f"twinbench.handover.flavours.{flavour(framework)}")
    native = registry.get(framework)
    loads = flavour(framework) != "served"
    if loads:
        native.load(1)
    (load,) = ops.of_role("load")
    for plain in savings:
        saving = Saving(**plain)
        saved = Path(saving.saved)
        module.save(native.ops[load.name](load.build({}), saved) if loads else saved, saving)
        if check:
            _check(saving)


def _check(saving: Saving) -> None:
    """Raise SystemExit if a saved model doesn't give the scores that the run stored for the example rows."""
    import mlflow.pyfunc

    answers = mlflow.pyfunc.load_model(saving.to).predict(saving.example())
    try:
        check_answers(answers, saving.scores())
    except DisagreeingAnswer as differs:
        stack, run = saving.metadata["stack"], saving.metadata["twinbench_run"]
        raise SystemExit(
            f"the stored model of {stack} doesn't give the scores of run {run}: {differs}; run the pipeline again"
        ) from None


if __name__ == "__main__":
    job = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    save(job["framework"], job["savings"], check=job["check"])
