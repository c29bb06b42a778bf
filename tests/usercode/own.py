"""Pipelines with own ops, whose steps are executed in this process as a worker would."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from twinbench.plan import pipeline as pipelines
from twinbench.plan.pipeline import Pipeline
from twinbench.plan.stack import build
from twinbench.run import recheck
from twinbench.run.agree import reference
from twinbench.run.jobs import jobs
from twinbench.run.options import Options
from twinbench.run.outputs import check_output
from twinbench.store.records import Agreement
from twinbench.worker import protocol
from twinbench.worker.cell import Cell
from twinbench.worker.main import Worker

HEADER = """
[pipeline]
name = "case"
modality = "signals"
stacks = ["Python"]
[dataset]
arrays = "case.npz"
[goal]
question = "?"
[sizes]
all = {}
"""

SCALED = """
[op.scaled]
inputs = ["arrays"]
output = "arrays"
python = "features.py:scaled"
[op.scaled.params]
factor = { type = "float", default = 2.0, min = 0.0 }
"""

STEP = """
[[step]]
op = "scaled"
input = "data"
"""

FEATURES = """
import helper

def scaled(arrays, factor):
    return {"x": helper.times(arrays["x"], factor), "y": arrays["y"]}

def slower(arrays, factor):
    return {"x": arrays["x"] * factor, "y": arrays["y"]}
"""

HELPER = "def times(x, factor):\n    return factor * x\n"


def written(directory: Path, ops: str = SCALED, steps: str = STEP, code: str = FEATURES, header: str = HEADER) -> Path:
    """Write a pipeline, its code in Python and its data; return the pipeline's path."""
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 40)
    np.savez(directory / "case.npz", x=rng.normal(size=(40, 6)) + y[:, None], y=y)
    (directory / "features.py").write_text(code)
    (directory / "helper.py").write_text(HELPER)
    path = directory / "case.toml"
    path.write_text(header + ops + steps)
    return path


def reason(path: Path) -> str:
    """Execute the first step of a pipeline's first stack, and return why its worker refuses; empty if it doesn't."""
    pipeline = pipelines.load(path)
    (stack, *_) = [build(name, pipeline) for name in pipeline.stacks]
    references = reference.prepare(pipeline, "all")
    worker = Worker(jobs(pipeline, stack, references, Options())[None].as_json())
    step = pipeline.steps[0].id
    requests: list[dict[str, Any]] = [
        {"do": "load", "with": {}},
        {"do": "first", "with": {"step": step}},
        {"do": "extract", "with": {"step": step, "directory": str(path.parent / "out")}},
    ]
    for request in requests:
        try:
            worker.answer(request)
        except Exception as error:
            return worker.reason(request, error)
    return ""


def agreed(pipeline: Pipeline, name: str) -> list[Agreement]:
    """Execute a pipeline on a stack, and return the findings of the check of agreement and of the one after it."""
    stack = build(name, pipeline)
    assert stack.missing is None, stack.missing
    references = reference.prepare(pipeline, next(iter(pipeline.sizes)))
    cell = Cell(jobs(pipeline, stack, references, Options())[None])
    worker = Worker({})
    worker._cell = cell

    def ask(request: Any, **arguments: Any) -> Any:
        answer = worker.answer({"do": request.name, "with": json.loads(json.dumps(arguments))})
        return request.reply.of(json.loads(json.dumps(answer)))

    ask(protocol.LOAD)
    findings: list[Agreement] = []
    planned: dict[str, Any] = {}
    for step in pipeline.steps:
        ask(protocol.FIRST, step=step.id)
        output = references.directory.with_name(f"{name}-outputs") / step.id
        ask(protocol.EXTRACT, step=step.id, directory=str(output))
        found = check_output(ask, step, stack, references, output)
        findings += found
        planned |= recheck.planned(step, found, output)
    return findings + list(recheck.recheck(ask, pipeline, stack, references, planned))


def wrong(findings: list[Agreement]) -> list[str]:
    """Return the findings that disagree, each as a text."""
    return [f"{f.step}: {f.output}: {f.detail}" for f in findings if not f.ok]
