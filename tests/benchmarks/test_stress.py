"""A sample of what ``make stress`` tries: wrong workers are contained, and leave nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.stress import mutants, wrong_workers

ROOT = Path(__file__).parents[2]

SAMPLE = {
    mutants.Mutation("first", "twice"): "failed protocol",
    mutants.Mutation("extract", "no_file"): "failed protocol",
    mutants.Mutation("warm_up", "longest", ("ok", "collector_ns")): "failed protocol",
    mutants.Mutation("burst", "zero", ("ok", "timings", 0, "wall_ns")): "failed protocol",
    mutants.Mutation("thread_counts", "absent", ("ok", "threads", "probe")): "failed protocol",
    mutants.Mutation("varied", "orphan"): "failed exit",
}
"""How cells end, by what their workers do."""


def test_a_sample_of_wrong_workers_is_contained(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))
    found = wrong_workers.Found()
    wrong_workers.try_out([mutants.ALL.index(mutation) for mutation in SAMPLE], tmp_path / "site", found)
    assert found.unexpected == []
    assert found.left == []
    assert found.accepted == []
    assert found.contained == len(SAMPLE)
    assert dict(found.ends) == {end: list(SAMPLE.values()).count(end) for end in SAMPLE.values()}


def test_every_act_and_every_value_is_drawn():
    numbers = wrong_workers.drawn(wrong_workers.COUNT, seed=1)
    assert len(set(numbers)) == len(numbers) == wrong_workers.COUNT
    assert {mutants.ALL[number].act for number in numbers} == {*mutants.ACTS, *mutants.VALUES, "no_file"}


def test_an_unknown_target_is_refused():
    command = [sys.executable, "-m", "benchmarks.stress", "sleep"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (2, "sleep: unknown; valid: wrong_workers, kills\n")
