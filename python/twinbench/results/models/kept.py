"""The trained model of a cell as the store keeps it: what its framework exported, and what one must know to use it."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.store.records import EXAMPLE, MODEL, SCORES, Cell, Plan
from twinbench.store.store import Store

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Model:
    """A trained model that is kept."""

    cell: Cell
    framework: str
    name: str
    """Of the file or the directory that the framework loads."""
    features: tuple[str, ...]
    """What the columns of its input are, where they have names."""
    steps: tuple[str, ...]
    """The pipeline's steps from the data to the model's input, each as ``op`` with its parameters in JSON."""
    example: NDArray[Any]
    """The first test rows: float32, (rows, ...)."""
    scores: NDArray[Any]
    """What the stack gave for all test rows: float32, (rows,) or (rows, classes)."""

    @property
    def metadata(self) -> dict[str, Any]:
        """What goes with the model wherever it goes."""
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
        """Write its files. Returns the place that the framework loads from."""
        for name in store.files(self.cell.id):
            folder, _, inside = name.partition("/")
            if folder == MODEL:
                place = directory / inside
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(store.file(self.cell.id, name) or b"")
        return directory / self.name


def of_cell(store: Store, cell: Cell) -> Model | None:
    """None where none was kept: nothing was trained, it can't be exported, or an older twinbench made the run."""
    about = next((fact.value for fact in store.facts(cell.id) if (fact.step, fact.key) == ("", MODEL)), None)
    example, scores = store.file(cell.id, EXAMPLE), store.file(cell.id, SCORES)
    if about is None or example is None or scores is None:
        return None
    (plan,) = (p for p in store.plans(cell.run_id) if (p.pipeline, p.size) == (cell.pipeline, cell.size))
    return Model(
        cell=cell,
        framework=about["framework"],
        name=about["name"],
        features=tuple(about["features"]),
        steps=tuple(_before(plan, about["input"])),
        example=_array(example),
        scores=_array(scores),
    )


def _array(content: bytes) -> NDArray[Any]:
    import numpy as np

    return np.load(io.BytesIO(content), allow_pickle=False)  # type: ignore[no-any-return]


def _before(plan: Plan, last: str) -> list[str]:
    """The steps that an output depends on, in the pipeline's order."""
    steps = {step["id"]: step for step in plan.plan["steps"]}
    needed, waiting = set(), [last]
    while waiting:
        step = waiting.pop()
        if step in steps and step not in needed:
            needed.add(step)
            waiting += steps[step]["inputs"]
    return [f"{step['op']} {json.dumps(step['params'])}" for name, step in steps.items() if name in needed]
