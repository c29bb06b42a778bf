"""The table ops: reading, cleaning, deriving, aggregating, joining, and splitting into matrices.

Conventions of every op here: inputs are never changed; the order of rows is part of the result; a missing number is NaN
(null in libraries that have one) and a missing string is null; names are case-sensitive.
"""

from __future__ import annotations

from twinbench.ops.contract import Op
from twinbench.ops.tables.categories import CATEGORISE, Categorise
from twinbench.ops.tables.columns import (
    DERIVE,
    IMPUTE,
    ONE_HOT,
    STANDARDISE,
    Derivation,
    Derive,
    Impute,
    OneHot,
    Standardise,
)
from twinbench.ops.tables.groups import GROUPBY, Aggregate, Aggregate2, Groupby
from twinbench.ops.tables.joins import JOIN, Join
from twinbench.ops.tables.read import READ_CSV, ReadCsv, Type
from twinbench.ops.tables.rows import CLEAN, SORT, SPLIT, Clean, Sort, Split
from twinbench.ops.tables.windows import ROLLING, TOP, Rolling, Top

__all__ = [
    "OPS",
    "Aggregate",
    "Aggregate2",
    "Categorise",
    "Clean",
    "Derivation",
    "Derive",
    "Groupby",
    "Impute",
    "Join",
    "OneHot",
    "ReadCsv",
    "Rolling",
    "Sort",
    "Split",
    "Standardise",
    "Top",
    "Type",
]

OPS: tuple[Op, ...] = (
    READ_CSV,
    CATEGORISE,
    CLEAN,
    IMPUTE,
    DERIVE,
    GROUPBY,
    TOP,
    JOIN,
    SORT,
    ROLLING,
    ONE_HOT,
    STANDARDISE,
    SPLIT,
)
"""In the order in which every framework module holds them."""
