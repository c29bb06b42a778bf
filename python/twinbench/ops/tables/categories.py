"""The op that holds strings as categories: a dictionary of the distinct values, and a code for each row."""

from __future__ import annotations

from dataclasses import dataclass

from twinbench.ops.contract import EXACT, Arrays, Op
from twinbench.ops.tables import conditions


@dataclass(frozen=True, slots=True, kw_only=True)
class Categorise:
    """``columns``: string columns to hold as categories."""

    columns: tuple[str, ...]


def require_categorise(p: Categorise, table: Arrays) -> None:
    """Refuse columns that aren't there, and those that aren't strings."""
    conditions.columns(table, p.columns, ("string",), "columns")


def categorise(p: Categorise, table: Arrays) -> Arrays:
    """Return the table: its values don't change, and arrays of strings have one form only."""
    return dict(table)


CATEGORISE = Op(
    name="tables.categorise",
    params=Categorise,
    inputs=("table",),
    output="table",
    summary="Hold string columns as categories: each distinct value once, and a code for each row.",
    semantics="""The columns in `columns` are held in the library's own type for categories, whatever the library calls
it (category, Categorical, ENUM, pooled): each distinct value once, and for each row a code. Values, missing strings,
columns and the order of rows stay as they are, and every later op takes such a column where it takes a string column
and answers the same. A library without such a type doesn't have this op. Later steps that take the table, or a table
that was made of it, run in the framework that made it or not at all, so that answers from strings and answers from
categories are never in one ranking.""",
    source="Apache Arrow, Columnar Format, Dictionary-encoded Layout",
    reference=categorise,
    requires=require_categorise,
    tolerance=EXACT,
    keeps_rows=True,
    keeps_framework=True,
)
