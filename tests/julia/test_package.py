"""The Julia package's own tests, in the project that twinbench uses."""

from __future__ import annotations

import os
import subprocess

import pytest

from twinbench import paths
from twinbench.julia.find import find
from twinbench.julia.start import environment


@pytest.mark.slow
def test_the_julia_package_passes_its_tests():
    found = find()
    package = paths.resource("julia")
    script = f"push!(LOAD_PATH, {str(package)!r}); include({str(package / 'test' / 'runtests.jl')!r})".replace("'", '"')
    done = subprocess.run(
        [found.exe, f"--project={found.project}", "--startup-file=no", "-O1", "-e", script],
        env=os.environ | environment(found, 1),
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
