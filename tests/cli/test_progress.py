"""A provisional table stands early, is refined on a terminal, and is printed once elsewhere."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console, Group
from rich.progress import Progress

from tests.results.make_store import RUN, STEPS, drop_process, make_store, overrule
from twinbench.cli.progress import AGAIN_S, EVERY_S, WAIT_S, Bars, Lines, Provisional, figures_of
from twinbench.results.summary.run import summarise
from twinbench.store.records import LOOK, Sample, Status
from twinbench.store.store import Store
from twinbench.views import provisional
from twinbench.views.provisional import Stage


class Figures:
    """Figures that count how often they are made."""

    def __init__(self, stage: Stage = Stage.MEASURED) -> None:
        self.asked: list[tuple[int, int]] = []
        self.stage = stage

    def __call__(self, process: int, processes: int) -> tuple[Group, int]:
        self.asked.append((process, processes))
        return Group(f"table {len(self.asked)}"), self.stage


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_table_is_refined_on_a_terminal_and_not_too_often():
    figures, clock = Figures(), Clock()
    bars = Bars(Progress(console=Console(file=io.StringIO())), Provisional(figures, clock))
    bars.refined(1, 4)
    first = bars.table
    assert first is not None
    bars.refined(1, 4)
    assert bars.table is first
    clock.now += EVERY_S
    bars.refined(2, 4)
    assert bars.table is not first
    assert figures.asked == [(1, 4), (2, 4)]


def test_elsewhere_it_is_printed_once(capsys):
    figures, clock = Figures(), Clock()
    lines = Lines(Provisional(figures, clock))
    for _ in range(3):
        clock.now += EVERY_S
        lines.refined(1, 4)
    assert len(figures.asked) == 1
    assert capsys.readouterr().err.count("table") == 1


@pytest.mark.parametrize("stage", [Stage.MISSING, Stage.EXECUTED])
def test_it_waits_for_the_first_times_but_not_for_ever(stage: Stage):
    figures, clock = Figures(stage), Clock()
    shown = Provisional(figures, clock)
    assert shown.latest(once=True) is None
    assert not shown.is_late
    clock.now += WAIT_S[stage] - 1
    assert shown.latest(once=True) is None
    clock.now += 1
    assert not shown.is_late, "it was made a second ago"
    clock.now += AGAIN_S
    assert shown.is_late
    assert shown.latest(once=True) is not None
    assert not shown.is_late
    assert max(WAIT_S) < 90


def test_without_figures_there_is_none():
    assert Provisional(None).latest(once=False) is None


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A run in which two stacks are being measured, one before its first block."""
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        cells = {cell.stack: cell.id for cell in opened.cells(RUN)}
        for stack in ("pandas+torch", "NumPy+torch"):
            overrule(opened, cells[stack], Status.RUNNING)
            for process in range(0 if stack == "NumPy+torch" else 1, 4):
                drop_process(opened, cells[stack], process)
        opened.add_samples(cells["NumPy+torch"], [Sample(0, 0, "flights", "first_call", 9e8)])
        yield opened


def test_what_is_shown_says_that_it_is_provisional_and_ranks_nothing(store):
    file = io.StringIO()
    summary = summarise(store, RUN)
    Console(file=file, width=140).print(provisional.shown(summary, 1, 4, {}))
    output = file.getvalue()
    assert "flights-delay (small): provisional, in process 1 of 4; nothing is ranked yet" in output
    assert "rank" not in output.replace("ranked", "")
    (pandas,) = [line for line in output.splitlines() if line.startswith(" pandas+torch ")]
    assert re.search(r"27\d ms ±[\d.]+% assumed", pandas)
    (numpy,) = [line for line in output.splitlines() if line.startswith(" NumPy+torch ")]
    assert re.split(r"\s{2,}", numpy.strip())[1] == "-"
    assert provisional.stage(summary) is Stage.MISSING, "one of the two has no time yet"
    cell = next(c.id for c in store.cells(RUN) if c.stack == "NumPy+torch")
    others = [step for step in STEPS if step != "flights"]
    store.add_samples(cell, [Sample(0, 0, step, "first_call", 2e8) for step in others])
    table, stage = figures_of(store, RUN)(1, 4)
    Console(file=file, width=200).print(table)
    assert "first 1.50 s" in file.getvalue()
    assert "first: the first execution, with all that it compiles or sets up" in file.getvalue()
    assert stage is Stage.EXECUTED
    store.add_fact(cell, "", LOOK, {"a": 0.25, "b": 1.0})
    table, stage = figures_of(store, RUN)(1, 4)
    Console(file=file, width=140).print(table)
    assert "about 1.25 s" in file.getvalue()
    assert stage is Stage.EXECUTED
