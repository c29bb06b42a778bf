"""The values that have no type of their own in the standard library of Python, and the names of number types."""

from __future__ import annotations

from typing import Any

DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64", "complex64", "complex128"),
    *("datetime64[ns]", "datetime64[D]", "timedelta64[ns]"),
)
"""Names of the element types that arrays have as bytes, by NumPy; other arrays hold one value after another."""


class Missing:
    """The type of `MISSING`: Julia's ``missing``, and pandas' ``NA`` and ``NaT``."""

    def __repr__(self) -> str:
        return "missing"


MISSING = Missing()
"""The missing value."""


class Masked:
    """An array some of whose values are missing.

    ``values`` is an array of numbers, and ``mask`` an array of bool of the same shape: True where a value is missing.
    """

    def __init__(self, values: Any, mask: Any) -> None:
        self.values, self.mask = values, mask


class Table:
    """Columns of equal length by name: each a one-dimensional array or `Masked`."""

    def __init__(self, columns: dict[str, Any], rows: int) -> None:
        self.columns, self.rows = columns, rows


class Named:
    """A named tuple of Python, an instance of a dataclass, or a NamedTuple of Julia: values by name, in order."""

    def __init__(self, values: dict[str, Any]) -> None:
        self.values = values


class Other:
    """A value that can't travel: the name of its type, and its text."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind, self.text = kind, text
