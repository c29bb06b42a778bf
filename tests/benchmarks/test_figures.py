"""The command that prints the figures. What it measures is for ``make bench``: nothing here is timed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.figures.figure import NAMES, STRESS, Figure

ROOT = Path(__file__).parents[2]


def figures(*arguments: str):
    command = [sys.executable, "-m", "benchmarks.figures", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def test_the_command_lists_every_figure_and_says_what_it_is():
    done = figures("--list")
    assert done.returncode == 0, done.stderr
    listed = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert [name for name, _ in listed] == [*NAMES, *STRESS]
    assert all(len(title) > 20 for _, title in listed)


def test_an_unknown_figure_is_refused_with_the_names_there_are():
    done = figures("agility")
    assert done.returncode == 2
    assert "'agility' is none of" in done.stderr
    assert "Traceback" not in done.stderr


def test_our_test_keeps_its_promise_where_a_pooled_one_does_not(tmp_path):
    done = figures("false_alarms", "--json", str(tmp_path / "figures.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    ours, theirs = json.loads((tmp_path / "figures.json").read_text())["false_alarms"]["figures"]
    assert ours["met"]
    assert ours["value"] < 0.06
    assert 0.2 < theirs["value"] < 0.32


@pytest.mark.parametrize(
    ("figure", "met"),
    [
        (Figure("a", 1.0, "s", "<=", 1.0), True),
        (Figure("a", 1.1, "s", "<=", 1.0), False),
        (Figure("a", 0.89, "", ">=", 0.9), False),
        (Figure("a", 5.0), True),
        (Figure("a", None, unavailable="no Julia"), True),
        (Figure("a", None, "", "<=", 1.0, differs="x: 203 instead of 204"), False),
    ],
)
def test_a_figure_is_met_at_its_target_and_on_the_right_side_of_it(figure, met):
    assert figure.met is met
    assert ("MISSED" in figure.line()) is not met


def test_a_missed_figure_is_named_and_fails_the_command(monkeypatch, capsys):
    from benchmarks.figures import __main__ as command
    from benchmarks.figures import false_alarms

    monkeypatch.setattr(false_alarms, "measure", lambda: iter([Figure("too slow", 2.0, "s", "<=", 1.0)]))
    monkeypatch.setattr(sys, "argv", ["figures", "false_alarms"])
    assert command.main() == 1
    assert "missed: too slow" in capsys.readouterr().out
