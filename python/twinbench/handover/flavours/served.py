"""Save and serve a model of a library without an MLflow flavour: Flux and MXNet.

MLflow loads the model through the module `twinbench.handover.served`. The library loads its own file in a worker
process, as in a run: so Julia doesn't share a process with a server's threads, and MXNet runs in its own environment.
"""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.handover.flavours.saving import Saving, pinned
from twinbench.launch.process import START_TIMEOUT_S, Worker, WorkerFailure, scratch
from twinbench.launch.variables import variables_of_worker
from twinbench.ops import arrays
from twinbench.ops.contract import Role
from twinbench.worker import protocol
from twinbench.worker.job import Job, StepJob

if TYPE_CHECKING:
    from numpy.typing import NDArray

LOADER = "twinbench.handover.served"
"""Name of the module that MLflow imports to load a model: saved models hold this name, so it never changes."""

ABOUT = "about.json"
THREADS = 1
ANSWER_S = 300.0
"""Longest wait for scores, in seconds: Julia compiles during the first request."""


def save(saved: Path, saving: Saving) -> None:
    """Save a model from ``saved``, the file or directory that the framework exported."""
    import mlflow.pyfunc

    with scratch() as directory:
        data = Path(directory) / "data"
        data.mkdir()
        copy = shutil.copytree if saved.is_dir() else shutil.copy
        copy(saved, data / saved.name)
        about = {"framework": saving.metadata["framework"], "name": saved.name}
        (data / ABOUT).write_text(json.dumps(about), encoding="utf-8")
        mlflow.pyfunc.save_model(
            saving.to,
            loader_module=LOADER,
            data_path=str(data),
            signature=saving.signature(),
            input_example=saving.example(),
            pip_requirements=pinned("mlflow", "twinbench", "numpy"),
            metadata=saving.metadata,
        )


class Served:
    """A model in a worker process, which MLflow asks for predictions."""

    def __init__(self, data: Path) -> None:
        about = json.loads((data / ABOUT).read_text(encoding="utf-8"))
        framework = registry.get(about["framework"])
        self._lock = threading.Lock()
        self._scratch = scratch()
        self._directory = Path(self._scratch.name)
        self._environment = framework.environment
        self._variables = variables_of_worker(THREADS, uses_julia=framework.language == "julia")
        self._job = Job(
            served=True,
            threads=THREADS,
            steps=(
                _step("load", "load", (about["name"],), framework.name),
                _step("predict", "score", ("load", "rows"), framework.name),
            ),
            values={},
            handovers=self._scratch.name,
        )
        (self._directory / about["name"]).symlink_to((data / about["name"]).resolve())
        self._worker: Worker | None = self._start()

    def _start(self) -> Worker:
        worker = Worker(self._job, self._variables, environment=self._environment)
        worker.ask(protocol.LOAD, START_TIMEOUT_S)
        worker.ask(protocol.FIRST, START_TIMEOUT_S, step="load")
        return worker

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> NDArray[Any]:
        """Return the scores of rows, float32: (rows,) for two classes, else (rows, classes).

        Raises WorkerFailure for rows that the library refuses. If the worker died, a new one is asked once.
        """
        import numpy as np

        rows = np.asarray(model_input, dtype=np.float32)
        with self._lock:
            try:
                return self._scores(rows)
            except WorkerFailure as failure:
                if failure.kind == "exception":
                    raise
                return self._scores(rows)

    def _scores(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Ask the worker, or a new one if the last has ended. Raises WorkerFailure."""
        worker = self._worker = self._worker or self._start()
        try:
            answer = worker.ask(protocol.SCORE, ANSWER_S, step="predict", rows=arrays.pack(rows))
        except WorkerFailure:
            self._worker = None
            raise
        return arrays.unpack(answer.scores)


def _step(step: str, role: Role, inputs: tuple[str, ...], framework: str) -> StepJob:
    (op,) = ops.of_role(role)
    return StepJob(id=step, op=op.name, params={}, inputs=inputs, framework=framework, needed=True)


def _load_pyfunc(path: str) -> Served:
    """Load a model from its data directory: MLflow calls this function by its name."""
    return Served(Path(path))
