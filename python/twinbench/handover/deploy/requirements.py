"""What an image installs: the model's own requirements, and every version that they lead to, as they are here."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from twinbench.handover.flavours.saving import pinned

SERVING = ("juliacall", "juliapkg", "numpy", "platformdirs", "psutil", "typer")
"""What `served` and the commands that make its place need of twinbench's own requirements."""


def of_model(model: Path) -> list[str]:
    """The requirements of a model that MLflow saved; in the place of twinbench itself, what serving takes of it."""
    listed = (model / "requirements.txt").read_text(encoding="utf-8").split()
    own = [line for line in listed if Requirement(line).name != "twinbench"]
    return own if own == listed else [*dict.fromkeys([*own, *pinned(*SERVING)])]


def constraints(requirements: Sequence[str]) -> list[str]:
    """Pins of all that these lead to on this machine."""
    found: dict[str, str] = {}
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        wanted = waiting.pop()
        try:
            pin = pinned(wanted.name)[0]
            needs = importlib.metadata.requires(wanted.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # what is optional here, or of another platform
        if wanted.name not in found or wanted.extras:
            found[wanted.name] = pin
            waiting += [need for need in map(Requirement, needs) if _applies(need, wanted.extras)]
    return sorted(found.values(), key=str.lower)


def _applies(need: Requirement, extras: set[str]) -> bool:
    """Whether its condition holds, with one of the extras that were asked for, or without any."""
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras or {""})


def without_cuda(requirements: Sequence[str]) -> bool:
    """Whether there is PyTorch among them, and here it is the build without CUDA, which is gigabytes."""
    torch = any(Requirement(line).name == "torch" for line in requirements)
    return torch and importlib.metadata.version("torch").endswith("+cpu")
