"""Quality on the held-out split, computed by the harness from predictions, and the baselines that must be beaten."""

from __future__ import annotations

from twinbench.ops.contract import Arrays


def metrics(labels: Arrays, scores: Arrays) -> dict[str, float]:
    """ROC AUC and log loss of ``scores`` (n,) against ``y_test`` (n,) of 0 and 1; none when a class is absent.

    Source: scikit-learn's ``roc_auc_score`` and ``log_loss``; scores are clipped to [1e-7, 1 - 1e-7] in float64.
    """
    import numpy as np
    from sklearn.metrics import log_loss, roc_auc_score

    y, p = labels["y_test"], np.clip(scores["scores"].astype(np.float64), 1e-7, 1 - 1e-7)
    if len(np.unique(y)) < 2 or not np.isfinite(p).all():
        return {}
    return {"roc_auc": float(roc_auc_score(y, p)), "log_loss": float(log_loss(y, p))}


def baselines(arrays: Arrays) -> dict[str, dict[str, float]]:
    """Metrics by baseline: the most frequent class, and scikit-learn's logistic regression."""
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.linear_model import LogisticRegression

    x, y = arrays["x_train"], arrays["y_train"]
    if len(np.unique(y)) < 2:
        return {}
    models = {
        "most-frequent": DummyClassifier(strategy="prior"),  # predicts the class share: most frequent, with a log loss
        "logistic-regression": LogisticRegression(max_iter=1000),
    }
    found = {}
    for name, model in models.items():
        scores = model.fit(x, y).predict_proba(arrays["x_test"])[:, 1].astype(np.float32)
        found[name] = metrics(arrays, {"scores": scores})
    return found
