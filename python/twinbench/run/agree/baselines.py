"""The models that every stack must beat: the most frequent class and two of scikit-learn's, fitted by the harness."""

from __future__ import annotations

from twinbench import metrics
from twinbench.ops.contract import Arrays

MOST_BOOSTED = 20_000_000
"""Most values in a training split that gradient boosting is fitted to: about a minute of work."""


def baselines(arrays: Arrays) -> dict[str, dict[str, float]]:
    """Fit the most frequent class, logistic regression and gradient boosting, and return metrics by baseline.

    ``arrays`` is a split into training and test rows. Gradient boosting is left out above `MOST_BOOSTED` values. The
    result is empty where the training rows have only one class, or a class of the test rows is missing among them.
    """
    import numpy as np
    from sklearn.dummy import DummyClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    x, y, test = (arrays[name].reshape(len(arrays[name]), -1) for name in ("x_train", "y_train", "x_test"))
    if len(np.unique(y)) < 2 or set(np.unique(arrays["y_test"])) - set(np.unique(y)):
        return {}
    models = {
        "most-frequent": DummyClassifier(strategy="prior"),  # predicts the class share: most frequent, with a log loss
        "logistic-regression": LogisticRegression(max_iter=1000),
    }
    if x.size <= MOST_BOOSTED:
        models["gradient-boosting"] = HistGradientBoostingClassifier(random_state=0)
    values = {}
    with threadpool_limits(1):  # beside other work, threads of OpenMP spend most of their time waiting
        for name, model in models.items():
            p = model.fit(x, y.ravel()).predict_proba(test).astype(np.float32)
            values[name] = metrics.evaluate(arrays["y_test"], p[:, 1] if p.shape[1] == 2 else p)
    return values
