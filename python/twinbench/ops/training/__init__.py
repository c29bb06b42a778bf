"""The training ops: preparing examples, training networks, and using trained models."""

from __future__ import annotations

from twinbench.ops.contract import Op
from twinbench.ops.training.convolutional import CNN, CNN1D, Cnn, Cnn1d
from twinbench.ops.training.data import BATCHES, KFOLD, SPLIT, STANDARDISE, Batches, Kfold, Split, Standardise
from twinbench.ops.training.logistic import LOGISTIC, Logistic
from twinbench.ops.training.models import EXPORT, LOAD, PREDICT, Export, Load, Predict
from twinbench.ops.training.networks import Training
from twinbench.ops.training.optimizers import Adam, AdamW, Optimizer, Sgd
from twinbench.ops.training.perceptron import MLP, Mlp
from twinbench.ops.training.recurrent import LSTM, Lstm

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

OPS: tuple[Op, ...] = (
    STANDARDISE,
    SPLIT,
    KFOLD,
    BATCHES,
    MLP,
    CNN,
    CNN1D,
    LSTM,
    LOGISTIC,
    PREDICT,
    EXPORT,
    LOAD,
)
"""In the order in which every framework module holds them."""
