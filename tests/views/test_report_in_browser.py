"""The report as a reader sees it: in a browser, from the disk, in the dark, on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.figures import large_store
from tests.browser import Browser
from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, make_store
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.views.report import page

EVIL = "<script>document.title='gone'</script>"

VISIBLE = """[...document.querySelectorAll({selector!r})]
    .filter(e => e.checkVisibility() && e.getClientRects().length).map(e => e.textContent.trim())"""
"""Both: the one knows what is folded away, only the other what is hidden inside a chart."""


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two modalities, and a stack whose name is a script."""
    directory = tmp_path_factory.mktemp("report")
    make_store(directory / "results.db")
    with Store.open(directory / "results.db") as store:
        bad = store.add_cell(RUN, PIPELINE, EVIL, SIZE, dict.fromkeys(STEPS, "x"), "f")
        store.set_status(bad, Status.FAILED, kind="exception", reason=EVIL, stderr=EVIL)
        spec = {"modality": "signals", "steps": [{"id": "filter", "op": "signals.filter"}]}
        store.add_pipeline(RUN, PlannedPipeline("speech", "full", spec, {}))
        for stack, ms in (("SciPy", 3.0), ("DSP.jl", 1.0)):
            cell = store.add_cell(RUN, "speech", stack, "full", {"filter": stack}, "f")
            store.add_samples(
                cell, [Sample(p, b, "filter", "steady", ms * 1e6 + b) for p in range(3) for b in range(6)]
            )
            store.set_status(cell, Status.DONE)
        (directory / "report.html").write_text(page.of_run(store, RUN), encoding="utf-8")
    return (directory / "report.html").as_uri()


@pytest.fixture
def shown(browser: Browser, report: str) -> Callable[[str], list[str]]:
    """Opens the report; then gives the visible text of elements."""
    browser.open(report)
    return lambda selector: browser.evaluate(VISIBLE.format(selector=selector))


@pytest.mark.parametrize(("width", "dark"), [(1280, False), (1280, True), (390, False), (390, True)])
def test_it_opens_without_errors_requests_or_a_page_wider_than_the_screen(browser, report, width, dark):
    browser.open(report, width=width, dark=dark)
    assert browser.errors == []
    assert browser.requests == [report]
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    page_colour = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(int(part) for part in page_colour.removeprefix("rgb(").removesuffix(")").split(",")[:3])
    assert (brightness < 200) is dark


def test_a_name_that_is_a_script_is_text(browser, shown):
    assert any(EVIL in stack for stack in shown(".ranking tbody th"))
    assert browser.evaluate("document.title") == f"twinbench run {RUN}"


def choose(browser: Browser, name: str, value: str) -> None:
    browser.evaluate(
        f"(s => {{ s.value = {value!r}; s.dispatchEvent(new Event('change', {{bubbles: true}})) }})"
        f"(document.querySelector('.filters [name={name}]'))"
    )


@pytest.mark.parametrize(
    ("name", "value", "left"),
    [
        ("modality", "signals", ["speech full"]),
        ("pipeline", PIPELINE, [f"{PIPELINE} {SIZE}"]),
        ("size", "full", ["speech full"]),
    ],
)
def test_filters_leave_what_was_asked_for(browser, shown, name, value, left):
    assert shown(".pipeline h2") == [f"{PIPELINE} {SIZE}", "speech full"]
    choose(browser, name, value)
    assert shown(".pipeline h2") == left
    choose(browser, name, "")
    assert len(shown(".pipeline h2")) == 2


def test_a_stack_can_be_hidden_everywhere(browser, shown):
    assert "pandas+torch" in shown(".matrix thead th")
    browser.evaluate("document.querySelector('.stacks').open = true")
    browser.evaluate("document.querySelector('[name=stack][value=\"pandas+torch\"]').click()")
    for selector in (".ranking tbody th", ".matrix thead th", ".timeline tbody th", "svg text"):
        assert "pandas+torch" not in shown(selector), selector
    assert shown(".stacks .count") == ["8 of 9"]


def test_tables_are_sorted_by_figures_and_what_has_none_comes_last(browser, shown):
    def column() -> list[str]:
        return shown(".ranking tbody th")

    total = "[...document.querySelectorAll('.ranking thead button')].find(b => b.textContent == 'total').click()"
    browser.evaluate(total)
    up = column()[:6]
    assert up[:2] == ["DuckDB+torch", "Polars+torch"] or up[:2] == ["DuckDB+torch", "NumPy+torch"]
    assert up[3] == "pandas+torch"
    browser.evaluate(total)
    down = column()[:6]
    assert down[0] == "pandas+torch"
    assert down[3] == "DuckDB+torch"
    assert set(up[4:]) == set(down[4:]), "without a total"
    assert browser.evaluate("document.querySelector('.ranking [aria-sort]').ariaSort") == "descending"


def test_it_can_be_printed_without_controls(browser, report):
    browser.open(report, media="print")
    assert browser.evaluate("getComputedStyle(document.querySelector('.filters')).display") == "none"


def test_it_can_be_read_without_scripts(report):
    html = Path(report.removeprefix("file://")).read_text()
    body = html[: html.index("<script>")]
    assert "<template>" not in body
    assert "276 ms" in body


def test_sections_of_a_large_run_are_made_when_asked_for(browser, tmp_path):
    run = large_store.make(tmp_path / "large.db", 400, processes=1, blocks=3)
    with Store.open(tmp_path / "large.db") as store:
        (tmp_path / "large.html").write_text(page.of_run(store, run), encoding="utf-8")
    browser.open((tmp_path / "large.html").as_uri())
    assert browser.errors == []
    made = "document.querySelectorAll('.pipeline').length"
    assert browser.evaluate(made) == 5, "one pipeline at four sizes, and its growth"
    browser.evaluate("[...document.querySelectorAll('[data-pick]')].at(-1).click()")
    assert browser.evaluate(VISIBLE.format(selector=".pipeline h2"))[0] == "pipeline-009 s"
    assert browser.evaluate(made) == 10
    choose(browser, "pipeline", "")
    assert len(browser.evaluate(VISIBLE.format(selector=".pipeline"))) == 12
    assert browser.evaluate(VISIBLE.format(selector=".more")) == [
        "38 more fit these filters: narrow them to see the others"
    ]
