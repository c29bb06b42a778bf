"""Layers of Julia packages: the base, which every other layer needs, and optional layers for some frameworks each.

The base is in ``juliapkg.json``, which juliapkg reads by itself; ``layers.json`` holds the others in the same form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from twinbench import paths
from twinbench.errors import BadInput, nearest

BASE = "base"

NEEDED = ("PythonCall", "PrecompileTools")
"""The packages without which nothing runs. Any other package is needed only by the frameworks that use it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages that are provisioned together."""

    name: str
    summary: str
    packages: dict[str, dict[str, str]]
    """The arguments of juliapkg by package: ``uuid`` and ``version``."""

    def missing(self, present: Iterable[str]) -> list[str]:
        """Return the names of the layer's packages that aren't in ``present``."""
        names = set(present)
        return [name for name in self.packages if name not in names]


@cache
def layers() -> dict[str, Layer]:
    """Return every layer by name, the base first, in the order in which they are provisioned."""
    base = json.loads((paths.PACKAGE / "juliapkg.json").read_text(encoding="utf-8"))["packages"]
    others = json.loads(Path(__file__).with_name("layers.json").read_text(encoding="utf-8"))
    first = Layer(BASE, "tables, training and the signals of DSP.jl", base)
    return {BASE: first} | {name: Layer(name, facts["summary"], facts["packages"]) for name, facts in others.items()}


def chosen(names: Sequence[str]) -> list[Layer]:
    """Return the base and the layers of these names, in the order in which they are provisioned.

    Raises BadInput for an unknown name.
    """
    for name in names:
        if name not in layers():
            raise BadInput(f"unknown layer '{name}'{nearest(name, layers())}")
    return [layer for layer in layers().values() if layer.name in {BASE, *names}]


def all_packages() -> tuple[str, ...]:
    """Return the packages that a project must hold for all built-in frameworks."""
    return "PythonCall", *(name for layer in layers().values() for name in layer.packages)


def holding(packages: Iterable[str]) -> list[str]:
    """Return the names of the layers that hold any of these packages."""
    wanted = set(packages)
    return [layer.name for layer in layers().values() if wanted & set(layer.packages)]
