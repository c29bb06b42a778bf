"""Keras on JAX: threads, and a training step compiled by XLA. JAX is imported by ``load``."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jax


def load(count: int) -> None:
    """Limit the processors of the process, from which XLA sizes its pools, then import JAX with float64 enabled."""
    global jax
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:count])
    import jax

    jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]


def cuda() -> Callable[[], object]:
    """Select the CUDA device, which works in order: when the last computation is done, all are.

    Products of matrices and convolutions use float32, as the contracts do: the default on a GPU rounds to 10 bits.
    """
    # JAX has no types for these functions
    jax.config.update("jax_platforms", "cuda")  # type: ignore[no-untyped-call]
    jax.config.update("jax_default_matmul_precision", "highest")  # type: ignore[no-untyped-call]
    try:
        device = jax.devices("cuda")[0]
    except RuntimeError as error:
        raise RuntimeError(f"JAX {jax.__version__} finds no CUDA device: {str(error).splitlines()[0]}") from None
    return lambda: jax.numpy.zeros((), device=device).block_until_ready()


def threads() -> Mapping[str, int]:
    """Return the number of processors that JAX may use: it doesn't report its threads."""
    return {"cores": len(os.sched_getaffinity(0))} if hasattr(os, "sched_getaffinity") else {}


def step(network: Any, criterion: Any, optimizer: Any) -> Callable[[Iterator[tuple[Any, Any]]], list[Any]]:
    """Return a function that trains on batches and gives the loss of each before its update.

    XLA compiles the function once for each batch size.
    """
    others = [variable.value for variable in network.non_trainable_variables]  # seeds, which nothing here uses

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        z, _ = network.stateless_call(weights, others, x, training=True)
        return criterion(y, z)

    def one(weights: Any, moments: Any, x: Any, y: Any) -> Any:
        loss, gradients = jax.value_and_grad(loss_of)(weights, x, y)
        weights, moments = optimizer.stateless_apply(moments, gradients, weights)
        return weights, moments, loss

    compiled = jax.jit(one, donate_argnums=(0, 1))

    def train(batches: Iterator[tuple[Any, Any]]) -> list[Any]:
        weights = [jax.numpy.copy(variable.value) for variable in network.trainable_variables]
        moments = [jax.numpy.copy(variable.value) for variable in optimizer.variables]
        losses = []
        for x, y in batches:
            weights, moments, loss = compiled(weights, moments, x, y)
            losses.append(loss)
        for variable, weight in zip(network.trainable_variables, weights, strict=True):
            variable.assign(weight)
        return losses

    return train
