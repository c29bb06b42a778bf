"""Tables say what the summary says, on any terminal and on none."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from tests.results.make_store import PIPELINE, RUN, SIZE, STEPS, drop_process, make_store
from twinbench.numbers.stats import Interval
from twinbench.results.summary.run import Growth, RunSummary, summarise
from twinbench.store.records import Agreement, Status
from twinbench.store.store import Store
from twinbench.views import layout, terminal, text, words
from twinbench.views.report.page import render

unhurried = settings(deadline=None)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def shown(store: Store, **options: Any) -> str:
    file = io.StringIO()
    terminal.render(summarise(store, RUN), Console(file=file, **options))
    return file.getvalue()


def row(output: str, stack: str) -> list[str]:
    """The cells of a stack's row in the first table."""
    line = next(line for line in output.splitlines() if f"  {stack} " in line)
    return re.split(r"\s{2,}", line.strip())


def test_plain_text_has_every_figure_and_no_colour_codes(store):
    output = shown(store)
    assert "\x1b" not in output
    assert row(output, "pandas+torch") == [
        *("3", "pandas+torch", "276 ms ±1.0%", "276 ms", "2.38x ±1.2%"),
        *("2.63 s", "5.00 ms", "0.920", "0.25", "300 MiB", "done"),
    ]
    assert row(output, "NumPy+torch")[4] == "1"
    assert row(output, "DuckDB+torch")[0] == "-"
    assert "DuckDB+torch: wrong answer: groupby: mean: worst at 7" in output
    assert "twinbench julia setup" in output
    assert "most-frequent: roc_auc 0.500" in output
    assert "warning: other processes were busy" in output
    assert "1 plus the number of stacks" in output, "how to read it"
    for step in STEPS:
        assert step in output


def test_intervals_of_few_processes_say_assumed_and_nothing_is_ranked(store):
    assert "assumed: with fewer" in shown(store)
    for cell in store.cells(RUN):
        drop_process(store, cell.id, 0)
    output = shown(store)
    line = next(line for line in output.splitlines() if line.startswith(" pandas+torch "))
    figures = re.split(r"\s{2,}", line.strip())[1:4:2]
    assert all(figure.endswith(" assumed") for figure in figures), "the first column isn't a rank"
    assert "NumPy+torch took the shortest time (116 ms); nothing is ranked" in output
    assert "share rank" not in output
    page = render(store, summarise(store, RUN), ())
    assert page.count("% assumed") >= 3 + 2, "totals of three stacks, and ratios of two"


def growth(**exponents: Growth) -> str:
    found = tuple(one for both in exponents.values() for one in both)
    summary = RunSummary("id", "2027-01-01T00:00:00+00:00", "done", {}, {}, (), found, ())
    file = io.StringIO()
    terminal.render(summary, Console(file=file))
    return file.getvalue()


def test_exponents_are_a_matrix_of_steps_and_stacks():
    sizes = ("1e5", "1e6", "1e7")
    output = growth(
        of_groupby=[
            Growth("groupby", "pandas", "q1", 1.0, 0.9, 1.1, sizes),
            Growth("groupby", "pandas", "q2", 1.25, 1.2, 1.3, sizes),
            Growth("groupby", "Polars", "q1", 0.9, None, None, sizes[:2]),
        ]
    )
    lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    assert ["groupby: exponent of time over amount of data: 1e5, 1e6, 1e7"] in lines
    assert ["step", "pandas", "Polars"] in lines
    assert ["q1", "1.00 ±0.10", "0.90*"] in lines
    assert ["q2", "1.25 ±0.05", "-"] in lines
    assert "so 1 is linear" in output


def test_exponents_of_totals_have_one_row_and_every_pipeline_its_own_table():
    output = growth(
        of_join=[Growth("join", "[red]x[/red]", "q1", 1.0, 0.9, 1.1, ("a", "b", "c"))],
        of_flights=[
            Growth("flights-delay", stack, "", 1.5, None, None, ("small", "full"))
            for stack in ("pandas+torch", "Polars+torch")
        ],
    )
    lines = [re.split(r"\s{2,}", line.strip()) for line in output.splitlines()]
    assert ["total", "1.50", "1.50"] in lines
    assert ["step", "[red]x[/red]"] in lines
    assert sum("exponent of time over amount" in line for line in output.splitlines()) == 2


def test_exponents_of_many_stacks_are_split_over_tables():
    found = [Growth("p", f"framework-{i:02}+other", "q", 1.0, 0.9, 1.1, ("a", "b", "c")) for i in range(20)]
    lines = growth(of_p=found).splitlines()
    assert all(len(line) <= layout.PLAIN_WIDTH for line in lines)
    assert sum(line.strip().startswith("q ") for line in lines) > 1


def test_a_terminal_gets_colours(store):
    assert "\x1b[31m" in shown(store, force_terminal=True, color_system="standard", width=200)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 140])
