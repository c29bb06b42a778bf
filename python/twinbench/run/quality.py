"""Quality on the held-out split, computed by the harness from predictions, and the baselines that must be beaten."""

from __future__ import annotations

from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Step

SCORING = "training.predict"

MOST_BOOSTED = 20_000_000
"""Values in the training split that are boosted within a minute."""


def scores_all(step: Step) -> bool:
    """Whether a step scores the whole held-out split, so that quality can be told from it."""
    return step.op.name == SCORING and step.params.rows == 0


def metrics(labels: Arrays, scores: Arrays) -> dict[str, float]:
    """Accuracy, log loss and ROC AUC of ``scores`` against ``y_test`` (n,); none when a class is absent.

    Scores are (n,), the probability of class 1 of two, or (n, classes), where ROC AUC is the mean over the classes,
    each against the rest. Source: scikit-learn's ``accuracy_score``, ``log_loss`` and ``roc_auc_score``. Scores are
    clipped to [1e-7, 1 - 1e-7] in float64, and those of several classes then sum to 1 again.
    """
    import numpy as np
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    y, p = labels["y_test"], scores["scores"].astype(np.float64)
    classes = np.arange(2 if p.ndim == 1 else p.shape[1])
    if len(np.unique(y)) < len(classes) or not np.isfinite(p).all():
        return {}
    p = np.clip(p, 1e-7, 1 - 1e-7)
    p = p if p.ndim == 1 else p / p.sum(axis=1, keepdims=True)
    predicted = p > 0.5 if p.ndim == 1 else p.argmax(axis=1)
    return {
        "accuracy": float(accuracy_score(y, predicted)),
        "log_loss": float(log_loss(y, p, labels=classes)),
        "roc_auc": float(roc_auc_score(y, p, multi_class="ovr", labels=classes if p.ndim > 1 else None)),
    }


def baselines(arrays: Arrays) -> dict[str, dict[str, float]]:
    """Metrics by baseline: the most frequent class, and scikit-learn's logistic regression and gradient boosting.

    Of more than `MOST_BOOSTED` values no boosting is done.
    """
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression

    x, y, test = (arrays[name].reshape(len(arrays[name]), -1) for name in ("x_train", "y_train", "x_test"))
    if len(np.unique(y)) < 2 or set(np.unique(arrays["y_test"])) - set(np.unique(y)):
        return {}
    models = {
        "most-frequent": DummyClassifier(strategy="prior"),  # predicts the class share: most frequent, with a log loss
        "logistic-regression": LogisticRegression(max_iter=1000),
    }
    if x.size <= MOST_BOOSTED:
        models["gradient-boosting"] = HistGradientBoostingClassifier(random_state=0)
    found = {}
    for name, model in models.items():
        p = model.fit(x, y.ravel()).predict_proba(test).astype(np.float32)
        found[name] = metrics(arrays, {"scores": p[:, 1] if p.shape[1] == 2 else p})
    return found
