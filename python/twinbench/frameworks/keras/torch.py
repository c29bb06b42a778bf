"""Keras on PyTorch: threads, and a training step. PyTorch is imported by ``load``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from twinbench.frameworks import torch as plain

if TYPE_CHECKING:
    import torch


def load(count: int) -> None:
    """Set up PyTorch as its own framework does. Its convolutions take channels first."""
    global torch
    import torch

    plain.load(count)


def cuda() -> Callable[[], object]:
    """Select the CUDA device as the PyTorch framework does."""
    return plain.cuda()


def threads() -> Mapping[str, int]:
    """Return the threads within an operation and between operations."""
    return plain.threads()


def step(network: Any, criterion: Any, optimizer: Any) -> Callable[[Iterator[tuple[Any, Any]]], list[Any]]:
    """Return a function that trains on batches and gives the loss of each before its update."""
    weights = network.trainable_variables

    def one(x: Any, y: Any) -> Any:
        network.zero_grad()
        loss = criterion(y, network(x, training=True))
        loss.backward()
        with torch.no_grad():
            optimizer.apply([weight.value.grad for weight in weights], weights)
        return loss.detach()

    return lambda batches: [one(x, y) for x, y in batches]
