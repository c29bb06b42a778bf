"""The bare calls beside which ours are measured give the same answers. Nothing here is timed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from benchmarks import steps
from benchmarks.figures import alternate


@pytest.fixture(autouse=True)
def own_environment() -> Iterator[None]:
    """Loading a framework as a worker does changes the environment, which later tests hand to their processes."""
    before = os.environ.copy()
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.parametrize("framework", ["pandas", "Polars", "DuckDB"])
@pytest.mark.parametrize("pipeline", ["groupby", "join"])
def test_a_bare_call_gives_the_answer_that_ours_gives(
    monkeypatch: pytest.MonkeyPatch, cache: Path, pipeline: str, framework: str
):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))
    bare = import_module(f"benchmarks.figures.bare.{pipeline}")
    loaded = steps.loaded(framework)
    plan = steps.pipeline(bare.PIPELINE)
    own = [step.id for step in plan.steps if "file" not in step.op.inputs and not step.id.endswith("-category")]
    assert list(bare.CALLS[framework]) == own
    for step, direct in bare.CALLS[framework].items():
        ours = steps.resolved(loaded, step, bare.SIZE, bare.PIPELINE)
        kind = plan.kinds[step]
        got, want = (loaded.extract(value, kind) for value in (ours(), direct(*ours.args[1:])))
        alternate.check_same(got, want, alternate.in_order(ours))
