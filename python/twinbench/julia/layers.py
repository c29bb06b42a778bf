"""Layers of Julia packages: the base that everything is built on, and optional ones, each for a framework or two.

The base is what juliapkg provisions anyway, ``juliapkg.json``; ``layers.json`` holds the others in the same form.
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
"""The packages without which nothing runs. Any other one is missed only by the frameworks that are built on it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """Packages that are provisioned together."""

    name: str
    summary: str
    packages: dict[str, dict[str, str]]
    """By name, what juliapkg wants to know: ``uuid`` and ``version``."""

    def missing(self, present: Iterable[str]) -> list[str]:
        """The names of the packages that aren't among those present."""
        there = set(present)
        return [name for name in self.packages if name not in there]


@cache
def layers() -> dict[str, Layer]:
    """Every layer by name, the base first, in the order in which they are provisioned."""
    base = json.loads((paths.PACKAGE / "juliapkg.json").read_text(encoding="utf-8"))["packages"]
    others = json.loads(Path(__file__).with_name("layers.json").read_text(encoding="utf-8"))
    first = Layer(BASE, "tables, training and the signals of DSP.jl", base)
    return {BASE: first} | {name: Layer(name, told["summary"], told["packages"]) for name, told in others.items()}


def chosen(names: Sequence[str]) -> list[Layer]:
    """The layers of these names, in the order in which they are provisioned, after the base that each needs.

    Raises BadInput for an unknown name.
    """
    for name in names:
        if name not in layers():
            raise BadInput(f"unknown layer '{name}'{nearest(name, layers())}")
    return [layer for layer in layers().values() if layer.name in {BASE, *names}]


def all_packages() -> tuple[str, ...]:
    """The packages that a project must hold for all of our frameworks."""
    return "PythonCall", *(name for layer in layers().values() for name in layer.packages)


def holding(packages: Iterable[str]) -> list[str]:
    """The names of the layers that hold any of these packages."""
    wanted = set(packages)
    return [layer.name for layer in layers().values() if wanted & set(layer.packages)]
