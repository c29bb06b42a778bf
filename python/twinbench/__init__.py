"""twinbench: the same pipeline in Python and in Julia, proven equal, measured fairly.

Importing this package imports no framework and nothing heavy; a test holds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinbench.pair import pair as pair
    from twinbench.results.frames import load as load

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import ``twinbench.pair`` or ``twinbench.load`` when it is called for."""
    from importlib import import_module

    if name == "pair":
        return import_module("twinbench.pair")
    if name == "load":
        return import_module("twinbench.results.frames").load
    raise AttributeError(f"module 'twinbench' has no attribute '{name}'")
