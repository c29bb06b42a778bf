"""Requirements of an image: those of the model, and pins of every package that they need, as installed here."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Sequence
from pathlib import Path

from packaging.requirements import Requirement

from twinbench.handover.flavours.saving import pinned

SERVING = ("juliacall", "juliapkg", "numpy", "platformdirs", "psutil", "typer")
"""Requirements of twinbench that `served` and the commands that prepare its environment import."""


def of_model(model: Path) -> list[str]:
    """Return the requirements of a model that MLflow saved, with twinbench replaced by what serving needs of it."""
    listed = (model / "requirements.txt").read_text(encoding="utf-8").split()
    own = [line for line in listed if Requirement(line).name != "twinbench"]
    return own if own == listed else [*dict.fromkeys([*own, *pinned(*SERVING)])]


def constraints(requirements: Sequence[str]) -> list[str]:
    """Return pins, at this machine's versions, of these requirements and of every package that they need."""
    pins: dict[str, str] = {}
    waiting = [Requirement(line) for line in requirements]
    while waiting:
        requirement = waiting.pop()
        try:
            pin = pinned(requirement.name)[0]
            needs = importlib.metadata.requires(requirement.name) or []
        except importlib.metadata.PackageNotFoundError:
            continue  # an optional package, or one for another platform
        if requirement.name not in pins or requirement.extras:
            pins[requirement.name] = pin
            waiting += [need for need in map(Requirement, needs) if _applies(need, requirement.extras)]
    return sorted(pins.values(), key=str.lower)


def _applies(need: Requirement, extras: set[str]) -> bool:
    """Check whether the requirement's marker holds with any of the extras asked for, or without extras."""
    return need.marker is None or any(need.marker.evaluate({"extra": extra}) for extra in extras or {""})


def without_cuda(requirements: Sequence[str]) -> bool:
    """Check whether the requirements name PyTorch, and the build here lacks CUDA, which would add gigabytes."""
    torch = any(Requirement(line).name == "torch" for line in requirements)
    return torch and importlib.metadata.version("torch").endswith("+cpu")
