"""The training ops in PyTorch: an ``nn.Module``, autograd and ``torch.optim``."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from twinbench.frameworks.api import Ops
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = dict[str, torch.Tensor]


def load() -> None:
    """Imports PyTorch."""
    global nn, torch
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, and the loss of each batch before its update."""

    module: nn.Sequential
    losses: torch.Tensor


def prepare_model(tensors: Tensors) -> Model:
    """A model from its parameters, with weights of shape (inputs, outputs), and its losses."""
    return Model(_network(tensors), tensors["losses"])


def extract_model(model: Model) -> Arrays:
    """And back."""
    arrays: Arrays = {}
    for i, layer in enumerate(_linear(model.module), start=1):
        arrays[f"w{i}"] = layer.weight.detach().numpy().T
        arrays[f"b{i}"] = layer.bias.detach().numpy()
    return arrays | {"losses": model.losses.numpy()}


def _linear(module: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in module if isinstance(layer, nn.Linear)]


def _network(given: Tensors) -> nn.Sequential:
    """Linear layers with ReLU between them, holding copies of the given weights: torch's are (outputs, inputs)."""
    layers = sum(name.startswith("w") for name in given)
    widths = [given["w1"].shape[0], *(given[f"b{i}"].shape[0] for i in range(1, layers + 1))]
    modules: list[nn.Module] = []
    for fan_in, fan_out in pairwise(widths):
        modules += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    module = nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for i, layer in enumerate(_linear(module), start=1):
            layer.weight.copy_(given[f"w{i}"].T)
            layer.bias.copy_(given[f"b{i}"])
    return module


def standardise(p: t.Standardise, arrays: Tensors) -> Tensors:
    """Over the first dimension; a constant feature is divided by infinity, which makes it 0."""
    x = arrays["x"]
    deviation, mean = torch.std_mean(x, dim=0, correction=0)
    deviation[(x == x[:1]).all(dim=0)] = torch.inf
    return arrays | {"x": (x - mean) / deviation}


def split(p: t.Split, arrays: Tensors, given: Tensors) -> Tensors:
    """Rows first, then their type: fewer bytes to convert."""
    x = arrays["x"].flatten(1) if p.flatten else arrays["x"]
    train, test = given["train"], given["test"]
    return {
        "x_train": x.index_select(0, train).float(),
        "y_train": arrays["y"].index_select(0, train).float(),
        "x_test": x.index_select(0, test).float(),
        "y_test": arrays["y"].index_select(0, test).float(),
    }


def mlp(p: t.Mlp, arrays: Tensors, given: Tensors) -> Model:
    """Each epoch's rows are put in order once; its batches are then views. The fused Adam is one call per step."""
    x, y = arrays["x_train"], arrays["y_train"]
    module, losses = _network(given), []
    criterion, adam = nn.CrossEntropyLoss() if p.classes > 2 else nn.BCEWithLogitsLoss(), p.optimizer
    y = y.long() if p.classes > 2 else y.unsqueeze(1)
    optimizer = torch.optim.Adam(
        module.parameters(), lr=adam.lr, betas=(adam.beta1, adam.beta2), eps=adam.eps, fused=True
    )
    for order in given["order"]:
        batches = torch.split(x.index_select(0, order), p.batch_size)
        for batch, wanted in zip(batches, torch.split(y.index_select(0, order), p.batch_size), strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(module(batch), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return Model(module, torch.stack(losses))


def predict(p: t.Predict, model: Model, arrays: Tensors) -> Tensors:
    """Without autograd's bookkeeping."""
    with torch.inference_mode():
        logits = torch.cat([model.module(batch) for batch in torch.split(arrays["x_test"], p.batch_size)])
        return {"scores": torch.sigmoid(logits.squeeze(1)) if logits.shape[1] == 1 else torch.softmax(logits, 1)}


OPS: Ops = {
    "training.standardise": standardise,
    "training.split": split,
    "training.mlp": mlp,
    "training.predict": predict,
}

NOTES = {
    "training.mlp": "torch's Adam divides sqrt(v) by sqrt(1 - beta2^t), which rounds differently from the root "
    "of the quotient; epsilon is added after that, as in the contract.",
}
