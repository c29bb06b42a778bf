"""Networks in PyTorch, from the contracts' weights and back. Imports torch, and is imported by ``load`` only.

``nn.Conv2d`` computes the contracts' cross-correlation on (n, channels, height, width), and ``nn.LSTM`` has their order
of gates. Weights of linear and recurrent layers are (outputs, inputs) here.
"""

from __future__ import annotations

import torch
from torch import nn

Tensors = dict[str, torch.Tensor]

POOL = 2


class LastHidden(nn.LSTM):
    """An LSTM layer that returns its last hidden state. The second of its two biases stays 0."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__(features, units, batch_first=True)
        *_, second = self.all_weights[0]
        nn.init.zeros_(second)
        second.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]
        """Map (n, steps, features) to (n, units)."""
        _, (h, _) = super().forward(x)
        return h[0]


def build(given: Tensors) -> nn.Sequential:
    """Build the network that the names and shapes of the weights describe, with copies of the weights."""
    modules: list[nn.Module] = []
    for i in range(1, 1 + sum(name.startswith("conv") for name in given) // 2):
        outgoing, incoming, *kernel = given[f"conv{i}_w"].shape
        conv, pool = (nn.Conv2d, nn.MaxPool2d) if len(kernel) == 2 else (nn.Conv1d, nn.MaxPool1d)
        modules += [conv(incoming, outgoing, kernel[0], padding=kernel[0] // 2), nn.ReLU(), pool(POOL)]
    if modules:
        modules.append(nn.Flatten())
    if "lstm_wx" in given:
        modules.append(LastHidden(given["lstm_wx"].shape[0], given["lstm_wh"].shape[0]))
    for i in range(1, 1 + sum(name.startswith("w") for name in given)):
        modules += [nn.Linear(*given[f"w{i}"].shape), nn.ReLU()]
    network = nn.Sequential(*modules[:-1])
    with torch.no_grad():
        for name, weight in weights(network).items():
            weight.copy_(given[name])
    return network


def weights(network: nn.Sequential) -> Tensors:
    """Return the weights under the contracts' names and in their shapes, as views of the network's own."""
    named: Tensors = {}
    convolutions = dense = 0
    for layer in network:
        if isinstance(layer, (nn.Conv1d, nn.Conv2d)):
            convolutions += 1
            assert layer.bias is not None
            named |= {f"conv{convolutions}_w": layer.weight, f"conv{convolutions}_b": layer.bias}
        elif isinstance(layer, nn.LSTM):
            by_input, by_state, bias, _ = layer.all_weights[0]
            named |= {"lstm_wx": by_input.T, "lstm_wh": by_state.T, "lstm_b": bias}
        elif isinstance(layer, nn.Linear):
            dense += 1
            named |= {f"w{dense}": layer.weight.T, f"b{dense}": layer.bias}
    return named


def examples(network: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    """Return examples in the first layer's form: channels after the examples, features after the steps."""
    first = network[0]
    if isinstance(first, nn.LSTM):
        return x if x.ndim == 3 else x.unsqueeze(-1)
    if isinstance(first, (nn.Conv1d, nn.Conv2d)):
        return x.movedim(-1, 1).contiguous() if x.ndim == first.weight.ndim else x.unsqueeze(1)
    return x
