"""PyTorch, on the CPU or on a CUDA device. One module per modality.

These files know PyTorch and the contracts, and nothing of how they are run or timed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.torch import images, signals, training
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import torch


def load(threads: int) -> None:
    """Import PyTorch and set both of its pools; the second can be set only once in a process."""
    global torch
    import torch

    torch.set_num_threads(threads)
    if torch.get_num_interop_threads() != threads:
        torch.set_num_interop_threads(threads)
    images.load()
    training.load()
    signals.load()


def cuda() -> Callable[[], object]:
    """Make the CUDA device the default for new tensors. Convolutions use float32, as the contracts do."""
    if not torch.cuda.is_available():
        why = "is built without CUDA" if torch.version.cuda is None else "finds no CUDA device"
        raise RuntimeError(f"PyTorch {torch.__version__} {why}")
    torch.set_default_device("cuda")
    torch.backends.cudnn.allow_tf32 = False
    return torch.cuda.synchronize


def prepare(value: Arrays, kind: Kind) -> Any:
    """Copy arrays in row-major order: they may be read-only or column-major, and batches are rows."""
    device = torch.get_default_device()
    tensors = {name: torch.from_numpy(values.copy(order="C")).to(device) for name, values in value.items()}
    if kind == "images":
        return images.prepare_images(tensors)
    return training.prepare_model(tensors) if kind == "model" else tensors


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert tensors into arrays, a model into weights and losses, and a saved model into its file's tensors."""
    if kind == "model":
        return training.extract_model(value)
    tensors = value
    if kind == "saved":
        tensors = torch.load(value, weights_only=True)
    elif kind == "images":
        tensors = images.extract_images(value)
    return {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}


def threads() -> Mapping[str, int]:
    """Return the threads within an operation and between operations."""
    return {"intraop": torch.get_num_threads(), "interop": torch.get_num_interop_threads()}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe dtype, layout and device of each tensor."""
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
        cuda=cuda,
        prepare=prepare,
        extract=extract,
        threads=threads,
        facts=facts,
        ops={**signals.OPS, **images.OPS, **training.OPS},
        notes=training.NOTES,
    ),
)
