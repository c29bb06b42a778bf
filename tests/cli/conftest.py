"""The command line of a fresh user: nothing configured, no Julia, an empty directory."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def places(places: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """Those of every test, without a Julia that this machine may name."""
    inherited = {name: value for name, value in places.items() if not name.startswith(("PYTHON_JULIA", "JULIA_"))}
    return inherited | {f"TWINBENCH_{kind}_DIR": str(tmp_path / kind.lower()) for kind in ("CACHE", "CONFIG")}


@pytest.fixture
def cli(twinbench: Cli, tmp_path: Path) -> Cli:
    """``cli("list", "--json", VARIABLE="value")`` from an empty directory."""
    empty = tmp_path / "empty"
    empty.mkdir()
    return lambda *arguments, **variables: twinbench(*arguments, env=variables, cwd=empty)
