"""Keras on TensorFlow: threads, and a training step as one traced graph. TensorFlow is imported by ``load``."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tensorflow as tf


def load(count: int) -> None:
    """Size the pools before the first operation, and refuse kernels that aren't deterministic."""
    global tf
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(count)
    tf.config.experimental.enable_op_determinism()


def cuda() -> Callable[[], object]:
    """Check for a CUDA device, which TensorFlow selects by itself."""
    if not tf.config.list_physical_devices("GPU"):
        why = "finds no CUDA device" if tf.test.is_built_with_cuda() else "is built without CUDA"
        raise RuntimeError(f"TensorFlow {tf.__version__} {why}")
    return tf.test.experimental.sync_devices  # type: ignore[no-any-return]


def threads() -> Mapping[str, int]:
    """Return the threads within an operation and between operations."""
    threading = tf.config.threading
    return {
        "intraop": threading.get_intra_op_parallelism_threads(),
        "interop": threading.get_inter_op_parallelism_threads(),
    }


def step(network: Any, criterion: Any, optimizer: Any) -> Callable[[Iterator[tuple[Any, Any]]], list[Any]]:
    """Return a function that trains on batches and gives the loss of each before its update.

    One trace serves all batch sizes.
    """
    weights = network.trainable_variables

    @tf.function(reduce_retracing=True)  # type: ignore[untyped-decorator]
    def one(x: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            loss = criterion(y, network(x, training=True))
        optimizer.apply(tape.gradient(loss, weights), weights)
        return loss

    return lambda batches: [one(x, y) for x, y in batches]
