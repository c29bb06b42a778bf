"""A run becomes asv's results: stock ``asv publish`` shows it, with a regression where there was one."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from asv.results import Results

from tests.asv_site import served
from tests.browser import Browser
from tests.results.make_store import PIPELINE, RUN, SIZE, STEADY_MS, STEPS, drop_process, make_store
from twinbench.errors import BadInput, TwinbenchError
from twinbench.store.records import PlannedPipeline, Sample, Status
from twinbench.store.store import Store
from twinbench.trackers import asv

COMMITS, REGRESSION = 24, 14
"""From the commit of this number on, one step of one stack takes half as long again."""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """An asv project with one commit."""
    settings = {"version": 1, "project": "mine", "repo": ".", "branches": ["main"], "environment_type": "existing"}
    (tmp_path / "asv.conf.json").write_text(json.dumps(settings))
    git(tmp_path, "init", "--initial-branch=main")
    commit(tmp_path, 0)
    return tmp_path / "asv.conf.json"


def git(directory: Path, *arguments: str, **variables: str) -> str:
    env = os.environ | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull} | variables
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *arguments]
    return subprocess.run(command, cwd=directory, env=env, check=True, capture_output=True, text=True).stdout.strip()


def commit(directory: Path, number: int) -> str:
    """A day after the one before."""
    day = f"2026-01-01T00:00:{0:02} +0000".replace("01-01", f"{1 + number // 28:02}-{1 + number % 28:02}")
    dates = {"GIT_AUTHOR_DATE": day, "GIT_COMMITTER_DATE": day}
    git(directory, "commit", "--allow-empty", f"--message=change {number}", **dates)
    return git(directory, "rev-parse", "HEAD")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    make_store(tmp_path / "results.db")
    with Store.open(tmp_path / "results.db") as opened:
        yield opened


def loaded(sent: asv.SentToAsv) -> Results:
    return Results.load(str(sent.file))


def values(results: Results, figure: str) -> dict[str, float | None]:
    """By stack."""
    name = f"twinbench.{PIPELINE}.{figure}"
    stacks, _ = results.get_result_params(name)
    found = results.get_result_value(name, results.get_result_params(name))
    return dict(zip((stack.strip("'") for stack in stacks), found, strict=True))


def test_figures_arrive_with_asvs_statistics_and_the_samples(store, project):
    results = loaded(asv.send(store, RUN, project, commit="main"))
    for step, place in zip(STEPS, range(4), strict=True):
        found = values(results, f"time_{step}")
        assert found["pandas+torch"] == pytest.approx(STEADY_MS["pandas+torch"][place] / 1e3, rel=0.02)
    assert values(results, "time_total")["Polars+torch"] == pytest.approx(0.116, rel=0.02)
    assert values(results, "track_quality")["pandas+torch"] == pytest.approx(0.92)
    assert values(results, "track_agreement_error")["DuckDB+torch"] == 1500
    assert values(results, "peakmem_worker")["pandas+torch"] == 300 * 2**20
    assert values(results, "track_boundary")["pandas+torch"] == pytest.approx(0.005)
    name = f"twinbench.{PIPELINE}.time_mlp"
    params = results.get_result_params(name)
    stats, samples = results.get_result_stats(name, params)[0], results.get_result_samples(name, params)[0]
    assert len(samples) == 4 * 6 * 3
    assert stats["ci_99_a"] <= np.median(samples) <= stats["ci_99_b"]


def test_what_failed_is_null_and_what_was_not_to_be_had_is_skipped(store, project):
    found = values(loaded(asv.send(store, RUN, project, commit="main")), "time_total")
    assert found["pandas+Flux"] is None
    assert math.isnan(found["DataFrames.jl+Flux"])


def test_the_commit_its_date_and_the_machine_are_those_of_the_run(store, project):
    sent = asv.send(store, RUN, project, commit="main", machine="lab")
    results = loaded(sent)
    assert results.commit_hash == git(project.parent, "rev-parse", "HEAD")
    assert results.date == 1767225600000
    assert (results.params["machine"], results.params["cpu"]) == ("lab", "Example 9000")
    machine = json.loads((sent.file.parent / "machine.json").read_text())
    assert machine["cpu"] == "Example 9000"


def test_a_second_run_of_the_commit_replaces_and_keeps_what_asv_knows(store, project):
    benchmarks = project.parent / "results" / "benchmarks.json"
    sent = asv.send(store, RUN, project, commit="main")
    known = json.loads(benchmarks.read_text())
    known["suite.time_it"] = {"name": "suite.time_it", "version": "1"}
    benchmarks.write_text(json.dumps(known))
    make_store(store.path, run_id="again")
    (done,) = (c for c in store.cells("again") if c.stack == "pandas+torch")
    slow = [
        Sample(s.process, s.block, s.step, s.kind, 2 * s.wall_ns) for s in store.samples(done.id) if s.kind == "steady"
    ]
    for process in range(4):
        drop_process(store, done.id, process)
    store.add_samples(done.id, slow)
    assert asv.send(store, "again", project, commit="main").file == sent.file
    assert values(loaded(sent), "time_total")["pandas+torch"] == pytest.approx(0.552, rel=0.02)
    assert "suite.time_it" in json.loads(benchmarks.read_text())


def test_another_amount_of_data_is_another_parameter(store, project):
    asv.send(store, RUN, project, commit="main")
    (planned,) = store.pipelines(RUN)
    store.new_run("larger", created="2026-06-01T00:00:00+00:00", arguments={}, environment={})
    store.add_pipeline("larger", PlannedPipeline(PIPELINE, SIZE, planned.spec, planned.dataset | {"amount": 40_000}))
    cell = store.add_cell("larger", PIPELINE, "pandas+torch", SIZE, dict.fromkeys(STEPS, "pandas"), "f")
    store.add_samples(cell, [Sample(0, block, "mlp", "steady", 5e8) for block in range(6)])
    store.set_status(cell, Status.DONE)
    commit(project.parent, 1)
    results = loaded(asv.send(store, "larger", project, commit="main"))
    name = f"twinbench.{PIPELINE}.time_mlp"
    stacks, sizes = results.get_result_params(name)
    assert sizes == ["'small (20000 rows)'", "'small (40000 rows)'"]
    found = results.get_result_value(name, (stacks, sizes))
    before, now = found[stacks.index("'pandas+torch'") * 2 :][:2]
    assert math.isnan(before)
    assert now == pytest.approx(0.5)


def test_a_commit_that_nobody_knows_is_told(store, project):
    with pytest.raises(BadInput, match="name a commit with --commit"):
        asv.send(store, RUN, project)
    with pytest.raises(TwinbenchError, match="nothing-like-it"):
        asv.send(store, RUN, project, commit="nothing-like-it")
    with pytest.raises(BadInput, match="no such file"):
        asv.send(store, RUN, project.parent / "other.json", commit="main")
    assert Path.cwd() != project.parent


def test_the_command_says_what_it_wrote(twinbench, store, project):
    done = twinbench("track", "asv", "--store", str(store.path), "--config", str(project), "--commit", "main")
    assert done.returncode == 0, done.stderr
    assert "benchmarks of commit" in done.stdout
    assert done.stdout.count("\n") == 1


def measured(store: Store, run: str, factor: float, rng: np.random.Generator) -> None:
    """A run of two stacks; of one of them one step takes ``factor`` times as long."""
    store.new_run(run, created="2026-03-01T00:00:00+00:00", arguments={}, environment={"cpu": {"model": "x"}})
    steps = [{"id": step, "op": f"tables.{step}"} for step in ("sort", "join")]
    store.add_pipeline(run, PlannedPipeline("history", SIZE, {"modality": "tables", "steps": steps}, {}))
    for stack in ("steady", "changing"):
        cell = store.add_cell(run, "history", stack, SIZE, dict.fromkeys(("sort", "join"), stack), "f")
        for step in ("sort", "join"):
            slower = factor if (stack, step) == ("changing", "join") else 1.0
            walls = 2e7 * slower * np.exp(rng.normal(0, 0.005, (2, 6)))
            store.add_samples(
                cell,
                [Sample(p, b, step, "steady", float(walls[p, b])) for p in range(2) for b in range(6)],
            )
        store.set_status(cell, Status.DONE)


@pytest.fixture
def site(store: Store, project: Path) -> Iterator[tuple[str, list[str]]]:
    """What stock asv publishes of a history with a regression, on loopback; and the commits."""
    rng = np.random.default_rng(0)
    commits = [git(project.parent, "rev-parse", "HEAD")]
    commits += [commit(project.parent, number) for number in range(1, COMMITS)]
    for number, one in enumerate(commits):
        measured(store, f"run{number}", 1.5 if number >= REGRESSION else 1.0, rng)
        asv.send(store, f"run{number}", project, commit=one, machine="lab")
    published = subprocess.run(
        [sys.executable, "-m", "asv", "publish", "--config", str(project)],
        cwd=project.parent,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert published.returncode == 0, published.stdout + published.stderr
    with served(project.parent / "html") as address:
        yield address, commits


def until(browser: Browser, expression: str) -> str:
    """The value of an expression, as soon as it is one: the site loads its data bit by bit."""
    for _ in range(100):
        found = browser.evaluate(expression)
        if found:
            return found
        time.sleep(0.1)
    pytest.fail(f"never true: {expression}; errors: {browser.errors}")


@pytest.mark.slow
def test_asv_publishes_the_history_and_finds_the_regression(browser, site):
    address, commits = site
    browser.open(f"{address}/#regressions")
    found = until(browser, "document.querySelector('#regressions-body table tbody tr')?.closest('tbody').innerText")
    assert "twinbench.history.time_join" in found
    assert "changing" in found
    assert "time_sort" not in found
    assert "steady" not in found
    assert commits[REGRESSION][:8] in found
    browser.evaluate("location.hash = 'twinbench.history.time_join'")
    until(browser, "document.querySelector('#main-graph canvas, #main-graph svg') !== null")
    assert "time_join" in browser.evaluate("document.body.innerText")
    assert [request for request in browser.requests if not request.startswith(address)] == []
