"""A missed target, a baseline not beaten and a metric not computed are said wherever a result is shown."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from tests.results.make_store import RUN, make_store
from tests.snapshots import Snapshot, text_of
from twinbench.cli.console import warn_of_doubts
from twinbench.handover import cells
from twinbench.results.decisions.compare import runs, stacks
from twinbench.results.decisions.recommend import usual
from twinbench.results.summary.run import plain, summarise
from twinbench.store.store import Store
from twinbench.trackers.tracking import RunForTrackers
from twinbench.views import adr, compare, recommend, terminal, words
from twinbench.views.markdown import Document
from twinbench.views.report import page

GOOD = "20260401-120000-abcd"
REACHED = {"Polars+torch": (0.48, 0.46), "NumPy+torch": (0.65, 0.67), "pandas+torch": (0.9, math.nan)}
BASELINE = "roc_auc 0.470 isn't better than the baseline most-frequent (0.500)"
SAID = {
    "Polars+torch": (BASELINE, "roc_auc 0.470 misses the target 0.700"),
    "NumPy+torch": ("roc_auc 0.660 misses the target 0.700",),
    "pandas+torch": ("roc_auc is not computed: its value with seed 1 is nan",),
}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "s.db", run_id=GOOD)
    make_store(tmp_path / "s.db")
    with Store.open(tmp_path / "s.db") as opened:
        for cell in opened.cells(RUN):
            for seed, value in enumerate(REACHED.get(cell.stack, ())):
                opened.add_quality(cell.id, "roc_auc", value, seed)
        yield opened


def printed(render: Callable[[Console], None]) -> str:
    file = io.StringIO()
    render(Console(file=file, width=120, force_terminal=True, color_system=None, legacy_windows=False))
    return file.getvalue()


def test_the_words(store: Store, snapshot: Snapshot):
    summary = summarise(store, RUN)
    answers, before = usual(summary), runs((store, GOOD), (store, RUN))
    views = (
        lambda console: terminal.render(summary, console, answers),
        lambda console: recommend.render(answers, console),
        lambda console: compare.render(before, console),
    )
    snapshot("doubts", "\n".join(map(printed, views)))


VIEWS: dict[str, Callable[[Store], str]] = {
    "terminal": lambda store: printed(lambda console: terminal.render(summarise(store, RUN), console)),
    "recommend": lambda store: printed(lambda console: recommend.render(usual(summarise(store, RUN)), console)),
    "report": lambda store: text_of(page.of_run(store, RUN)),
    "decision record": lambda store: adr.record(summary := summarise(store, RUN), usual(summary), "").replace("\\", ""),
    "compared with a run": lambda store: printed(
        lambda console: compare.render(runs((store, GOOD), (store, RUN)), console)
    ),
    "compared with each other": lambda store: printed(
        lambda console: compare.render(stacks(store, RUN, list(SAID)), console)
    ),
    "json": lambda store: json.dumps(plain(summarise(store, RUN))),
    "json of recommend": lambda store: json.dumps([plain(answer) for answer in usual(summarise(store, RUN))]),
    "json of compare": lambda store: json.dumps(plain(runs((store, GOOD), (store, RUN)))),
    "tags": lambda store: str([each.tags for each in RunForTrackers(store, RUN).each(summarise(store, RUN).pipelines)]),
}


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_says_every_doubt(store: Store, view: str):
    shown = VIEWS[view](store)
    assert [s for sentences in SAID.values() for s in sentences if s not in shown.replace('\\"', '"')] == []
    assert "nan -" not in shown
    assert "-> nan" not in shown


def test_markdown_says_every_doubt(store: Store):
    file, summary = io.StringIO(), summarise(store, RUN)
    terminal.render(summary, Document(file), usual(summary))
    assert [s for sentences in SAID.values() for s in sentences if s not in file.getvalue().replace("\\", "")] == []


def test_a_stack_is_not_recommended_without_its_doubts_in_the_same_line(store: Store):
    summary = summarise(store, RUN)
    (line,) = [
        line
        for line in printed(lambda console: terminal.render(summary, console, usual(summary))).splitlines()
        if line.startswith("recommended: ")
    ]
    named = [stack for stack in SAID if stack in line.split(" (weights")[0]]
    assert named
    assert all(sentence in line for stack in named for sentence in SAID[stack])


def test_a_promoted_or_deployed_model_is_warned_of(store: Store, capsys: pytest.CaptureFixture[str]):
    cell = next(cell for cell in store.cells(RUN) if cell.stack == "Polars+torch")
    doubts = cells.doubts(store, cell)
    assert doubts == list(SAID["Polars+torch"])
    warn_of_doubts(cell, doubts)
    assert capsys.readouterr().err.splitlines()[0] == f"warning: Polars+torch on flights-delay (small): {BASELINE}"


def test_a_baseline_that_is_not_computed_is_said(store: Store):
    (planned,) = store.pipelines(RUN)
    store.add_pipeline(RUN, replace(planned, name="one-class"))
    known, lacking = map(words.data, summarise(store, RUN).pipelines)
    assert "most-frequent: roc_auc 0.500" in known
    assert "most-frequent: roc_auc not computed" in lacking
    assert "not computed" not in known
