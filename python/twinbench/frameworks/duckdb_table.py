"""The native table of the table ops in DuckDB."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Table:
    """A temporary table, which is dropped when this object is garbage-collected."""

    name: str
    columns: Mapping[str, str]
    """Names in the database by names in the contract, in order."""
    types: dict[str, str] = field(default_factory=dict)
    """SQL types by column, filled when they are first asked for."""
    missing: dict[str, bool] = field(default_factory=dict)
    """Whether a column may hold NULL, filled when it is first asked for."""

    def __getitem__(self, column: str) -> str:
        """Return a column as an SQL expression."""
        return f"{self.name}.{self.columns[column]}"

    def all(self) -> dict[str, str]:
        """Every column as an SQL expression."""
        return {name: self[name] for name in self.columns}
