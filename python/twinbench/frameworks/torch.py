"""The training ops in PyTorch, on the CPU, in float32: an ``nn.Module``, autograd and ``torch.optim``.

This file knows PyTorch and the contracts, and nothing of how it is run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.ops import training as t
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import torch
    from torch import nn

    Tensors = dict[str, torch.Tensor]


@dataclass(frozen=True, slots=True)
class Model:
    """A trained network, and the loss of each batch before its update."""

    module: nn.Sequential
    losses: torch.Tensor


def load(threads: int) -> None:
    """Imports PyTorch and sets both of its pools; the second one can be set only once in a process."""
    global nn, torch
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != threads:
        torch.set_num_interop_threads(threads)


def prepare(value: Arrays, kind: Kind) -> Any:
    """Row-major copies: the arrays may be read-only or column-major, and batches are rows."""
    tensors = {name: torch.from_numpy(values.copy(order="C")) for name, values in value.items()}
    return _model(tensors) if kind == "model" else tensors


def _model(tensors: Tensors) -> Model:
    return Model(_network(tensors), tensors["losses"])


def extract(value: Any, kind: Kind) -> Arrays:
    """Tensors as arrays; a model as its parameters, with weights of shape (inputs, outputs), and its losses."""
    if kind != "model":
        return {name: tensor.numpy() for name, tensor in value.items()}
    arrays: Arrays = {}
    for i, layer in enumerate(_linear(value.module), start=1):
        arrays[f"w{i}"] = layer.weight.detach().numpy().T
        arrays[f"b{i}"] = layer.bias.detach().numpy()
    return arrays | {"losses": value.losses.numpy()}


def threads() -> Mapping[str, int]:
    """Within an operation, and between operations."""
    return {"intraop": torch.get_num_threads(), "interop": torch.get_num_interop_threads()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Dtype, layout and device by tensor."""
    if kind == "model":
        value = dict(value.module.named_parameters()) | {"losses": value.losses}
    return {name: _held(tensor) for name, tensor in value.items()}


def _held(tensor: torch.Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{dtype} {'C' if tensor.is_contiguous() else 'strided'} {tensor.device}"


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


def mlp(p: t.Mlp, arrays: Tensors, given: Tensors) -> Model:
    """Each epoch's rows are put in order once; its batches are then views. The fused Adam is one call per step."""
    x, y = arrays["x_train"], arrays["y_train"]
    module, losses = _network(given), []
    criterion, adam = nn.BCEWithLogitsLoss(), p.optimizer
    optimizer = torch.optim.Adam(
        module.parameters(), lr=adam.lr, betas=(adam.beta1, adam.beta2), eps=adam.eps, fused=True
    )
    for order in given["order"]:
        batches = torch.split(x.index_select(0, order), p.batch_size)
        for batch, wanted in zip(batches, torch.split(y.index_select(0, order), p.batch_size), strict=True):
            optimizer.zero_grad(set_to_none=True)
            loss = criterion(module(batch).squeeze(1), wanted)
            loss.backward()
            optimizer.step()
            losses.append(loss.detach())
    return Model(module, torch.stack(losses))


def predict(p: t.Predict, model: Model, arrays: Tensors) -> Tensors:
    """Without autograd's bookkeeping."""
    with torch.inference_mode():
        batches = torch.split(arrays["x_test"], p.batch_size)
        scores = [torch.sigmoid(model.module(batch).squeeze(1)) for batch in batches]
        return {"scores": torch.cat(scores)}


FRAMEWORKS = (
    Framework(
        name="torch",
        language="python",
        summary="PyTorch: tensors, automatic differentiation and optimisers",
        packages=("torch",),
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={
            "training.mlp": mlp,
            "training.predict": predict,
        },
        notes={
            "training.mlp": "torch's Adam divides sqrt(v) by sqrt(1 - beta2^t), which rounds differently from the root "
            "of the quotient; epsilon is added after that, as in the contract.",
        },
    ),
)
