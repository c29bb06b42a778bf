"""What the reference is to compute, and what was made: the words between those who ask and what computes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from twinbench.plan.pipeline import Pipeline


@dataclass(frozen=True, slots=True)
class Made:
    """The directory of a reference's outputs, the path of the file that a step reads, by step id, and the device."""

    directory: Path
    files: Mapping[str, str]
    device: str


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be computed: the reference of a pipeline at a size for a device, or more of one that was ``made``.

    That is its baselines for ``number`` 0, and else the reference on another variation of the data, counted from 1.
    """

    pipeline: Pipeline
    size: str = ""
    device: str = "cpu"
    made: Made | None = None
    number: int = 0


Compute = Callable[[Task], Made]
"""Function that carries out a task. Raises BadInput."""
