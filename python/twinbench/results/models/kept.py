"""The trained model of a cell in the store: the files that its framework exported, and the facts needed to use it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.errors import StoreError
from twinbench.store import kept_arrays
from twinbench.store.records import EXAMPLE, MODEL, SCORES, Cell, PlannedPipeline
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model that was stored with its cell."""

    cell: Cell
    framework: str
    name: str
    """Name of the file or directory that the framework loads."""
    features: tuple[str, ...]
    """Names of the columns of its input. Empty if they have no names."""
    steps: tuple[str, ...]
    """The pipeline's steps from the data to the model's input, each as ``op`` with its parameters in JSON."""
    example: NDArray[Any]
    """The first test rows, as the model takes them: float32, (rows, ...)."""
    scores: NDArray[Any]
    """The stack's scores of all test rows: float32, (rows,) or (rows, classes)."""
    own: str = ""
    """The user's function that loads the files, as ``file.py:name``; empty for a format of the framework's."""

    @property
    def metadata(self) -> dict[str, Any]:
        """The description that is stored with the model wherever it is sent."""
        return {
            "twinbench_run": self.cell.run_id,
            "stack": self.cell.stack,
            "pipeline": self.cell.pipeline,
            "size": self.cell.size,
            "framework": self.framework,
            "features": list(self.features),
            "preprocessing": list(self.steps),
            "output": "the probability of class 1" if self.scores.ndim == 1 else "the probability of each class",
        }

    def unpack(self, store: Store, directory: Path) -> Path:
        """Write the model's files into ``directory``, and return the path that the framework loads."""
        directory.mkdir(parents=True, exist_ok=True)
        root = directory.resolve()
        for name in store.files(self.cell.id):
            folder, _, inside = name.partition("/")
            if folder == MODEL:
                path = _inside(root, inside)
                try:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(store.file(self.cell.id, name) or b"")
                except OSError as error:
                    raise StoreError(f"{store.path}: the model's file {inside!r}: {error.strerror}") from error
        path = _inside(root, self.name)
        if not path.exists():
            raise StoreError(f"{store.path}: the model of {self.cell.stack} has no file or directory {self.name!r}")
        return path


def of_cell(store: Store, cell: Cell) -> Model | None:
    """Return the stored model of a cell, or None if it has none.

    A cell has no model if nothing was trained, the model can't be exported, or an older twinbench made the run.
    """
    about = next((fact.value for fact in store.facts(cell.id) if (fact.step, fact.key) == ("", MODEL)), None)
    example, scores = kept_arrays.array(store, cell.id, EXAMPLE), kept_arrays.array(store, cell.id, SCORES)
    if about is None or example is None or scores is None:
        return None
    (planned,) = (p for p in store.pipelines(cell.run_id) if (p.name, p.size) == (cell.pipeline, cell.size))
    return Model(
        cell=cell,
        framework=about["framework"],
        name=about["name"],
        features=tuple(about["features"]),
        steps=tuple(_before(planned, about["input"])),
        example=example,
        scores=scores,
        own=about.get("own", ""),
    )


def _inside(root: Path, name: str) -> Path:
    """Return the path of a name below a directory. Raises StoreError if it leads out of the directory."""
    path = (root / name).resolve()
    if not path.is_relative_to(root) or path == root:
        raise StoreError(f"the model's file {name!r} leads out of its directory; the store is damaged")
    return path


def _before(planned: PlannedPipeline, last: str) -> list[str]:
    """Return the steps that an output depends on, in the pipeline's order."""
    steps = {step["id"]: step for step in planned.spec["steps"]}
    needed, waiting = set(), [last]
    while waiting:
        step = waiting.pop()
        if step in steps and step not in needed:
            needed.add(step)
            waiting += steps[step].get("inputs", ())
    return [f"{step['op']} {json.dumps(step.get('params', {}))}" for name, step in steps.items() if name in needed]
