"""The training ops in PyTorch: an ``nn.Module``, autograd and ``torch.optim``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from twinbench.frameworks.api import Ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.utils import data

    from twinbench.frameworks.torch import networks
    from twinbench.frameworks.torch.networks import Tensors


def load() -> None:
    """Import PyTorch, and allow only deterministic algorithms."""
    global data, networks, nn, torch
    import torch
    from torch import nn
    from torch.utils import data

    from twinbench.frameworks.torch import networks

    torch.use_deterministic_algorithms(True)
    # it would cost time, and nothing here reads such memory; the types of the package do not know it
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, the shape of its examples, and the loss of each batch before its update."""

    network: nn.Sequential
    input: torch.Tensor
    losses: torch.Tensor


def prepare_model(tensors: Tensors) -> Model:
    """Build a model from its weights and losses."""
    return Model(networks.build(tensors), tensors["input"], tensors["losses"])


def extract_model(model: Model) -> Arrays:
    """Convert a model into its weights and losses."""
    tensors = {"input": model.input, **networks.weights(model.network), "losses": model.losses}
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def standardise(p: t.Standardise, arrays: Tensors) -> Tensors:
    """Standardise over the first dimension; dividing a constant feature by infinity makes it 0."""
    x = arrays["x"]
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    deviation[(x == x[:1]).all(dim=0)] = torch.inf
    return arrays | {"x": (x - mean) / deviation}


def split(p: t.Split, arrays: Tensors, given: Tensors) -> Tensors:
    """Take rows first, then convert their dtype: fewer bytes to convert."""
    x = arrays["x"].reshape(len(arrays["x"]), -1) if p.flatten else arrays["x"]
    train, test = given["train"], given["test"]
    return {
        "x_train": x.index_select(0, train).float(),
        "y_train": arrays["y"].index_select(0, train).float(),
        "x_test": x.index_select(0, test).float(),
        "y_test": arrays["y"].index_select(0, test).float(),
    }


def kfold(p: t.Kfold, arrays: Tensors, given: Tensors) -> Tensors:
    """Sort by (class, index modulo folds), which deals the rows of each class out to the folds in ascending order."""
    order = given["order"]
    labels, by_class = torch.sort(arrays["y"].index_select(0, order), stable=True)
    folds = torch.sort(labels * p.folds + torch.arange(len(order)) % p.folds).values % p.folds
    return {"fold": torch.empty_like(folds).index_copy_(0, order[by_class], folds)}


def batches(p: t.Batches, arrays: Tensors, given: Tensors) -> Tensors:
    """Load batches without automatic batching: the sampler names a batch, and the dataset takes its rows at once."""
    sampler = data.BatchSampler(given["order"].tolist(), p.batch_size, drop_last=False)
    loader = data.DataLoader(data.TensorDataset(arrays["x"], arrays["y"]), sampler=sampler, batch_size=None)
    sums = [(x.mean(), y.sum()) for x, y in loader]
    return {
        "mean": torch.tensor([mean for mean, _ in sums], dtype=torch.float64),
        "label_sum": torch.tensor([total for _, total in sums], dtype=torch.int64),
    }


def train(p: t.Training, arrays: Tensors, given: Tensors) -> Model:
    """Train on views of rows that are put in order once an epoch. The fused optimizer is one call per step."""
    network, losses = networks.build(given).to(given["order"].device), []
    x, y = networks.examples(network, arrays["x_train"]), arrays["y_train"]
    criterion = nn.CrossEntropyLoss() if p.classes > 2 else nn.BCEWithLogitsLoss()
    y = y.long() if p.classes > 2 else y.unsqueeze(1)
    optimizer = _optimizer(p.optimizer, (weight for weight in network.parameters() if weight.requires_grad))
    for order in given["order"]:
        batches = torch.split(x.index_select(0, order), p.batch_size)
        for batch, wanted in zip(batches, torch.split(y.index_select(0, order), p.batch_size), strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(network(batch), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return Model(network, given["input"], torch.stack(losses))


def _optimizer(p: t.Optimizer, weights: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    if isinstance(p, t.Sgd):
        return torch.optim.SGD(weights, lr=p.lr, momentum=p.momentum, nesterov=p.nesterov, fused=True)
    betas = (p.beta1, p.beta2)
    if isinstance(p, t.AdamW):
        return torch.optim.AdamW(weights, lr=p.lr, betas=betas, eps=p.eps, weight_decay=p.weight_decay, fused=True)
    return torch.optim.Adam(weights, lr=p.lr, betas=betas, eps=p.eps, fused=True)


def predict(p: t.Predict, model: Model, arrays: Tensors) -> Tensors:
    """Score examples without autograd's bookkeeping."""
    x = networks.examples(model.network, arrays["x_test"][: p.rows or None])
    with torch.inference_mode():
        logits = torch.cat([model.network(batch) for batch in torch.split(x, p.batch_size)])
        return {"scores": torch.sigmoid(logits.squeeze(1)) if logits.shape[1] == 1 else torch.softmax(logits, 1)}


def export(p: t.Export, model: Model) -> Path:
    """Save tensors by name."""
    path = Path(tempfile.gettempdir()) / "model.pt"
    torch.save({"input": model.input, **networks.weights(model.network)}, path)
    return path


def load_model(p: t.Load, path: Path) -> Model:
    """Load tensors only, and refuse any other object in the file."""
    tensors = torch.load(path, weights_only=True)
    return Model(networks.build(tensors), tensors["input"], torch.empty(0))


OPS: Ops = {
    "training.standardise": standardise,
    "training.split": split,
    "training.kfold": kfold,
    "training.batches": batches,
    "training.mlp": train,
    "training.cnn": train,
    "training.cnn1d": train,
    "training.lstm": train,
    "training.predict": predict,
    "training.export": export,
    "training.load": load_model,
}

_ROUNDING = (
    "torch's Adam divides sqrt(v) by sqrt(1 - beta2^t), which rounds differently from the root of the quotient; "
    "epsilon is added after that, as in the contract."
)
NOTES = {
    "training.mlp": _ROUNDING,
    "training.cnn": _ROUNDING,
    "training.cnn1d": _ROUNDING,
    "training.lstm": _ROUNDING,
}
