"""References are computed in a process of their own, which has the run's limits and answers with the cache's files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from twinbench.errors import BadInput
from twinbench.launch.process import WorkerFailure
from twinbench.ops.contract import Op
from twinbench.plan import pipeline as pipelines
from twinbench.run.agree import reference
from twinbench.run.agree.apart import computed_apart

Started = Callable[[], list[psutil.Process]]

HEADER = """
[pipeline]
name = "case"
modality = "images"
stacks = ["torch"]

[dataset]
arrays = "case.npz"

[goal]
question = "?"

[sizes]
small = { images = 20 }
large = { images = 40 }

[[step]]
op = "images.normalise"
input = "data"
mean = [0.3]
sd = [0.4]
"""

REFUSED = """
[[step]]
id = "again"
op = "images.normalise"
input = "data"
mean = [0.3, 0.4, 0.5]
sd = [0.4, 0.5, 0.6]
"""

TRAINED = """
[[step]]
op = "training.split"
test_fraction = 0.25
seed = 0

[[step]]
op = "training.mlp"
hidden = [8]
classes = 2
epochs = 1_000_000_000
batch_size = 10
optimizer = { name = "sgd", lr = 0.1 }
seed = 0
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory with data and an empty cache."""
    rng = np.random.default_rng(1)
    x = rng.integers(0, 255, (40, 6, 6), dtype=np.uint8)
    np.savez(tmp_path / "case.npz", x=x, y=np.arange(40) // 2 % 2)
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def started() -> Started:
    """Lists the child processes that were started since the test began; drivers of other tests may be there."""
    before = set(psutil.Process().children())
    return lambda: [child for child in psutil.Process().children() if child not in before]


def load(directory: Path, steps: str = "") -> pipelines.Pipeline:
    (directory / "case.toml").write_text(HEADER + steps)
    return pipelines.load(directory / "case.toml")


def test_a_reference_from_its_worker_is_the_one_that_is_computed_here(
    directory: Path, monkeypatch: pytest.MonkeyPatch, started: Started
):
    case = load(directory)
    here = reference.prepare(case, "small")
    expected = {name: values.copy() for name, values in here.output("normalise").items()}
    assert reference.varied(case, here, 0) is not None
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(directory / "other"))
    with computed_apart(60) as compute:
        workers = []
        for size in ("small", "large"):
            apart = reference.prepare(case, size, compute=compute)
            workers += started()
            assert started() == workers[:1], "a second worker was started"
        apart = reference.prepare(case, "small", compute=compute)
        assert apart.directory.is_relative_to(directory / "other")
        np.testing.assert_array_equal(apart.output("normalise")["x"], expected["x"])
        other = reference.varied(case, apart, 0)
        assert other is not None
        assert not np.array_equal(other.output("normalise")["x"], expected["x"])
    assert not workers[0].is_running()


def test_what_is_in_the_cache_starts_no_worker(directory: Path, started: Started):
    case = load(directory)
    reference.prepare(case, "small")
    with computed_apart(60) as compute:
        reference.prepare(case, "small", compute=compute)
        assert not started()


def test_this_process_computes_no_reference(directory: Path, monkeypatch: pytest.MonkeyPatch):
    case = load(directory)

    def fails(*args: object) -> None:
        raise AssertionError("computed here")

    op: Op = replace(case.steps[0].op, reference=fails, requires=fails)
    here = replace(case, steps=(replace(case.steps[0], op=op),))
    with pytest.raises(BadInput, match="computed here"):
        reference.prepare(here, "small")
    with computed_apart(60) as compute:
        assert reference.prepare(here, "small", compute=compute).output("normalise")["x"].shape == (20, 6, 6)


@pytest.mark.parametrize(
    ("timeout_s", "limit", "kind", "said"),
    [(3.0, None, "time-out", "mlp: no answer within 3 s; raise --timeout"), (60, 200 << 20, "memory", "limit 200 MiB")],
)
def test_a_reference_without_end_is_ended_by_the_limits_of_the_run(
    directory: Path, started: Started, timeout_s: float, limit: int | None, kind: str, said: str
):
    case = load(directory, TRAINED)
    heard: list[tuple[str, float]] = []
    with computed_apart(timeout_s, limit, lambda what, seconds: heard.append((what, seconds))) as compute:
        for _ in range(2):
            with pytest.raises(WorkerFailure, match=said) as failure:
                reference.prepare(case, "small", compute=compute)
            assert failure.value.kind == kind
        assert not started()
    assert max(seconds for what, seconds in heard if what == "mlp") > 0.1
    assert not list((directory / "cache" / "reference").glob("case-small-*-varied*"))


def test_a_refusal_comes_from_the_worker_as_it_does_here(directory: Path):
    case = load(directory, REFUSED)
    with pytest.raises(BadInput) as here:
        reference.prepare(case, "small")
    with computed_apart(60) as compute, pytest.raises(BadInput) as apart:
        reference.prepare(case, "small", compute=compute)
    assert str(here.value) == str(apart.value)


def test_a_file_that_is_changed_meanwhile_is_refused(directory: Path):
    case = load(directory)
    load(directory, TRAINED)
    with computed_apart(60) as compute, pytest.raises(BadInput, match="changed while it was read"):
        reference.prepare(case, "small", compute=compute)


def test_what_an_earlier_version_left_in_the_cache_is_made_again(directory: Path):
    case = load(directory)
    made = reference.prepare(case, "small")
    varied = reference.varied(case, made, 0)
    for path in (made.directory, varied.directory):
        (path / reference.COMPLETE).unlink()
        (path / "outputs" / "normalise" / "value.arrays").write_bytes(b"other")
    again = reference.prepare(case, "small")
    assert again.output("normalise")["x"].shape == (20, 6, 6)
    assert reference.varied(case, again, 0).output("normalise")["x"].shape == (20, 6, 6)


def test_a_reference_that_fails_costs_its_own_cells(twinbench, store, directory: Path, places):
    places["TWINBENCH_CACHE_DIR"] = str(directory / "cache")
    load(directory, TRAINED)
    arguments = ["--pipelines", str(directory), "--budget", "0.1", "--no-track", "--memory-limit", "200M"]
    done = twinbench("run", "case", "noop", *arguments)
    assert done.returncode == 1, done.stderr
    with store() as results:
        run = results.find_run()
        cells = {cell.stack: cell for cell in results.cells(run.id)}
        assert run.status == "done"
    assert cells["probe-a"].status == "done"
    assert (cells["torch"].status, cells["torch"].kind) == ("oom", "memory")
    assert cells["torch"].reason.startswith("the reference: mlp: ")
