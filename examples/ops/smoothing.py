"""A moving average, which `profiles.py` imports."""

import numpy as np


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Return the mean of each value and the ``window - 1`` values before it in its row, or of as many as there are."""
    sums = np.cumsum(values, axis=1)
    sums[:, window:] -= sums[:, :-window].copy()
    return sums / np.minimum(np.arange(1, values.shape[1] + 1), window)
