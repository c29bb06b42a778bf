"""The words that users read, as plain-text snapshots: a changed word fails with a diff."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from tests.results.make_store import RUN, STEPS, make_store, overrule
from tests.snapshots import Snapshot, check, text_of
from twinbench.numbers import drift
from twinbench.results.decisions import gate
from twinbench.results.decisions.compare import runs, stacks
from twinbench.results.decisions.recommend import usual
from twinbench.results.models import fitness
from twinbench.results.models.endpoints import Endpoint, EndpointLatency, keep
from twinbench.results.models.monitoring import ClassShare, Monitored
from twinbench.results.summary.run import summarise
from twinbench.store.mistakes import of_run
from twinbench.store.records import Agreement, Status
from twinbench.store.store import Store
from twinbench.views import adr, compare, endpoints, mistakes, monitor, recommend, terminal
from twinbench.views.markdown import Document
from twinbench.views.report import page

LATER = "20260502-120000-abcd"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def printed(render: Callable[[Console], None], width: int = 120) -> str:
    """What a view prints on a terminal of this width, without colours."""
    file = io.StringIO()
    render(Console(file=file, width=width, force_terminal=True, color_system=None, legacy_windows=False))
    return file.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_a_run_on_a_terminal(store: Store, snapshot: Snapshot, width: int):
    summary = summarise(store, RUN)
    snapshot(f"terminal-{width}", printed(lambda console: terminal.render(summary, console, usual(summary)), width))


def test_a_run_as_markdown(store: Store, snapshot: Snapshot):
    summary, file = summarise(store, RUN), io.StringIO()
    terminal.render(summary, Document(file), usual(summary))
    snapshot("markdown", file.getvalue())


def test_the_report(store: Store, snapshot: Snapshot):
    snapshot("report", text_of(page.of_run(store, RUN)))


def test_two_runs(store: Store, tmp_path: Path, snapshot: Snapshot):
    make_store(tmp_path / "results.db", run_id=LATER)
    (cell,) = (cell for cell in store.cells(LATER) if cell.stack == "Polars+torch")
    overrule(store, cell.id, Status.FAILED, kind="exception", reason="mlp: ValueError: no rows")
    found = runs((store, RUN), (store, LATER), steps=True)
    decided = replace(found, gate=gate.judge(found, 0.05))
    snapshot("compare-runs", printed(lambda console: compare.render(decided, console)))


def test_stacks_of_one_run(store: Store, snapshot: Snapshot):
    found = stacks(store, RUN, ["pandas+torch", "Polars+torch"])
    snapshot("compare-stacks", printed(lambda console: compare.render(found, console)))


def test_a_recommendation(store: Store, snapshot: Snapshot):
    found = usual(summarise(store, RUN))
    snapshot("recommend", printed(lambda console: recommend.render(found, console)))


def test_a_decision_record(store: Store, snapshot: Snapshot):
    summary = summarise(store, RUN)
    snapshot("decision-record", adr.record(summary, usual(summary), "twinbench recommend --adr record.md"))


def test_mistakes(store: Store, snapshot: Snapshot):
    found = of_run(store, RUN).values()
    snapshot("mistakes", printed(lambda console: mistakes.render(found, console)))


def monitored(rows: int) -> Monitored:
    """A model's rows, the second of whose two features moved by one standard deviation, with scores and labels."""
    rng = np.random.default_rng(5)
    before, now = rng.normal(size=(2000, 2)), rng.normal([0.0, 1.0], size=(rows, 2))
    known = drift.ReferenceSample(("hour", "distance"), before, before.min(axis=0), before.max(axis=0))
    labels = np.tile([0.0, 1.0], rows // 2)
    scores = np.clip(0.3 + 0.4 * labels + rng.normal(0, 0.15, rows), 0, 1)
    return Monitored(
        run=RUN,
        pipeline="flights-delay",
        size="small",
        stack="pandas+torch",
        verdict="drifted" if rows >= 100 else "undecided",
        rows=rows,
        known=2000,
        smallest=drift.smallest_shift(max(rows, 100), 2000, 2),
        features=tuple(drift.with_verdicts(list(drift.shifts(known, now)), rows)),
        scores=(),
        classes=(ClassShare(0.5, 0.52, 0.47, 0.57), ClassShare(0.5, 0.48, 0.43, 0.53)),
        quality=fitness.judge((labels, scores), (labels, scores), "roc_auc", 0.01),
    )


@pytest.mark.parametrize("rows", [50, 400])
def test_monitoring(snapshot: Snapshot, rows: int):
    snapshot(f"monitor-{rows}", printed(lambda console: monitor.render(monitored(rows), console)))


def test_agreement(snapshot: Snapshot):
    declared = "the library rounds half up"
    found = {
        "pandas": {
            "flights": [Agreement("flights", "origin", "exact", 0.0, 0.0, True)],
            "groupby": [Agreement("groupby", "mean", "rounding", 0.25, 1e-12, True)],
            "mlp": [Agreement("mlp", "losses", "different", 30.0, 0.25, False, psnr_db=28.5, declared=declared)],
        },
        "Polars": {"groupby": [Agreement("groupby", "mean", "different", 1500.0, 1.0, False)]},
    }
    snapshot("agree", printed(lambda console: terminal.agreement_matrix(STEPS, found, console)))


def test_endpoints(store: Store, snapshot: Snapshot):
    latency = EndpointLatency(0.004, 0.0038, 0.0042, 0.006, 0.009, 500, 0.0005, 3)
    here = Endpoint(
        "pandas+torch",
        "here",
        "2026-05-01T12:00:00+00:00",
        {},
        True,
        0.5,
        "",
        2.5,
        2.7,
        latency,
        None,
        300 * 2**20,
        4.0,
    )
    other = "row 3: 0.25 instead of 0.75"
    there = Endpoint(
        "Polars+torch",
        "https://h",
        "2026-05-01T12:00:00+00:00",
        {},
        False,
        9.0,
        other,
        None,
        None,
        None,
        None,
        None,
        None,
    )
    cell = store.cells(RUN)[0]
    keep(store, cell.id, here)
    keep(store, cell.id, there)
    deployed = [one for p in summarise(store, RUN).pipelines for c in p.cells for one in c.endpoints]
    snapshot("endpoints", printed(lambda console: endpoints.render(deployed, console)))


def test_a_changed_word_fails_with_a_diff(tmp_path: Path):
    path = tmp_path / "snapshot.txt"
    check(path, "one\ntwo", update=True)
    check(path, "one\ntwo", update=False)
    with pytest.raises(pytest.fail.Exception, match=r"-two\n\+three"):
        check(path, "one\nthree", update=False)
    with pytest.raises(pytest.fail.Exception, match=r"\+one"):
        check(tmp_path / "absent.txt", "one", update=False)
