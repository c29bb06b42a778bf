"""The example with own features, run as it says in Python; `tests/julia/test_own.py` has its functions in Julia."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Command
from twinbench.frameworks import registry
from twinbench.plan.stack import unavailable

EXAMPLES = Path(__file__).parents[2] / "examples" / "ops"


def test_the_example_is_measured_and_a_stack_recommended(twinbench: Command):
    reason = unavailable(registry.get("torch"))
    if reason is not None:
        pytest.skip(reason)
    where = ["--pipelines", str(EXAMPLES), "--stack", "torch", "--trust", "--no-track", "--budget", "0.3"]
    done = twinbench("run", "digit-profiles", *where)
    assert done.returncode == 0, done.stderr
    assert "profiles" in done.stdout
    assert "images: choose torch" in twinbench("recommend").stdout
