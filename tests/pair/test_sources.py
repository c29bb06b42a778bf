"""The versions that a function's process names: whatever the imported modules hold, they can be sent."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest

from twinbench.pair.callee import sources, wire


class Version(str):
    """A version as PyTorch has it, which compares as a version."""


class Lazy(ModuleType):
    def __getattr__(self, name: str) -> object:
        raise ImportError(f"{name} needs another package")


def test_versions_of_any_module_can_be_sent(monkeypatch: pytest.MonkeyPatch):
    versioned = ModuleType("versioned")
    versioned.__version__ = Version("2.1+cpu")  # type: ignore[attr-defined]  # modules have what they like
    versioned.__file__ = "/site-packages/versioned.py"
    monkeypatch.setitem(sys.modules, "versioned", versioned)
    monkeypatch.setitem(sys.modules, "lazy", Lazy("lazy"))
    found = sources.of("json", lambda: None)
    assert wire.decode(wire.encode(found))["versions"]["versioned"] == "2.1+cpu"
    assert "lazy" not in found["versions"]
