"""What loading a framework does: its library comes in then and not before, with the threads that were asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")


def in_a_fresh_process(code: str, threads: int) -> Any:
    env = os.environ | dict.fromkeys(VARIABLES, str(threads))
    return json.loads(subprocess.check_output([sys.executable, "-c", code], env=env, timeout=120))


def test_a_framework_module_can_be_imported_without_its_library():
    code = """
import importlib, json, sys
names = ["pandas", "numpy", "polars", "duckdb", "scipy", "pyaudioanalysis", "torch"]
for name in names:
    importlib.import_module(f"twinbench.frameworks.{name}")
others = ["pyAudioAnalysis", "pyarrow", "threadpoolctl"]
print(json.dumps([name for name in [*names, *others] if name in sys.modules]))
"""
    assert in_a_fresh_process(code, 1) == []


@pytest.mark.parametrize("name", ["pandas", "numpy", "polars", "duckdb", "scipy", "torch"])
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_are_read_back_from_the_live_library(name: str, threads: int):
    pytest.importorskip(name)
    code = f"""
import importlib, json
[framework] = importlib.import_module("twinbench.frameworks.{name}").FRAMEWORKS
framework.load({threads})
print(json.dumps(dict(framework.threads())))
"""
    counts = in_a_fresh_process(code, threads)
    assert counts
    assert set(counts.values()) == {threads}
