"""The working directory holds data: Python never imports from it, in any process that twinbench starts."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import twinbench
from twinbench.launch.process import Worker
from twinbench.launch.variables import worker_environment
from twinbench.pair.process import START_PYTHON
from twinbench.worker import protocol
from twinbench.worker.job import Job, StepJob

PACKAGE = Path(twinbench.__file__).parent


def starts_python(command: ast.expr) -> bool:
    """Whether a list is a command line that begins with an interpreter."""
    if not isinstance(command, ast.List) or not command.elts:
        return False
    return ast.unparse(command.elts[0]).partition("(")[0].rpartition(".")[2] in ("executable", "interpreter")


def test_every_command_line_of_python_leaves_the_working_directory_out():
    commands = {
        f"{path.relative_to(PACKAGE)}:{node.lineno}": ast.unparse(node)
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.expr) and starts_python(node)
    }
    assert len(commands) >= 10
    safe = ("'-P'", "START_PYTHON")  # an interpreter of the user's may be older than the option
    assert [f"{where}: {command}" for where, command in commands.items() if not any(s in command for s in safe)] == []


def test_a_module_beside_the_data_is_not_imported_by_a_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shadows = ("json", "numpy", "psutil", "twinbench", "sitecustomize", "threadpoolctl")
    for name in shadows:
        (tmp_path / f"{name}.py").write_text("import pathlib; pathlib.Path('imported').touch()")
    monkeypatch.chdir(tmp_path)
    step = StepJob(id="a", op="probe.noop", params={}, inputs=(), framework="probe-a", needed=True)
    worker = Worker(Job(threads=1, steps=(step,), values={}, handovers=str(tmp_path)), worker_environment(1))
    try:
        worker.ask(protocol.LOAD, 60)
        worker.ask(protocol.FIRST, 60, step="a")
    finally:
        worker.kill()
    assert not (tmp_path / "imported").exists()


def test_a_module_beside_the_data_is_not_imported_by_the_server_of_own_functions(tmp_path: Path):
    for name in ("json", "struct", "traceback", "twinbench"):
        (tmp_path / f"{name}.py").write_text("import pathlib; pathlib.Path('imported').touch()")
    command = [sys.executable, "-c", START_PYTHON, str(PACKAGE.parent)]
    done = subprocess.run(command, cwd=tmp_path, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
    assert b"ModuleNotFoundError" not in done.stderr
    assert not (tmp_path / "imported").exists()
