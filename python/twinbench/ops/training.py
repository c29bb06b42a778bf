"""The contracts of the training ops: all of them in order, and those that use a trained model.

Examples are in ``training_data``, networks in ``training_networks``, optimizers in ``training_optimizers``; the
reference of each is beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops import training_reference as reference
from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.ops.training_data import BATCHES, KFOLD, SPLIT, STANDARDISE, Batches, Kfold, Split, Standardise
from twinbench.ops.training_networks import CNN, CNN1D, LOGISTIC, LSTM, MLP, Cnn, Cnn1d, Logistic, Lstm, Mlp, Training
from twinbench.ops.training_optimizers import Adam, AdamW, Optimizer, Sgd

__all__ = [
    "OPS",
    "Adam",
    "AdamW",
    "Batches",
    "Cnn",
    "Cnn1d",
    "Export",
    "Kfold",
    "Load",
    "Logistic",
    "Lstm",
    "Mlp",
    "Optimizer",
    "Predict",
    "Sgd",
    "Split",
    "Standardise",
    "Training",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Predict:
    """``batch_size``: rows at a time. ``rows``: how many are scored, the first ones; 0 for all."""

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


def without_losses(arrays: Arrays) -> Arrays:
    """What a file keeps of a model."""
    return {name: values for name, values in arrays.items() if name != "losses"}


def one_row(p: Predict) -> bool:
    """What a service is asked."""
    return p.rows == 1


def no_values(arrays: Arrays) -> Arrays:
    """Nothing: what counts is compared by another step."""
    return {}


PREDICT = Op(
    name="training.predict",
    params=Predict,
    inputs=("model", "arrays"),
    output="arrays",
    summary="Score rows with a trained model.",
    semantics="""Input: a model and arrays with `x_test` float32 (n, ...), of which the first `rows` count, or all where
that is 0. Output: `scores`, float32: for two classes (n,), the probability 1 / (1 + exp(-z)) of class 1; for more (n,
classes), the probabilities exp(z_k) / sum_j exp(z_j). Computed `batch_size` rows at a time without gradients. Where
`rows` is 1 a call is one request, and its samples are taken one by one: they are the latency. For the comparison
the reference's model scores: models that trained from the same start for many steps have drifted apart as rounding
errors grew, a recurrent one by as much as scores can. What comes of that is the quality, which is compared on its own,
over seeds.""",
    source="https://en.wikipedia.org/wiki/Logistic_function",
    reference=reference.predict,
    is_request=one_row,
    isolated=True,
    tolerance=Tolerance(atol=1e-5),
)
EXPORT = Op(
    name="training.export",
    params=Export,
    inputs=("model",),
    output="saved",
    summary="Save a trained model in the library's own format.",
    semantics="""Input: a model. Output: a file, or a directory of files, in the directory for temporary files of the
process, under the same name in every call; its size on disk is recorded. The format is one that the library itself
loads again without running code from the file: no pickle. For the comparison the file is read back, and `input` and the
weights in it must be those of the model, to the last bit. `losses` need not be in it.""",
    source="https://pytorch.org/docs/stable/generated/torch.load.html (weights_only)",
    reference=reference.export,
    compared=without_losses,
    isolated=True,
)
LOAD = Op(
    name="training.load",
    params=Load,
    inputs=("saved",),
    output="model",
    summary="Load a trained model from the library's own format.",
    semantics="""Input: what `training.export` wrote. Output: a model that is ready to score, with no losses. That its
weights are the exported ones is compared by `training.export`, that it scores as it did by a step `training.predict`.
The file is in the system's cache, so this is not the time of a disk.""",
    source="https://pytorch.org/docs/stable/generated/torch.load.html (weights_only)",
    reference=reference.load,
    compared=no_values,
)

OPS: tuple[Op, ...] = (STANDARDISE, SPLIT, KFOLD, BATCHES, MLP, CNN, CNN1D, LSTM, LOGISTIC, PREDICT, EXPORT, LOAD)
"""In the order in which every framework module holds them."""
