"""The report holds the summary's answers, and whatever a pipeline or a library says stays text."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shlex
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.results.make_store import PIPELINE, RUN, SHA256, SIZE, make_store
from twinbench.cli import main, values
from twinbench.results.summary.run import summarise
from twinbench.run.options import Options
from twinbench.store import mistakes
from twinbench.store.records import Agreement, PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.views import text, words
from twinbench.views.mistakes import headline
from twinbench.views.report import charts, page
from twinbench.views.report.scale import linear_scale, log_scale

EVIL = '<script>alert("x")</script>\'"&'


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


class Page(HTMLParser):
    """The text of a page, its elements, and everything that it would load."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.elements, self.loads = "", [], []
        self._raw = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self._raw = tag in ("script", "style")
        self.loads += [value for name, value in attrs if name in ("src", "href") and not value.startswith("data:")]

    def handle_endtag(self, tag):
        self._raw = self._raw and tag not in ("script", "style")

    def handle_data(self, data):
        if not self._raw:
            self.text += re.sub(r"\s+", " ", data)


def test_every_answer_is_there(store):
    read = Page(page.of_run(store, RUN))
    summary = summarise(store, RUN)
    (pipeline,) = summary.pipelines
    assert words.headline(pipeline) in read.text
    assert "undecided between NumPy+torch" in read.text
    for cell in pipeline.cells:
        assert cell.stack in read.text
        assert cell.reason in read.text
        if cell.total:
            assert text.interval(cell.total) in read.text
    for said in (SHA256, "Example 9000", "other processes were busy", "Fatal error: [/lib] gone", "roc_auc 0.500"):
        assert said in read.text
    assert "twinbench run flights-delay --threads 1 --processes 4" in read.text


@pytest.mark.parametrize(
    "options",
    [
        Options(),
        Options(threads=2, budget_s=0.5, processes=3, seeds=5, timeout_s=12.5, memory_limit=2 * 2**30, resolve=0.125),
        Options(budget_s=1234567.25, memory_limit=values.size("", "1.3G"), resolve=values.percent("", "7%")),
        Options(device="cuda", resolve=values.percent("", "0.35%")),
    ],
)
def test_the_command_makes_the_run_again(store, tmp_path, options):
    request = {"pipelines": ["p q"], "sizes": ["1e5"], "stacks": ["a+b"], "directories": [str(tmp_path)]}
    arguments = {"request": request, "options": options.as_json()}
    store.new_run("again", created="2027-01-01T00:00:00+00:00", arguments=arguments, environment={})
    words = shlex.split(page.command(summarise(store, "again")))
    assert words[:2] == ["twinbench", "run"]
    given = main._load("run").make_context("twinbench run", words[2:]).params
    assert (given["pipelines"], given["size"], given["stack"]) == (["p q"], ["1e5"], ["a+b"])
    assert given["pipelines_dir"] == [tmp_path]
    same = {name: given[name] for name in ("threads", "processes", "seeds", "device")}
    same |= {f"{name}_s": given[name] for name in ("budget", "timeout")}
    resolve, memory = given["resolve"], given["memory_limit"]
    same["resolve"] = None if resolve is None else values.percent("", resolve)
    same["memory_limit"] = None if memory is None else values.size("", memory)
    assert Options(**same) == options


def test_a_command_that_the_store_keeps_is_shown_as_it_is(store):
    arguments = {"command": ["p q", "--require", "torch"], "request": {"pipelines": ["older"]}}
    store.new_run("kept", created="2027-01-01T00:00:00+00:00", arguments=arguments, environment={})
    assert page.command(summarise(store, "kept")) == "twinbench run 'p q' --require torch"


def test_a_directory_that_is_not_unicode_is_in_the_page_all_the_same(store):
    request = {"pipelines": ["p"], "directories": [os.fsdecode(b"/data/caf\xe9")]}
    store.new_run("r", created="2027-01-01T00:00:00+00:00", arguments={"request": request}, environment={})
    assert "/data/caf" in page.of_run(store, "r").encode("utf-8").decode()


