"""The accidents of a process differ from process to process, follow from the seed, and reach the worker."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from twinbench.run.surroundings import drawn
from twinbench.store.export import export

STACKS = ["pandas+torch", "Polars+torch", "DataFrames.jl+Flux"]


@given(st.integers(0, 2**32), st.integers(0, 20))
def test_the_same_seed_draws_the_same(seed, process):
    first = drawn(seed, process, STACKS)
    assert list(first.items()) == list(drawn(seed, process, STACKS).items())
    assert sorted(first) == sorted(STACKS)
    assert [its.turn for its in first.values()] == [0, 1, 2]
    for its in first.values():
        variables = its.variables()
        assert 0 <= int(variables["PYTHONHASHSEED"]) < 2**32
        assert len(variables["TWINBENCH_PADDING"]) == its.padding_bytes


def test_every_stack_takes_every_turn_and_no_two_processes_are_alike():
    turns = {stack: {drawn(1, process, STACKS)[stack].turn for process in range(40)} for stack in STACKS}
    assert all(its == {0, 1, 2} for its in turns.values())
    drawings = [its for process in range(40) for its in drawn(1, process, STACKS).values()]
    assert len({its.hash_seed for its in drawings}) == len(drawings)
    assert len({its.padding_bytes for its in drawings}) > 100


SEES = """
    import os
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES

    def facts(value, kind):
        return {"seed": os.environ["PYTHONHASHSEED"], "padding": str(len(os.environ["TWINBENCH_PADDING"]))}

    FRAMEWORKS = tuple(replace(PROBES[0], name=name, facts=facts) for name in ("sees-a", "sees-b"))
"""


def test_a_run_varies_them_and_records_what_its_workers_had(twinbench, store, plugin, tmp_path):
    env = plugin("sees", SEES)
    stacks = ["--stack", "sees-a", "--stack", "sees-b"]
    done = twinbench("run", "noop", *stacks, "--budget", "0.1", "--processes", "2", "--no-track", "--json", env=env)
    assert done.returncode == 0, done.stderr
    assert "provisional" not in done.stderr, "never with --json"
    assert {cell["assumed"] for cell in json.loads(done.stdout)["pipelines"][0]["cells"]} == {True}
    drawings = []
    with store() as results:
        for cell in results.cells(results.find_run().id):
            facts = {fact.key: fact.value for fact in results.facts(cell.id)}
            drawings += [facts["surroundings:0"], facts["surroundings:1"]]
            first = facts["surroundings:0"]
            assert facts["held_as"] == {"seed": str(first["hash_seed"]), "padding": str(first["padding_bytes"])}
            starts = [sample for sample in results.samples(cell.id) if sample.kind == "first_call"]
            assert [sample.process for sample in starts] == [0, 1], "a cold start is measured once per process"
        written = export(results, results.find_run().id, tmp_path / "exported", "csv")
    assert len({its["hash_seed"] for its in drawings}) == 4
    assert sorted(its["turn"] for its in drawings) == [0, 0, 1, 1]
    assert "hash_seed" in next(path for path in written if path.stem == "facts").read_text()
