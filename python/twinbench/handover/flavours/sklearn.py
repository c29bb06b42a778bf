"""A scikit-learn model as MLflow's flavour ``sklearn``, kept by skops."""

from __future__ import annotations

from typing import Any

from twinbench.handover.flavours.saving import Saving, pinned


def save(model: Any, saving: Saving) -> None:
    """``model``: as the framework loads it. It answers with the probabilities of all classes, of two as well."""
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
