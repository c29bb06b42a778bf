"""The ops that use a trained model: scoring, exporting and loading."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops.contract import Arrays, Op, OutsideContract, Tolerance
from twinbench.ops.training import conditions, layers
from twinbench.ops.training.networks import examples, logits, weights_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """``batch_size``: number of rows scored at a time.

    ``rows``: number of rows that are scored, from the first row on; 0 for all.
    """

    batch_size: int = 4096
    rows: int = 0

    def __post_init__(self) -> None:
        if self.batch_size < 1 or self.rows < 0:
            raise ValueError("batch_size must be at least 1, and rows at least 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """No parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """No parameters."""


def require_predict(p: Predict, model: Arrays, arrays: Arrays) -> None:
    """Refuse examples that aren't finite, and examples of another shape than those that the model was trained on."""
    if len(arrays.get("x_test", [0])) == 0:
        return
    x = conditions.features(arrays, "x_test", ("float32",))
    if list(x.shape[1:]) != model["input"].tolist():
        raise OutsideContract(f"'x_test' has examples of shape {x.shape[1:]}; the model takes {tuple(model['input'])}")


def predict(p: Predict, model: Arrays, arrays: Arrays) -> Arrays:
    """Return ``scores``."""
    import numpy as np

    weights = weights_of(model)
    x = examples(weights, arrays["x_test"][: p.rows or None])
    outputs = next(reversed(weights.values())).shape[0]  # of the last layer's bias
    with np.errstate(over="ignore", invalid="ignore"):  # weights may be those of a training that diverged
        z = [logits(weights, x[start : start + p.batch_size]) for start in range(0, len(x), p.batch_size)]
        together = np.concatenate(z) if z else np.empty((0, outputs), np.float32)
        scores = layers.sigmoid(together[:, 0]) if outputs == 1 else layers.softmax(together)
    return {"scores": scores.astype(np.float32)}


def export(p: Export, model: Arrays) -> Arrays:
    """Return what must be in the file."""
    return {name: values for name, values in model.items() if name != "losses"}


def load(p: Load, saved: Arrays) -> Arrays:
    """Return what was in the file, with no losses."""
    import numpy as np

    return saved | {"losses": np.empty(0, np.float32)}


def without_losses(arrays: Arrays) -> Arrays:
    """Drop the losses, which a file need not hold."""
    return {name: values for name, values in arrays.items() if name != "losses"}


def one_row(p: Predict) -> bool:
    """Return whether one row is scored, as for a request to a service."""
    return p.rows == 1


def no_values(arrays: Arrays) -> Arrays:
    """Drop everything: other steps check what was loaded."""
    return {}


PREDICT = Op(
    name="training.predict",
    role="score",
    params=Predict,
    inputs=("model", "arrays"),
    output="arrays",
    summary="Score rows with a trained model.",
    semantics="""Input: a model, and arrays with `x_test` float32 (n, ...), of which the first `rows` are scored, or all
where `rows` is 0. Output: `scores`, float32: for two classes (n,), the probability 1 / (1 + exp(-z)) of class 1; for
more classes (n, classes), the probabilities exp(z_k) / sum_j exp(z_j). Rows are scored `batch_size` at a time, without
gradients. Where `rows` is 1, a call is one request, and its samples are taken one by one: they are the latency.
Agreement is checked on the model of the reference: models that were trained from the same start for many steps have
drifted apart as rounding errors grew, and a recurrent model by as much as scores can differ. The consequences of this
drift are a matter of quality, which is checked separately, over seeds.""",
    source="https://en.wikipedia.org/wiki/Logistic_function",
    reference=predict,
    requires=require_predict,
    is_request=one_row,
    isolated=True,
    tolerance=Tolerance(atol=1e-5),
)


EXPORT = Op(
    name="training.export",
    role="export",
    params=Export,
    inputs=("model",),
    output="saved",
    summary="Save a trained model in the library's own format.",
    semantics="""Input: a model. Output: a file, or a directory of files, in the process's directory for temporary
files, under the same name in every call; its size on disk is recorded. The format is one that the library itself loads
again without running code from the file: pickle is not allowed. To check agreement the file is read back: `input` and
the weights in it must equal those of the model, to the last bit. `losses` need not be in the file.""",
    source="https://pytorch.org/docs/stable/generated/torch.load.html (weights_only)",
    reference=export,
    canonical=without_losses,
    isolated=True,
)


LOAD = Op(
    name="training.load",
    params=Load,
    inputs=("saved",),
    output="model",
    summary="Load a trained model from the library's own format.",
    semantics="""Input: the output of `training.export`. Output: a model that is ready to score, with no losses.
`training.export` checks that the weights in the file are those of the model, and a step `training.predict` checks that
the loaded model scores as before. The file is in the page cache of the system, so the time is not that of a disk.""",
    source="https://pytorch.org/docs/stable/generated/torch.load.html (weights_only)",
    reference=load,
    canonical=no_values,
    role="load",
)
