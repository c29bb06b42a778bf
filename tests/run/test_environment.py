"""The record of the machine, the noise on it, and what workers inherit."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from twinbench.run import environment

QUIET = {"load": 0.0, "frequency_mhz": 3000.0, "steal": 0.0, "available_bytes": 8 << 30, "busy_others": []}


@pytest.fixture(scope="module")
def machine() -> environment.Record:
    return environment.record(threads=1)


@pytest.fixture
def quiet(machine):
    """A machine as one would wish it."""
    cpu = machine["cpu"] | {"governor": "performance", "usable": 4.0}
    return machine | {"cpu": cpu, "load": [0.0, 0.0, 0.0], "memory": {"available_bytes": 8 << 30}}


def test_the_record_is_json_and_says_what_was_measured_on_what(machine):
    assert json.loads(json.dumps(machine)) == machine
    assert machine["threads"] == 1
    assert machine["cpu"]["model"]
    assert 0 < machine["cpu"]["usable"] <= machine["cpu"]["logical"]
    assert 0 < machine["memory"]["available_bytes"] <= machine["memory"]["total_bytes"]
    assert machine["frameworks"]["pandas"]["pandas"] == importlib.metadata.version("pandas")


def test_the_record_names_the_commit_of_a_checkout(tmp_path, monkeypatch):
    package = tmp_path / "python" / "twinbench"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
    for command in (["init", "-q"], ["add", "."], [*identity, "commit", "-qm", "first"]):
        subprocess.run(["git", "-C", str(tmp_path), *command], check=True)
    monkeypatch.setattr("twinbench.__file__", str(package / "__init__.py"))
    clean = environment.record(threads=1)["twinbench"]
    assert len(clean["commit"]) == 40
    assert clean["modified"] is False
    (package / "new.py").touch()
    assert environment.record(threads=1)["twinbench"]["modified"] is True


def looks(count: int = 20) -> Iterator[int]:
    """Looks at a machine half a second apart: a process is compared with its own previous reading."""
    for look in range(count):
        yield look
        time.sleep(0.5)


LOOK = """
import sys, time
from twinbench.run import environment
for _ in range(20):
    if int(sys.argv[1]) in environment._busy_others():
        sys.exit(0)
    time.sleep(0.5)
sys.exit("not seen")
"""


def test_noise_names_a_process_of_others_that_keeps_a_core_busy():
    # A process of its own looks: whatever this process starts, even an orphan, may count as its descendant.
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            done = subprocess.run([sys.executable, "-c", LOOK, str(busy.pid)], capture_output=True, text=True)
        finally:
            busy.kill()
    assert done.returncode == 0, done.stderr


def test_noise_leaves_out_our_own_workers():
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as ours:
        try:
            found = [environment._busy_others() for _ in looks(3)]
        finally:
            ours.kill()
    assert not any(ours.pid in others for others in found)


def test_a_quiet_machine_gets_no_warning(quiet):
    assert environment.warnings(quiet, [QUIET, QUIET]) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"busy_others": ["backup"]}, "backup"),
        ({"steal": 0.04}, "4%"),
        ({"frequency_mhz": 1500.0}, "between 1500 and 3000 MHz"),
        ({"available_bytes": 100 << 20}, "100 MiB"),
    ],
)
def test_each_kind_of_noise_is_put_into_words(quiet, change, words):
    found = environment.warnings(quiet, [QUIET, QUIET | change])
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"load": [3.0, 1.0, 1.0]}, "3.0"),
        ({"threads": 8}, "8 threads on 4 usable cores"),
        ({"memory": {"available_bytes": 200 << 20}}, "200 MiB"),
    ],
)
def test_each_trouble_of_the_machine_is_put_into_words(quiet, change, words):
    found = environment.warnings(quiet | change, [])
    assert len(found) == 1
    assert words in found[0]


def test_a_governor_that_changes_frequencies_is_warned_about(quiet):
    found = environment.warnings(quiet | {"cpu": quiet["cpu"] | {"governor": "powersave"}}, [])
    assert len(found) == 1
    assert "powersave" in found[0]
