"""``twinbench julia``, with stand-ins for Julia: nothing here needs one, or a network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from pathlib import Path

import pytest

from tests.julia_stand_ins import all_packages as standing_in
from tests.julia_stand_ins import program, project
from twinbench.julia.layers import all_packages


@pytest.fixture
def stuck_julia(tmp_path: Path) -> dict[str, str]:
    """A Julia with all packages that says who it is and then never ends."""
    exe, project = tmp_path / "julia", tmp_path / "project"
    exe.write_text(f'#!/bin/sh\necho $$ > "{tmp_path}/pid"\nexec sleep 600\n', encoding="utf-8")
    exe.chmod(0o755)
    project.mkdir()
    direct = "".join(f'{name} = "0"\n' for name in all_packages())
    (project / "Project.toml").write_text("[deps]\n" + direct, encoding="utf-8")
    version = importlib.metadata.version("juliacall")
    entries = (f'[[deps.{name}]]\nversion = "{version}"\n' for name in all_packages())
    (project / "Manifest.toml").write_text('julia_version = "1.10.8"\n' + "".join(entries), encoding="utf-8")
    return {"PYTHON_JULIACALL_EXE": str(exe), "PYTHON_JULIACALL_PROJECT": str(project)}


def test_status_without_julia_says_what_to_do(cli):
    done = cli("julia", "status")
    assert done.returncode == 0, done.stderr
    assert "no Julia found" in done.stdout
    assert "twinbench julia use" in done.stdout


def test_status_of_a_named_julia_starts_nothing(cli, stuck_julia, tmp_path):
    found = json.loads(cli("julia", "status", "--json", **stuck_julia).stdout)
    assert found["exe"] == stuck_julia["PYTHON_JULIACALL_EXE"]
    assert found["source"] == "environment"
    assert found["version"] == "1.10.8"
    assert not found["problem"]
    assert not (tmp_path / "pid").exists()


def test_using_what_is_not_there_changes_nothing(cli, tmp_path):
    done = cli("julia", "use", "--exe", str(tmp_path / "none"), "--project", str(tmp_path))
    assert done.returncode == 3
    assert str(tmp_path / "none") in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "config" / "julia.toml").exists()


def test_a_setup_that_hangs_is_ended_with_everything_it_started(cli, stuck_julia, tmp_path):
    done = cli("julia", "setup", "--if-possible", "--timeout", "8", **stuck_julia)
    assert done.returncode == 0, done.stderr
    assert "not ready after 8 s" in done.stdout
    assert _ended(int((tmp_path / "pid").read_text()))


def test_a_setup_that_fails_says_why_and_is_a_failure_unless_told_otherwise(cli, tmp_path):
    half = {"PYTHON_JULIACALL_EXE": "/no/julia"}
    done = cli("julia", "setup", **half)
    assert done.returncode == 3
    assert "PYTHON_JULIACALL_PROJECT" in done.stderr
    done = cli("julia", "setup", "--if-possible", **half)
    assert done.returncode == 0
    assert "PYTHON_JULIACALL_PROJECT" in done.stdout


def test_an_unknown_layer_is_bad_input(cli):
    done = cli("julia", "setup", "signal")
    assert done.returncode == 2
    assert "unknown layer 'signal'; did you mean 'signals'?" in done.stderr


def test_use_names_what_is_lacking_and_status_shows_it_by_layer(cli, tmp_path):
    exe = program(tmp_path / "bin" / "julia", "1.10.8\0/lib/libjulia.so\0/bin")
    directory = project(tmp_path / "env", **standing_in() | {"MFCC": None, "Flux": "0.16.5"})
    done = cli("julia", "use", "--exe", str(exe), "--project", str(directory))
    assert done.returncode == 0, done.stderr
    assert "Frameworks that need more are unavailable: the Julia project lacks MFCC; run " in done.stdout
    lines = [" ".join(line.split()) for line in cli("julia", "status").stdout.splitlines()]
    assert "found in part" in lines
    assert "layer base here" in lines
    assert "layer mfcc lacks MFCC" in lines
    assert "Flux 0.16.5, on the processor only: the project has no CUDA and cuDNN" in lines
    assert "Flux 0.16.5, on the processor only" in " ".join(cli("doctor").stdout.split())


def _ended(pid: int) -> bool:
    """Whether the process goes away within a moment."""
    for _ in range(50):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").exists() and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.1)
    return False
