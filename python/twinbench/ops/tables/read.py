"""The op that reads a CSV file."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from twinbench.ops.contract import EXACT, Arrays, Op

if TYPE_CHECKING:
    from numpy.typing import NDArray


Type = Literal["int64", "float64", "string"]
"""Type of a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCsv:
    """``table``: name of the file in the dataset. ``columns``: the columns to read, in order, with their types."""

    table: str
    columns: dict[str, Type]


ROWS_AT_ONCE = 100_000
"""Number of rows that `read_csv` holds as Python strings at a time: ten million rows would exhaust the memory."""


def read_csv(p: ReadCsv, path: str) -> Arrays:
    """Read a file with Python's own csv module; empty fields and ``NA`` are missing."""
    import numpy as np

    parts: dict[str, list[NDArray[Any]]] = {name: [_parsed(kind, ())] for name, kind in p.columns.items()}
    with open(path, newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        header = next(rows)
        while some := list(islice(rows, ROWS_AT_ONCE)):
            fields = dict(zip(header, zip(*some, strict=True), strict=True))
            for name, kind in p.columns.items():
                parts[name].append(_parsed(kind, fields[name]))
    return {name: np.concatenate(arrays) for name, arrays in parts.items()}


def _parsed(kind: Type, fields: Sequence[str]) -> NDArray[Any]:
    """Convert the fields of one column to an array of its type."""
    import numpy as np

    present = ["" if field == "NA" else field for field in fields]
    if kind == "string":
        return np.array(present, dtype=np.str_)
    if kind == "int64":
        return np.array([int(field) for field in present], dtype=np.int64)
    return np.array([float(field) if field else np.nan for field in present], dtype=np.float64)


READ_CSV = Op(
    name="tables.read_csv",
    params=ReadCsv,
    inputs=("file",),
    output="table",
    summary="Read named columns of a CSV file with given types.",
    semantics="""The file is UTF-8 and comma-separated, with one header line and RFC 4180 quoting. The result has
exactly the columns in `columns`, in that order, each as int64, float64 or string. A field that is empty or `NA` is
missing; int64 columns have no missing fields. Numbers are parsed with correct rounding. Rows keep the order of the
file. The file is uncompressed, and is read from the page cache. A library may hold strings in any encoding that its
reader produces.""",
    source="RFC 4180, https://www.rfc-editor.org/rfc/rfc4180",
    reference=read_csv,
    tolerance=EXACT,
)
