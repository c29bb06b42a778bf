"""What a strategy draws: one call of an op, as plain values that any framework can be given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from hypothesis.strategies import SearchStrategy

from twinbench.ops.contract import Arrays, Op


class NoCases(Exception):
    """The inputs of an op can't be generated here. The message says why, and what to install."""


@dataclass(frozen=True, slots=True)
class Files:
    """The input of an op that reads files."""

    contents: dict[str, bytes]
    """Bytes by path, relative to a new directory."""
    file: str = ""
    """The path that the op is given; empty for the directory itself."""

    def write(self, directory: Path) -> str:
        """Write all files, and return the path that the op is given."""
        for name, data in self.contents.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return str(directory / self.file)


@dataclass(frozen=True, slots=True)
class Case:
    """Parameters and inputs of one call."""

    values: dict[str, Any]
    """Parameters by name, as `Op.build` takes them."""
    inputs: tuple[Arrays | Files, ...] = ()
    recipes: tuple[str, ...] = ()
    """Expressions that make the inputs, where the arrays are too large to be printed."""


def cases(op: Op, implemented: Collection[str]) -> SearchStrategy[Case]:
    """The strategy for calls of an op inside its contract.

    ``implemented`` are the names of the ops that the framework has: models to score are drawn from those that it
    trains. Raises NoCases where the inputs can't be generated.
    """
    module = import_module(f"twinbench.conformance.{op.modality}")
    strategy: SearchStrategy[Case] = module.cases(op.name.partition(".")[2], implemented)
    return strategy
