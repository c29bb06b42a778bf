"""The models that every stack must beat: the most frequent class and two of scikit-learn's, fitted by the harness."""

from __future__ import annotations

from twinbench import metrics
from twinbench.ops.contract import Arrays

MOST_BOOSTED = 20_000_000
"""Values in the training split that are boosted within a minute."""


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
        found[name] = metrics.evaluate(arrays["y_test"], p[:, 1] if p.shape[1] == 2 else p)
    return found
