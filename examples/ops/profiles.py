"""Features of images for `digit-profiles.toml`."""

import numpy as np
from smoothing import smooth


def profiles(images: dict[str, np.ndarray], window: int) -> dict[str, np.ndarray]:
    """Return the ink per row and per column of each image, from 0 to 1, as ``x`` (images, height + width)."""
    ink = images["x"] / 255.0  # (images, height, width)
    rows, columns = ink.mean(axis=2), ink.mean(axis=1)
    return {"x": np.hstack([smooth(rows, window), smooth(columns, window)]), "y": images["y"]}
