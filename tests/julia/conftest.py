"""Julia runs in a process of its own: juliacall and torch in one process crash each other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest

from twinbench.errors import JuliaUnavailable
from twinbench.frameworks import registry
from twinbench.julia import find
from twinbench.plan import stack

HERE = Path(__file__).parent


@cache
def why_not(framework: str | None) -> str | None:
    """Why a framework can't be tested here, or Julia at all; None if it can."""
    if framework is not None:
        return stack.unavailable(registry.get(framework))
    try:
        find.find()
    except JuliaUnavailable as error:
        return str(error)
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, and skip it with the reason in words.

    A module that tests one framework names it by ``NAME``.
    """
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.julia)
            reason = why_not(getattr(item.module, "NAME", None))
            if reason is not None:
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def in_julia(elsewhere: Callable[..., Any]) -> Callable[..., Any]:
    """Calls a function of ``driver.py`` in one long-lived process with Julia in it."""
    return partial(elsewhere, "julia")