def test_no_line_of_a_table_is_broken_by_a_narrow_terminal(store, width):
    output = shown(store, force_terminal=True, width=width, color_system=None)
    for stack in ("pandas+torch", "DataFrames.jl+Flux"):
        assert stack in output
    if width >= 60:
        assert "276 ms ±1.0%" in output
        rows = [line for line in output.splitlines() if re.match(r"\s+[-13]  \S+\+", line)]
        assert len(rows) == 6
        assert all(len(line) <= width for line in rows)


def test_names_and_reasons_are_never_markup(store):
    stack = "[bold]x[/bold]+[/nothing]"
    cell = store.add_cell(RUN, PIPELINE, stack, SIZE, dict.fromkeys(STEPS, "x"), "f")
    store.set_status(cell, Status.FAILED, kind="exception", reason="no [red]such[/blue]\nthing \x1b[2J")
    output = shown(store)
    assert f"{stack}: exception: no [red]such[/blue] thing  [2J" in output
    assert "\x1b" not in output


def test_a_stack_below_the_baseline_is_flagged(store):
    store.add_baseline(RUN, PIPELINE, SIZE, "most-frequent", "roc_auc", 0.99)
    assert "0.920 ! " in shown(store)


def test_a_run_without_cells_can_be_shown(store):
    store.new_run("empty", created="2027-01-01T00:00:00+00:00", arguments={}, environment={})
    file = io.StringIO()
    terminal.render(summarise(store, "empty"), Console(file=file))
    assert "run empty" in file.getvalue()


def test_the_agreement_matrix_shows_the_worst_of_each_step():
    findings = {
        "pandas": {
            "groupby": [
                Agreement("groupby", "a", "rounding", 0.02, 0, True),
                Agreement("groupby", "b", "rounding", 0.5, 0, True),
            ]
        },
        "Polars": {
            "groupby": [Agreement("groupby", "a", "different", float("inf"), float("inf"), False, "shape")],
            "mlp": [Agreement("mlp", "losses", "different", 3.0, 0.02, False)],
        },
    }
    file = io.StringIO()
    terminal.agreement_matrix({"groupby": "tables.groupby", "mlp": "training.mlp"}, findings, Console(file=file))
    lines = [re.split(r"\s{2,}", line.strip()) for line in file.getvalue().splitlines()]
    assert ["step", "op", "pandas", "Polars"] in lines
    assert ["groupby", "tables.groupby", "rounding (0.5)", "DIFFERENT"] in lines
    assert ["mlp", "training.mlp", "-", "DIFFERENT max 0.02"] in lines


def test_the_agreement_matrix_says_why_a_library_can_not_follow():
    reason = "it rounds [bold]twice[/bold]"
    blurred = Agreement("blur", "x", "different", 3.0, 3.0, False, "worst at 7", 41.25, reason)
    file = io.StringIO()
    terminal.agreement_matrix({"blur": "images.blur"}, {"Pillow": {"blur": [blurred]}}, Console(file=file))
    assert "different* max 3 41.2 dB" in file.getvalue()
    assert f"Pillow blur: different: {reason}" in file.getvalue()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        (0.0, "0.00 ns"),
        (1.23e-9, "1.23 ns"),
        (12.34e-6, "12.3 us"),
        (0.1, "100 ms"),
        (0.99996, "1000 ms"),
        (1.0, "1.00 s"),
        (4321.0, "4321 s"),
    ],
)
def test_times_have_three_figures_and_a_unit(value, expected):
    assert text.seconds(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(None, "-"), (0, "0.00 B"), (1536, "1.50 KiB"), (5 * 2**40, "5120 GiB")]
)
def test_sizes_have_binary_units(value, expected):
    assert text.size(value) == expected


def test_an_interval_is_its_estimate_and_half_its_width():
    assert text.interval(Interval(0.100, 0.100 / 1.25, 0.125)) == "100 ms ±25%"


@unhurried
@given(st.text())
def test_anything_can_be_said_on_one_line(words):
    assert "\n" not in text.clean(words)
    assert "\x1b" not in text.clean(words)


def test_a_mean_far_above_the_typical_time_is_shown_with_the_slow_samples(store):
    summary = summarise(store, RUN)
    (pipeline, *_) = summary.pipelines
    assert list(words.slow_samples(pipeline)) == []
    cell = next(cell for cell in pipeline.cells if cell.stack == "pandas+torch")
    (step,) = [step for step in cell.steps if step.step == "mlp"]
    slow = replace(step, mean_s=1.3 * step.steady.estimate, p95_s=2 * step.steady.estimate)
    tailed = replace(pipeline, cells=(replace(cell, steps=(slow,)),))
    ((heading, said),) = words.slow_samples(tailed)
    assert heading == "pandas+torch mlp"
    assert said == f"mean {text.seconds(slow.mean_s)}, 95 % up to {text.seconds(slow.p95_s)}"
