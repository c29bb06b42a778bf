"""What importing twinbench, or starting a worker, imports in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys

LIBRARIES = {
    *("pandas", "numpy", "scipy", "sklearn", "skops", "torch", "tensorflow", "keras", "jax", "mxnet"),
    *("polars", "duckdb", "pyarrow", "juliacall"),
    *("mlflow", "asv", "comet_ml", "jinja2", "pydantic"),
}
"""What would be in a worker's numbers if it came in unasked."""


def modules_after(statement: str) -> set[str]:
    """The top-level modules in a fresh process that has run a statement."""
    script = f"{statement}\nimport json, sys\nprint(json.dumps([name.partition('.')[0] for name in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    return set(json.loads(done.stdout))


def test_pytest_loads_the_plugin_of_the_kit_without_the_kit():
    loaded = "import twinbench.conformance.plugin; from sys import modules; assert 'hypothesis' not in modules"
    assert not modules_after(loaded) & LIBRARIES


def test_importing_twinbench_and_listing_frameworks_and_ops_imports_no_library():
    listing = (
        "from twinbench import ops; from twinbench.frameworks import registry; registry.frameworks(); ops.all_ops()"
    )
    assert not modules_after(listing) & LIBRARIES


def test_a_worker_starts_without_any_library():
    assert not modules_after("import twinbench.worker.main") & {*LIBRARIES, "rich", "typer", "sqlite3"}


def test_the_worker_of_the_reference_imports_what_a_reference_needs():
    needed = {"numpy", "pydantic"}
    assert modules_after("import twinbench.run.agree.worker") & {*LIBRARIES, "rich", "typer", "sqlite3"} == needed
