"""What executes a library's calls is recorded, beside its version."""

from __future__ import annotations

import pytest

from twinbench.frameworks import registry


@pytest.mark.parametrize(("name", "key"), [("Polars", "engine"), ("DuckDB", "storage")])
def test_an_engine_is_read_from_the_live_library(name, key):
    framework = registry.get(name)
    framework.load(1)
    assert framework.engine()[key]


def test_polars_names_the_engine_that_is_configured(monkeypatch):
    framework = registry.get("Polars")
    framework.load(1)
    assert framework.engine() == {"engine": "auto"}
    monkeypatch.setenv("POLARS_ENGINE_AFFINITY", "streaming")
    assert framework.engine() == {"engine": "streaming"}