def test_nothing_is_loaded(store):
    html = page.of_run(store, RUN)
    assert Page(html).loads == []
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html


def test_what_anybody_says_stays_text(store):
    before = Page(page.of_run(store, RUN)).elements
    planned = store.pipelines(RUN)[0]
    changed = planned.spec | {"question": EVIL, "metric": "roc_auc", "steps": [{"id": EVIL, "op": EVIL, "params": {}}]}
    store.add_pipeline(
        RUN,
        PlannedPipeline(
            "evil", "evil", changed, {"name": EVIL, "sha256": EVIL, "source": EVIL, "unit": EVIL, "amount": 5}
        ),
    )
    for number in range(2):
        cell = store.add_cell(RUN, "evil", f"{EVIL}{number}", "evil", {EVIL: EVIL}, EVIL)
        store.add_samples(cell, [Sample(0, block, EVIL, "steady", 1e6 + block + number * 1e5) for block in range(5)])
        store.add_samples(cell, [Sample(0, 0, EVIL, "first_call", 1e6), Sample(0, 0, "", "import", 1e6, detail=EVIL)])
        store.add_quality(cell, EVIL, 0.5 + number)
        store.add_agreement(cell, Agreement(EVIL, EVIL, "rounding", 0.1, 0.1, True, EVIL, None, EVIL))
        store.add_fact(cell, "", "peak_rss_bytes", 10**8)
        store.set_status(cell, Status.DONE)
    failed = store.add_cell(RUN, "evil", f"{EVIL}failed", "evil", {EVIL: EVIL}, EVIL)
    store.set_status(failed, Status.FAILED, kind="exception", reason=EVIL, stderr=EVIL)
    store.add_noise(RUN, "2026-05-01T12:02:00+00:00", {"warnings": [EVIL]})
    read = Page(page.of_run(store, RUN))
    assert read.elements.count("script") == before.count("script") == 1
    assert read.text.count(EVIL) > 20
    assert "alert" not in "".join(read.elements)


def test_only_our_own_script_may_run(store):
    html = page.of_run(store, RUN)
    (script,) = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src &#39;sha256-{digest}&#39;" in html or f"script-src 'sha256-{digest}'" in html
    assert "default-src 'none'" in html


def test_independent_steps_are_ranked_one_by_one(store):
    steps = [{"id": "blur", "op": "images.blur"}, {"id": "warp", "op": "images.warp"}]
    store.add_pipeline(
        RUN, PlannedPipeline("ops", SIZE, {"modality": "images", "independent": True, "steps": steps}, {})
    )
    for stack, ms in (("OpenCV", 1.0), ("Pillow", 4.0)):
        id = store.add_cell(RUN, "ops", stack, SIZE, {"blur": stack, "warp": stack}, "f")
        store.add_samples(
            id, [Sample(p, b, s, "steady", ms * 1e6 + b) for p in range(4) for b in range(5) for s in ("blur", "warp")]
        )
        store.add_agreement(
            id, Agreement("warp", "x", "different", 9.0, 3.0, stack == "OpenCV", "", 41.2, "rounds twice")
        )
        store.set_status(id, Status.DONE)
    read = Page(page.of_run(store, RUN))
    assert "rank 1 on steps, out of 2: OpenCV on 2" in read.text
    assert "different*, at most 3 off, 41.2 dB" in read.text
    assert "rounds twice" in read.text


