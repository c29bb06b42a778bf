"""PyTorch on the CPU. One module per modality.

These files know PyTorch and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.torch import images, signals, training
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import torch


def load(threads: int) -> None:
    """Imports PyTorch and sets both of its pools; the second one can be set only once in a process."""
    global torch
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != threads:
        torch.set_num_interop_threads(threads)
    images.load()
    training.load()
    signals.load()


def prepare(value: Arrays, kind: Kind) -> Any:
    """Row-major copies: the arrays may be read-only or column-major, and batches are rows."""
    tensors = {name: torch.from_numpy(values.copy(order="C")) for name, values in value.items()}
    if kind == "images":
        return images.prepare_images(tensors)
    return training.prepare_model(tensors) if kind == "model" else tensors


def extract(value: Any, kind: Kind) -> Arrays:
    """Tensors as arrays; a model as its weights and its losses; a saved model as what is in its file."""
    if kind == "model":
        return training.extract_model(value)
    tensors = value
    if kind == "saved":
        tensors = torch.load(value, weights_only=True)
    elif kind == "images":
        tensors = images.extract_images(value)
    return {name: tensor.detach().numpy() for name, tensor in tensors.items()}


def threads() -> Mapping[str, int]:
    """Within an operation, and between operations."""
    return {"intraop": torch.get_num_threads(), "interop": torch.get_num_interop_threads()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Dtype, layout and device by tensor."""
    if kind == "saved":
        return {"format": "torch.save of tensors by name", "bytes": str(value.stat().st_size)}
    if kind == "model":
        value = dict(value.network.named_parameters()) | {"losses": value.losses}
    return {name: _held(tensor) for name, tensor in value.items()}


def _held(tensor: torch.Tensor) -> str:
    dtype = str(tensor.dtype).removeprefix("torch.")
    return f"{dtype} {'C' if tensor.is_contiguous() else 'strided'} {tensor.device}"


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
        ops={**signals.OPS, **images.OPS, **training.OPS},
        notes=training.NOTES,
    ),
)
