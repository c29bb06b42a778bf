"""``twinbench julia``, with stand-ins for Julia: nothing here needs one, or a network."""

from __future__ import annotations

import importlib.metadata
import json
import os
import time
from pathlib import Path

import pytest

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