def test_growth_over_sizes_is_drawn(store):
    planned = store.pipelines(RUN)[0]
    store.add_pipeline(RUN, PlannedPipeline(PIPELINE, "full", planned.spec, planned.dataset | {"amount": 200_000}))
    for cell in store.cells(RUN):
        if cell.status == "done":
            id = store.add_cell(RUN, PIPELINE, cell.stack, "full", cell.steps, "f")
            store.add_samples(
                id,
                [
                    Sample(s.process, s.block, s.step, s.kind, s.wall_ns * 10)
                    for s in store.samples(cell.id)
                    if s.kind == "steady"
                ],
            )
            store.set_status(id, Status.DONE)
    html = page.of_run(store, RUN)
    assert 'aria-label="time against rows"' in html
    assert "time ~ rows ^ 1.00" in html


def test_curves_times_to_target_and_latency_are_shown_where_there_are_any(store):
    assert "Training" not in Page(page.of_run(store, RUN)).text
    for cell in store.cells(RUN):
        if cell.status == "done":
            points = [
                {"epoch": epoch, "seconds": epoch / 10, "loss": 1 / epoch, "metrics": {"roc_auc": 0.6 + epoch / 20}}
                for epoch in (1, 2, 4)
            ]
            store.add_fact(cell.id, "mlp", "curve", points)
            store.add_fact(cell.id, "predict", "request", 1)
            store.add_fact(cell.id, "predict", "examples", 1)
    html = page.of_run(store, RUN)
    read = Page(html)
    assert 'aria-label="loss against the seconds of training"' in html
    assert 'aria-label="roc_auc against the seconds of training"' in html
    assert "training time to roc_auc 0.7: Polars+torch 200 ms" in read.text or "Polars+torch 200 ms" in read.text
    assert "latency p50" in read.text


def test_wrong_predictions_are_shown_with_the_slices_as_they_are_called(store):
    html = page.of_run(store, RUN)
    read = Page(html)
    (cell,) = (one for one in mistakes.of_run(store, RUN).values() if one.stack == "Polars+torch")
    assert f"Polars+torch: {headline(cell.errors)}" in read.text
    assert "carrier = <UA>" in read.text
    assert "<UA>" not in html
    assert "Predictions that differ from other stacks: pandas+torch: 3 rows" in read.text
    assert html.count('aria-label="Polars+torch: confusion"') == 1
    assert html.count('aria-label="accuracy against confidence"') == 1


def test_a_run_that_has_just_begun_is_a_page_too(store):
    store.new_run("new", created="2027-01-01T00:00:00+00:00", arguments={}, environment={})
    assert "twinbench run new" in page.of_run(store, "new")
    store.add_pipeline(
        "new", PlannedPipeline("p", "s", {"modality": "probe", "steps": [{"id": "a", "op": "probe.noop"}]}, {})
    )
    store.add_cell("new", "p", "probe-a", "s", {"a": "probe-a"}, "f")
    assert "no stack was measured" in page.of_run(store, "new")


# Scales


@given(st.lists(st.floats(1e-9, 1e6), min_size=1))
def test_a_log_axis_holds_its_values_in_order(values):
    scale = log_scale(values)
    places = [scale.position(value) for value in sorted(values)]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= 1
    assert len(scale.ticks(5)) <= 5
    assert all(scale.low <= tick <= scale.high for tick in scale.ticks(5))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1))
def test_a_linear_axis_holds_its_values_in_order(values):
    scale = linear_scale(values)
    places = [scale.position(value) for value in sorted(values)]
    assert places == sorted(places)
    assert len(scale.ticks(6)) <= 8


def test_an_axis_of_nothing_is_none():
    assert log_scale([]) is None
    assert linear_scale([float("nan")]) is None


def test_the_pareto_front_is_what_nobody_beats_in_both():
    points = [(1.0, 0.5), (2.0, 0.7), (3.0, 0.6), (4.0, 0.9), (2.5, 0.7)]
    assert charts.pareto(points) == [(1.0, 0.5), (2.0, 0.7), (4.0, 0.9)]
    assert charts.pareto([(1.0, 0.5), (2.0, 0.4), (3.0, 0.6)], lower_is_better=True) == [(1.0, 0.5), (2.0, 0.4)]
