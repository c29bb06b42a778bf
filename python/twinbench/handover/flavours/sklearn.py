"""Save a scikit-learn model in MLflow's flavour ``sklearn``, serialised by skops."""

from __future__ import annotations

from typing import Any

from twinbench.handover.flavours.saving import Saving, pinned


def save(model: Any, saving: Saving) -> None:
    """Save ``model``, as the framework loaded it, with the probabilities of all classes as output, also of two."""
    import mlflow.sklearn

    mlflow.sklearn.save_model(
        model.estimator,
        saving.to,
        signature=saving.signature(every_class=True),
        input_example=saving.example(),
        serialization_format=mlflow.sklearn.SERIALIZATION_FORMAT_SKOPS,
        pyfunc_predict_fn="predict_proba",
        pip_requirements=pinned("mlflow", "scikit-learn", "skops", "numpy"),
        metadata=saving.metadata,
    )
