"""Keras 3, once for each of its backends: TensorFlow (``Keras``), JAX and PyTorch. One module per modality.

A process has one backend, chosen before Keras is imported.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.keras import training
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import keras


def load(backend: str, threads: int) -> None:
    """Import the backend, set its threads, and then import Keras."""
    global keras
    os.environ["KERAS_BACKEND"] = backend
    import_module(f"twinbench.frameworks.keras.{backend}").load(threads)
    import keras

    if keras.backend.backend() != backend:
        raise RuntimeError(f"Keras runs on {keras.backend.backend()} in this process, and can't change to {backend}")
    training.load(backend)


def cuda(backend: str) -> Callable[[], object]:
    """Select the CUDA device through the backend."""
    wait: Callable[[], object] = import_module(f"twinbench.frameworks.keras.{backend}").cuda()
    return wait


def prepare(value: Arrays, kind: Kind) -> Any:
    """Convert arrays into tensors of the backend; build a model from its weights and losses."""
    if kind == "model":
        return training.prepare_model(value)
    return {name: keras.ops.convert_to_tensor(array) for name, array in value.items()}


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert tensors into arrays, a model into weights and losses, and a saved model into its file's weights."""
    if kind == "model":
        return training.extract_model(value)
    if kind == "saved":
        return training.extract_saved(value)
    return {name: keras.ops.convert_to_numpy(tensor) for name, tensor in value.items()}


def threads(backend: str) -> Mapping[str, int]:
    """Return the threads that the backend reports."""
    counted: Callable[[], Mapping[str, int]] = import_module(f"twinbench.frameworks.keras.{backend}").threads
    return counted()


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the dtype of each tensor, and the image layout of a model."""
    if kind == "saved":
        return {"format": "Keras v3 (.keras)", "bytes": str(value.stat().st_size)}
    if kind == "model":
        held = {variable.path: str(variable.dtype) for variable in value.network.variables}
        return held | {"images": keras.config.image_data_format()}
    return {name: keras.backend.standardize_dtype(tensor.dtype) for name, tensor in value.items()}


def _framework(name: str, backend: str, library: str, summary: str, extra: str) -> Framework:
    return Framework(
        name=name,
        language="python",
        summary=summary,
        packages=("keras", library),
        extra=extra,
        load=partial(load, backend),
        cuda=partial(cuda, backend),
        prepare=prepare,
        extract=extract,
        threads=partial(threads, backend),
        facts=facts,
        ops=training.OPS,
        notes=training.NOTES,
    )


FRAMEWORKS = (
    _framework("Keras", "tensorflow", "tensorflow-cpu", "Keras 3 on TensorFlow", "keras"),
    _framework("Keras-JAX", "jax", "jax", "Keras 3 on JAX", "keras"),
    _framework("Keras-torch", "torch", "torch", "Keras 3 on PyTorch", "keras"),
)
