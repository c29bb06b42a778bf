"""The documentation site builds without a warning: every link leads somewhere, every page is in the navigation."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from twinbench import ops
from twinbench.cli.main import COMMANDS

ROOT = Path(__file__).parents[1]


def test_the_site_builds_without_a_warning_and_has_every_command_and_op(tmp_path: Path):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    cli = (tmp_path / "cli" / "index.html").read_text()
    assert all(f"twinbench {name}" in cli for name in COMMANDS)
    contracts = (tmp_path / "ops" / "index.html").read_text()
    told = [op for op in ops.all_ops() if op.modality != "probe"]
    assert all(op.name in contracts for op in told)
    assert all(f"<code>{field.name}</code>" in contracts for op in told for field in fields(op.params))
    assert "<code>Sgd | Adam | AdamW</code>" in contracts
