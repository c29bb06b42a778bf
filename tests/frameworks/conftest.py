"""The Python frameworks, loaded once, and the kit's checks on cases that a test makes itself."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

import pytest

from twinbench import ops
from twinbench.conformance import search
from twinbench.conformance.case import Case, Files
from twinbench.conformance.checks import checks_of
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays


def load(module: str) -> Framework:
    """The framework of a module, loaded with one thread; its tests are skipped where the library isn't installed."""
    if importlib.util.find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    framework: Framework = importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS[0]
    framework.load(1)
    return framework


@pytest.fixture(scope="session", params=["pandas", "numpy", "polars", "duckdb"])
def framework(request: pytest.FixtureRequest) -> Framework:
    """Each framework that has the table ops."""
    return load(request.param)


def conforms(framework: Framework, name: str, values: dict[str, Any], *inputs: Arrays | Files) -> None:
    """Every check of the kit that concerns the op and the framework, on one case."""
    op = ops.get(name)
    search.holds_on(framework, op, checks_of(framework, op).values(), Case(values, inputs))
