"""A damaged or full cache never costs a stack its result: damage is made good and said, a full disk is a line."""

from __future__ import annotations

import contextlib
import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import hostile
from twinbench.data import cache
from twinbench.errors import TwinbenchError
from twinbench.ops import arrays
from twinbench.plan import pipeline as pipelines
from twinbench.plan import stack as stacks
from twinbench.plan.pipeline import Pipeline
from twinbench.run.agree import reference
from twinbench.run.agree.reference import Reference
from twinbench.run.outputs import check_output
from twinbench.store.store import Store

PIPELINE = """
[pipeline]
name = "sales"
modality = "tables"
stacks = ["NumPy"]
[dataset]
files = { orders = "orders.csv" }
[goal]
question = "Which shop sells most?"
[sizes]
full = {}
[[step]]
op = "tables.read_csv"
table = "orders"
columns = { shop = "int64", paid = "float64" }
[[step]]
op = "tables.groupby"
keys = ["shop"]
aggregates = { paid = ["sum", "paid"] }
"""


@pytest.fixture(autouse=True)
def own_directories(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for kind in ("CACHE", "DATA"):
        monkeypatch.setenv(f"TWINBENCH_{kind}_DIR", str(tmp_path / kind.lower()))


def written(directory: Path, rows: int) -> Path:
    """A pipeline on data of its own, with this many rows."""
    lines = "".join(f"{row % 7},{row * 0.25}\n" for row in range(rows))
    (directory / "orders.csv").write_text("shop,paid\n" + lines)
    (directory / "sales.toml").write_text(PIPELINE)
    return directory / "sales.toml"


@pytest.fixture
def pipeline(tmp_path: Path) -> Pipeline:
    return pipelines.load(written(tmp_path, rows=50))


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 4
    path.write_bytes(content)


def flip_quietly(path: Path) -> None:
    """A bit that changed on the disk: the file's time is what it was."""
    status = path.stat()
    flip(path)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def prepared(pipeline: Pipeline) -> Reference:
    """The reference, as a new process has it."""
    cache._looked.clear()
    return reference.prepare(pipeline, "full")


def content(prepared: Reference, pipeline: Pipeline) -> list[Any]:
    """All that is computed from a reference, as plain data."""
    outputs = [prepared.output(step.id) for step in pipeline.steps]
    plain = [{name: values.tolist() for name, values in output.items()} for output in outputs]
    return [plain, [Path(file).read_text() for file in prepared.files.values()]]


def parts(base: Reference) -> list[Path]:
    """The files of a reference and of its data that hold something, and their checksums."""
    inside = [path for path in base.directory.rglob("*") if path.is_file() and path.stat().st_size]
    files = [Path(file) for file in base.files.values()]
    return [*inside, *files, *(path.with_name(path.name + cache.SUMS) for path in (base.directory, *files))]


DAMAGES: tuple[Callable[[Path], None], ...] = (flip, flip_quietly, cut, Path.unlink)


def test_damage_is_made_good_before_anything_is_judged_and_said(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]):
    before = content(prepared(pipeline), pipeline)
    assert capsys.readouterr().err == ""
    tried = len(parts(prepared(pipeline)))
    assert tried > 5
    for number in range(tried):
        path = parts(prepared(pipeline))[number]
        damage = DAMAGES[number % len(DAMAGES)]
        damage(path)
        assert content(prepared(pipeline), pipeline) == before, path.name
        said = capsys.readouterr().err
        expected = 0 if damage is Path.unlink and (path.suffix == cache.SUMS or path.suffix == ".csv") else 1
        assert said.count("the cache was damaged, and is made again") == expected, (path.name, said)
        assert content(prepared(pipeline), pipeline) == before
        assert capsys.readouterr().err == "", "it is said once"


def test_damage_to_the_reference_on_other_data_is_made_good(pipeline: Pipeline, capsys: pytest.CaptureFixture[str]):
    base = prepared(pipeline)
    varied = reference.varied(pipeline, base, 0)
    assert varied is not None
    before = content(varied, pipeline)
    flip(next(varied.directory.rglob(arrays.FILE)))
    again = reference.varied(pipeline, base, 0)
    assert again is not None
    assert content(again, pipeline) == before
    assert "is made again" in capsys.readouterr().err


def test_a_stack_is_not_blamed_for_a_reference_that_was_damaged_meanwhile(pipeline: Pipeline, tmp_path: Path):
    base = prepared(pipeline)
    step = pipeline.steps[-1]
    (stack,) = stacks.stacks_of(pipeline, [])
    arrays.save(tmp_path / "answer", {name: np.array(values) for name, values in base.output(step.id).items()})

    def ask(*_: Any, **__: Any) -> Any:
        raise AssertionError("no worker is needed")

    assert all(finding.ok for finding in check_output(ask, step, stack, base, tmp_path / "answer"))
    file = Path(base.directory_of(step.id)) / arrays.FILE
    content = bytearray(file.read_bytes())
    paid = base.output(step.id)["paid"].tobytes()
    content[content.index(paid) + len(paid) - 1] ^= 4
    file.write_bytes(content)
    with pytest.raises(TwinbenchError, match="the cache was damaged while it was used"):
        check_output(ask, step, stack, base, tmp_path / "answer")
    assert all(finding.ok for finding in check_output(ask, step, stack, prepared(pipeline), tmp_path / "answer"))


def test_a_wrong_answer_is_still_a_wrong_answer(pipeline: Pipeline, tmp_path: Path):
    base, step = prepared(pipeline), pipeline.steps[-1]
    (stack,) = stacks.stacks_of(pipeline, [])
    answer = {name: np.array(values) for name, values in base.output(step.id).items()}
    arrays.save(tmp_path / "answer", answer | {"paid": answer["paid"] + 1})
    findings = check_output(None, step, stack, base, tmp_path / "answer")  # type: ignore[arg-type]
    assert not all(finding.ok for finding in findings)


@contextlib.contextmanager
def full_after(size: int) -> Iterator[None]:
    """No file grows beyond ``size`` bytes, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_cache_is_a_line_and_a_run_that_can_be_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    written(tmp_path, rows=100_000)
    words = ["run", "sales", "--pipelines", str(tmp_path), "--budget", "0.1", "--processes", "1", "--no-track"]
    words += ["--store", str(tmp_path / "results.db"), "--json"]
    with full_after(500_000):
        end = hostile.ended(words, seconds=120)
    assert (end.code, end.problem) == (1, "")
    assert "the cache's disk is full" in end.err
    assert "--resume" in end.err
    left = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert left == [], "nothing that is incomplete stays"
    with Store.open_to_read(tmp_path / "results.db") as store:
        (run,) = store.runs()
    assert run.status == "interrupted"
    end = hostile.ended([*words, "--resume"], seconds=120)
    assert end.code == 0, end.err
    assert json.loads(end.out)["run_id"] == run.id
