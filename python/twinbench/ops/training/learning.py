"""The reference's loop over batches, what must agree of a training, and how far rounding alone moves a training."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, Tolerance
from twinbench.ops.training import layers
from twinbench.ops.training.networks import Training, examples, logits, loss_and_gradients, weights_of
from twinbench.ops.training.optimizers import Updates

if TYPE_CHECKING:
    from numpy.typing import NDArray

TOLERANCE = Tolerance(rtol=1e-5, atol=1e-6)
"""Tolerance of losses and probabilities; the absolute part is multiplied by the growth of rounding errors."""

NOISE = 2.0**-13
"""Largest relative change of a gradient in a perturbed training: 2,048 roundings of float32.

Fewer don't do: an Adam that is written in another order of operations is 30 times as far away as NumPy's float32 is
from float64, and a relu or a pooling that takes another side then moves losses by 1e-4 at once. On 18 networks, torch,
Keras, MXNet and Flux stayed within 2 times the distance of the perturbed trainings.
"""

CANCELLED = {"cpu": 2.0**-22, "cuda": 2.0**-18}
"""Largest change of a gradient in a perturbed training, as a part of the largest gradient of its array: sums cancel.

By device. The gradients of cuDNN's convolutions were up to 2^-17.9 of the largest away from float64, on an H200.
"""

PERTURBED = 3
"""Perturbed trainings from which growth is measured."""

ALLOWED = 4.0
"""Allowed distance from the reference, in distances of the perturbed trainings."""

CHAOTIC = 0.1
"""Relative distance of a loss from which on trainings that differ by roundings have parted."""

LEARNT_ROWS = 256
"""Most training rows on which models are compared."""

Change = Callable[[Arrays], None]
"""A function that changes gradients in place."""


def train(p: Training, arrays: Arrays, given: Arrays) -> Arrays:
    """Return ``input``, the trained weights and ``losses``: computed in float64, rounded to float32."""
    import numpy as np

    return trained(p, arrays, given, np.float64)


def trained(p: Training, arrays: Arrays, given: Arrays, dtype: Any, change: Change | None = None) -> Arrays:
    """Train in a dtype. ``change`` is applied to the gradients of every batch."""
    import numpy as np

    weights = {name: values.astype(dtype) for name, values in weights_of(given).items()}
    x, y = examples(weights, arrays["x_train"]), arrays["y_train"]
    updates, losses = Updates(p.optimizer, weights), []
    with np.errstate(over="ignore", invalid="ignore"):  # a training that diverges is the caller's to find
        for order in given["order"]:
            for start in range(0, len(order), p.batch_size):
                batch = order[start : start + p.batch_size]
                loss, gradients = loss_and_gradients(weights, x[batch].astype(dtype), y[batch])
                losses.append(loss)
                if change is not None:
                    change(gradients)
                updates.step(gradients)
        narrow = {name: values.astype(np.float32) for name, values in weights.items()}
        return {"input": given["input"], **narrow, "losses": np.array(losses, dtype=np.float32)}


def beginning(p: Training, given: Arrays, updates: int) -> Arrays:
    """Return the givens of a training that ends after ``updates`` batches, or after the epoch that holds the last."""
    epochs, rows = given["order"].shape
    steps = -(-rows // p.batch_size)
    if epochs * steps <= updates:
        return given
    order = given["order"][: -(-updates // steps)]
    return given | {"order": order[:, : updates * p.batch_size]}


def derived(p: Training, output: Arrays, arrays: Arrays, given: Arrays) -> Arrays:
    """Compute what a trained model learnt; float64.

    ``epoch_losses`` (epochs,) are the mean losses of the epochs. ``fit`` (rows,) is the probability that the model
    gives to the class of each of up to 256 training rows, evenly spaced. An array that can't be computed, because
    losses or weights are missing or have another shape, is left out.
    """
    import numpy as np

    found: Arrays = {}
    epochs, rows = given["order"].shape
    steps = -(-rows // p.batch_size)
    losses = output.get("losses", np.empty(0))
    if losses.shape == (epochs * steps,):
        found["epoch_losses"] = losses.astype(np.float64).reshape(epochs, steps).mean(axis=1)
    weights = {name: output[name] for name in weights_of(given) if name in output}
    if {name: w.shape for name, w in weights.items()} == {name: w.shape for name, w in weights_of(given).items()}:
        found["fit"] = _fit(weights, arrays)
    return found


def _fit(weights: Arrays, arrays: Arrays) -> NDArray[Any]:
    import numpy as np

    count = len(arrays["y_train"])
    rows = np.linspace(0, count - 1, min(count, LEARNT_ROWS)).astype(int)
    wide = {name: values.astype(np.float64) for name, values in weights.items()}
    with np.errstate(over="ignore", invalid="ignore"):
        z = logits(wide, examples(wide, arrays["x_train"][rows].astype(np.float64)))
        y = arrays["y_train"][rows].astype(int)
        if z.shape[1] == 1:
            return np.where(y == 1, layers.sigmoid(z[:, 0]), layers.sigmoid(-z[:, 0]))
        return np.asarray(layers.softmax(z)[np.arange(len(y)), y])


def learnt(arrays: Arrays) -> Arrays:
    """Keep what must agree: the losses of all steps, and what `derived` computes."""
    return {name: arrays[name] for name in ("losses", "epoch_losses", "fit") if name in arrays}


def growth(p: Training, output: Arrays, arrays: Arrays, given: Arrays, device: str = "cpu") -> Arrays:
    """Measure how rounding errors grow in a training on a device: 1 where they don't, by array that must agree.

    The network is trained in float32 with perturbed gradients. The largest distance of these trainings from the
    reference, within an epoch before and after a step, times `ALLOWED`, is added to the tolerance. From the step on
    where that distance is `CHAOTIC` of the loss, the largest distance of all later steps counts: in each training the
    loss jumps at other steps.
    """
    import numpy as np
    from scipy.ndimage import maximum_filter1d

    centre = learnt(output | derived(p, output, arrays, given))
    distances = {name: np.zeros(len(values)) for name, values in centre.items()}
    for run in range(PERTURBED):
        noise = _noise(np.random.default_rng([p.seed, run]), CANCELLED[device])
        other = trained(p, arrays, given, np.float32, noise)
        for name, values in learnt(other | derived(p, other, arrays, given)).items():
            with np.errstate(invalid="ignore"):
                distance = np.abs(values.astype(np.float64) - centre[name])
            distances[name] = np.maximum(distances[name], np.nan_to_num(distance, nan=np.inf))
    distances = {name: _settled(distance, centre[name]) for name, distance in distances.items()}
    epochs = len(given["order"])
    window = {"losses": 2 * (len(centre["losses"]) // epochs) + 1, "epoch_losses": 3, "fit": 2 * LEARNT_ROWS}
    return {
        name: 1 + ALLOWED / TOLERANCE.atol * maximum_filter1d(distance, window[name], mode="nearest")
        for name, distance in distances.items()
    }


def parts_at(output: Arrays, scale: Arrays) -> int:
    """Return the step from which on trainings that differ by roundings have parted, to an epoch; 0 if they don't."""
    import numpy as np

    distances = (scale["losses"] - 1) * TOLERANCE.atol / ALLOWED
    parted = np.flatnonzero(distances > CHAOTIC * np.abs(output["losses"]))
    return int(parted[0]) + 1 if len(parted) else 0


def _settled(distances: NDArray[Any], centre: NDArray[Any]) -> NDArray[Any]:
    """Return the distances with the largest of all that follow from the first step on where trainings have parted."""
    import numpy as np

    parted = np.flatnonzero(distances > CHAOTIC * np.abs(centre))
    if len(parted):
        distances[parted[0] :] = distances[parted[0] :].max()
    return distances


def _noise(rng: Any, cancelled: float) -> Change:
    import numpy as np

    def change(gradients: Arrays) -> None:
        for values in gradients.values():
            size = np.abs(values)
            size = np.float32(NOISE) * size + np.float32(cancelled) * size.max() * (size != 0)
            values += (2 * rng.random(values.shape, dtype=np.float32) - 1) * size

    return change
