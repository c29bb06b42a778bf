"""What is timed is what agreed: frameworks whose first answer is right and whose later answers can't be trusted."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import pytest

from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays
from twinbench.plan import pipeline as pipelines
from twinbench.plan.stack import Stack
from twinbench.run import recheck
from twinbench.run.agree import reference
from twinbench.run.jobs import jobs
from twinbench.run.options import Options
from twinbench.run.outputs import check_output
from twinbench.store.records import Agreement
from twinbench.worker import protocol
from twinbench.worker.cell import ANSWERS, Cell

WORK_S = 0.004
"""Processor time of every honest call: what a memo saves must be seen."""

CASES = {
    "tables": (
        "NumPy",
        "tables.groupby",
        """
        [[step]]
        op = "tables.read_csv"
        table = "a"
        columns = { k = "string", v = "float64" }
        [[step]]
        op = "tables.groupby"
        keys = ["k"]
        aggregates = { m = ["mean", "v"], s = ["sum", "v"] }
        """,
    ),
    "signals": (
        "NumPy",
        "signals.stft",
        """
        [[step]]
        op = "signals.stft"
        input = "data"
        rate_hz = 100
        frame = 64
        hop = 32
        """,
    ),
    "images": (
        "SciPy",
        "images.median",
        """
        [[step]]
        op = "images.median"
        input = "data"
        size = 3
        """,
    ),
    "training": (
        "scikit-learn",
        "training.logistic",
        """
        [[step]]
        op = "training.split"
        input = "data"
        [[step]]
        op = "training.logistic"
        [[step]]
        op = "training.predict"
        input = ["logistic", "split"]
        """,
    ),
}
"""By modality: the framework that is led astray, the op that goes wrong, and the steps."""


def work(call: Callable[[], Any]) -> Any:
    end = process_time() + WORK_S
    while process_time() < end:
        pass
    return call()


def arrays_of(values: tuple[Any, ...]) -> Iterator[tuple[str, Any]]:
    yield from ((name, array) for value in values for name, array in value.items())


def remembers(key: Callable[[tuple[Any, ...]], Any]) -> Callable[..., Any]:
    def wrong(op: Callable[..., Any]) -> Callable[..., Any]:
        answers: dict[Any, Any] = {}

        def call(params: Any, *inputs: Any) -> Any:
            asked = key(inputs)
            if asked not in answers:
                answers[asked] = inputs, work(lambda: op(params, *inputs))
            return answers[asked][1]

        return call

    return wrong


def changes_its_input(op: Callable[..., Any]) -> Callable[..., Any]:
    def call(params: Any, *inputs: Any) -> Any:
        output = op(params, *inputs)
        first = next(iter(inputs[0].values()))
        first[...] = first[-1]
        return output

    return call


def goes_on(op: Callable[..., Any]) -> Callable[..., Any]:
    state = {"calls": 0}

    def call(params: Any, *inputs: Any) -> Any:
        output = op(params, *inputs)
        factor = 1 + state["calls"] / 10
        state["calls"] += 1
        if hasattr(output, "losses"):
            output.estimator.intercept_ = output.estimator.intercept_ * factor
            return replace(output, losses=output.losses / np.float32(factor))
        return {n: (v * factor).astype(v.dtype) if v.dtype.kind in "fcu" else v for n, v in output.items()}

    return call


def answers_later(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda params, *inputs: functools.cache(lambda: work(lambda: op(params, *inputs)))


def honest(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda params, *inputs: work(lambda: op(params, *inputs))


WRONG = {
    "memo by id": (remembers(lambda values: tuple(map(id, values))), "answers from a memo"),
    "memo by content": (
        remembers(lambda values: str([hash(a.tobytes()) for _, a in arrays_of(values)])),
        "from a memo",
    ),
    "memo by shape": (remembers(lambda values: str([a.shape for _, a in arrays_of(values)])), "on other rows"),
    "changes its input": (changes_its_input, "changes its input"),
    "goes on": (goes_on, "after the last sample"),
    "answers later": (answers_later, "so what is timed may not be the whole work"),
    "honest": (honest, ""),
}
"""By what goes wrong: how an honest implementation is led astray, and what is said then."""


def late(base: Framework, changed: dict[str, Callable[..., Any]]) -> Framework:
    """Change ops of a framework, whose conversions then compute what a call put off, and copy what they are given."""

    def prepare(value: Arrays, kind: Any) -> Any:
        return base.prepare({name: np.array(array) for name, array in value.items()}, kind)

    def extract(value: Any, kind: Any) -> Arrays:
        return base.extract(value() if callable(value) else value, kind)

    ops = dict(base.ops) | changed
    return replace(base, ops=ops, prepare=prepare, extract=extract, facts=lambda value, kind: {})


def pipeline_of(modality: str, steps: str, directory: Path) -> Path:
    rng = np.random.default_rng(5)
    data = 'arrays = "a.npz"'
    if modality == "tables":
        rows = (f"{'abc'[k]},{v}\n" for k, v in zip(rng.integers(0, 3, 50), rng.normal(size=50), strict=True))
        (directory / "a.csv").write_text("k,v\n" + "".join(rows))
        data = 'files = { a = "a.csv" }'
    elif modality == "images":
        np.savez(directory / "a.npz", x=rng.integers(0, 255, (5, 12, 9), dtype=np.uint8))
    else:
        y = rng.integers(0, 2, 60)
        x = rng.normal(size=(60, 96)) + y[:, None]
        np.savez(directory / "a.npz", x=x, y=y, test=np.arange(60) % 4 == 0)
    path = directory / "case.toml"
    named = "signals" if modality == "training" else modality
    goal = '[goal]\nquestion = "?"\n[sizes]\nall = {}\n'
    path.write_text(f'[pipeline]\nname = "case"\nmodality = "{named}"\n[dataset]\n{data}\n{goal}{steps}')
    return path


def rechecked(framework: Framework, path: Path, monkeypatch: pytest.MonkeyPatch, bursts: int = 2) -> list[Agreement]:
    """Measure a pipeline in this process as a worker would, and return what the check afterwards finds."""
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(path.parent / "cache"))
    monkeypatch.setattr(registry, "_own", lambda: {framework.name: framework})
    pipeline = pipelines.load(path)
    stack = Stack("wrong", {step.id: framework for step in pipeline.steps}, None)
    references = reference.prepare(pipeline, "all")
    cell = Cell(jobs(pipeline, stack, references, Options())[None])

    def ask(request: Any, **arguments: Any) -> Any:
        return request.reply.of(json.loads(json.dumps(ANSWERS[request.name](cell, **arguments).as_json())))

    ask(protocol.LOAD)
    planned: dict[str, Arrays | None] = {}
    for step in pipeline.steps:
        ask(protocol.FIRST, step=step.id)
        output = path.parent / "outputs" / step.id
        ask(protocol.EXTRACT, step=step.id, directory=str(output))
        findings = check_output(ask, step, stack, references, output)
        if wrong := [replace(f, detail=f"at once: {f.detail}") for f in findings if not f.ok]:
            return wrong
        planned |= recheck.planned(step, findings, output)
    for step in pipeline.steps:
        for _ in range(bursts):
            cell.calls[step.id]()
    return list(recheck.recheck(ask, pipeline, stack, references, planned))


@pytest.mark.parametrize("modality", CASES)
@pytest.mark.parametrize("mistake", WRONG)
def test_a_later_answer_that_differs_from_the_first_is_found(mistake, modality, tmp_path, monkeypatch):
    name, op, steps = CASES[modality]
    base = registry.get(name)
    wrong, reason = WRONG[mistake]
    ops = {op: wrong(base.ops[op])}
    if mistake == "answers later" and modality == "training":  # what takes the model computes it
        predict = base.ops["training.predict"]
        ops["training.predict"] = lambda p, model, rows: predict(p, model() if callable(model) else model, rows)
    framework = late(base, ops)
    findings = rechecked(framework, pipeline_of(modality, steps, tmp_path), monkeypatch)
    if not reason:
        assert findings == []
        return
    found = [finding for finding in findings if reason in finding.detail or "at once" in finding.detail]
    assert {finding.step for finding in found} == {op.partition(".")[2]}, findings
    assert not any(finding.ok or finding.declared for finding in found)


def test_a_file_that_is_read_after_the_call_has_ended_is_found(tmp_path, monkeypatch):
    base = registry.get("NumPy")
    groupby, read = base.ops["tables.groupby"], base.ops["tables.read_csv"]
    ops = {
        "tables.read_csv": lambda p, path: functools.cache(lambda: read(p, path)),
        "tables.groupby": lambda p, table: groupby(p, table()),
    }
    framework = late(base, ops)
    with pytest.raises(RuntimeError, match="the output still needs the file after the call has ended"):
        rechecked(framework, pipeline_of("tables", CASES["tables"][2], tmp_path), monkeypatch)


def test_work_that_is_put_off_behind_the_right_type_is_found_by_its_time():
    equal, call = 2e6, 1e3
    lazy = protocol.Varied(call, int(9e6 + 4 * equal), int(equal), (), "")
    eager = protocol.Varied(9e6, int(2 * equal), int(equal), (), "")
    assert "leaves work undone" in recheck.suspicious(lazy, protocol.Repeated(call))
    assert recheck.suspicious(eager, protocol.Repeated(9e6)) == ""
