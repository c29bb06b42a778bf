"""The reason of a cell whose worker failed: which step, what was raised, and where, in one line."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from twinbench.errors import in_one_line
from twinbench.frameworks import registry
from twinbench.worker.job import Job, StepJob
from twinbench.worker.main import Worker


def bare():
    raise ValueError


def stops():
    next(iter(()))


def lengths():
    list(zip([1], [1, 2], strict=True))


def index():
    [][3]


@pytest.mark.parametrize(
    ("raises", "starts"),
    [
        (bare, "ValueError without a message ("),
        (stops, "StopIteration without a message ("),
        (lengths, "ValueError: zip() argument 2 is longer than argument 1 ("),
        (index, "IndexError: list index out of range ("),
    ],
)
def test_an_exception_of_python_says_where_it_was_raised(raises, starts):
    with pytest.raises(Exception) as raised:  # noqa: PT011  any exception is described
        raises()
    line = raises.__code__.co_firstlineno + 1
    assert in_one_line(raised.value) == f"{starts}test_reasons.py, line {line})"


def test_the_place_is_in_the_framework_where_a_library_raised():
    with pytest.raises(TypeError) as raised:
        Path(3)
    assert in_one_line(raised.value, [__file__]).endswith(f"(test_reasons.py, line {raised.tb.tb_lineno})")
    assert "test_reasons.py" not in in_one_line(raised.value, ["elsewhere.py"])


def test_a_message_of_several_lines_is_whole():
    with pytest.raises(duckdb.Error) as raised:
        duckdb.sql("SELECT nothing FROM range(3) WHERE missing_column > 1")
    message = str(raised.value)
    assert "\n" in message
    described = in_one_line(raised.value)
    assert "\n" not in described
    assert all(word in described for word in message.split())


def test_a_failed_step_is_named_with_its_op_and_framework(tmp_path: Path):
    file = tmp_path / "x.csv"
    file.write_text("k,v\n1\n")
    params = {"table": "x", "columns": {"k": "int64"}}
    step = StepJob(
        id="orders", op="tables.read_csv", params=params, inputs=(), framework="NumPy", file=str(file), needed=False
    )
    job = Job(threads=1, values={}, handovers=str(tmp_path), steps=(step,))
    registry.get("NumPy").load(1)
    request = {"do": "first", "with": {"step": "orders"}}
    worker = Worker(job.as_json())
    with pytest.raises(KeyError) as raised:
        worker.answer({"do": "burst", "with": {"step": "orders", "min_samples": 1, "limit_ns": 0}})
    text = worker.reason(request, raised.value)
    assert text.startswith("orders: tables.read_csv of NumPy: KeyError: 'orders' (")
    assert Worker(job.as_json()).reason(request, raised.value).startswith("KeyError: 'orders' (")


class Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_whose_message_can_not_be_had_is_named():
    assert in_one_line(Speechless()) == "Speechless: (its message can't be had)"
