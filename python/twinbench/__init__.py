"""twinbench: the same pipeline in Python and in Julia, proven equal, measured fairly.

Importing this package imports no framework and nothing heavy; a test holds that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinbench.pair import pair as pair

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import ``twinbench.pair`` when it is called for."""
    if name != "pair":
        raise AttributeError(f"module 'twinbench' has no attribute '{name}'")
    from importlib import import_module

    return import_module("twinbench.pair")
