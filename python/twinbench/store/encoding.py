"""How values are written into columns of SQLite, and read back."""

from __future__ import annotations

import json
import math
from typing import Any


def as_text(value: str) -> str:
    """Replace surrogates, which SQLite refuses: the output of a dying worker need not be Unicode."""
    return value.encode("utf-8", "replace").decode()


def as_json(value: Any) -> str:
    """Convert data into JSON in ASCII: a path need not be Unicode, and SQLite takes nothing else."""
    return json.dumps(value)


def as_real(value: float | None) -> float:
    """Convert NULL, as which SQLite keeps NaN, to NaN."""
    return math.nan if value is None else value
