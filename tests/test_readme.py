"""The README's two examples, taken from its text and really run: a framework and a pipeline, one file each."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"


def example(name: str) -> str:
    """The code block that begins with a comment naming this file."""
    blocks = re.findall(r"^```\w+\n(.*?)^```$", README.read_text(), flags=re.MULTILINE | re.DOTALL)
    return next(block for block in blocks if block.startswith(f"# {name}\n"))


@pytest.fixture
def pipelines(tmp_path: Path) -> str:
    directory = tmp_path / "pipelines"
    directory.mkdir()
    (directory / "worst-routes.toml").write_text(example("worst-routes.toml"))
    return str(directory)


def test_the_pipeline_runs_on_every_stack_it_names(twinbench, store, pipelines):
    done = twinbench("run", "worst-routes", "--pipelines", pipelines, "--budget", "0.5", "--no-track", timeout=400)
    assert done.returncode == 0, done.stderr
    with store() as results:
        cells = {cell.stack: cell.status for cell in results.cells(results.find_run().id)}
    assert cells["pandas"] == "done"
    assert set(cells.values()) <= {"done", "unavailable"}


def test_the_framework_agrees_and_is_measured(twinbench, store, plugin, pipelines):
    env = plugin("arrow_frames", example("arrow_frames.py"))
    arguments = ["--stack", "PyArrow+pandas", "--stack", "pandas", "--budget", "0.5", "--no-track"]
    done = twinbench("run", "worst-routes", "--pipelines", pipelines, *arguments, env=env, timeout=200)
    assert done.returncode == 0, done.stderr
    with store() as results:
        cells = {cell.stack: cell for cell in results.cells(results.find_run().id)}
        assert cells["PyArrow+pandas"].status == "done", cells["PyArrow+pandas"].reason
        assert cells["PyArrow+pandas"].steps["sort"] == "PyArrow"
        boundaries = [s for s in results.samples(cells["PyArrow+pandas"].id) if s.kind == "boundary"]
        assert any(s.step == "sort" and s.detail == "in" and s.wall_ns > 0 for s in boundaries)
