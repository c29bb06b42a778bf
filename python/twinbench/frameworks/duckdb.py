"""The table ops in DuckDB: one connection in the process, a native table is a temporary table, a step is one query.

This file knows DuckDB's SQL and the contracts, and nothing of how it is run or timed.

DuckDB folds the case of names, quoted or not, and the contracts don't, so columns are called ``c0``, ``c1``, ... in
the database, and their real names stay in ``Table``. Projections and filters of one table keep its rows' order (see
"order preservation" in DuckDB's documentation); joins, groups and windows don't, so those steps end with ORDER BY.
"""

from __future__ import annotations

import csv
import glob
import itertools
import weakref
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.frameworks.duckdb_table import Table
from twinbench.ops import tables as t
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import duckdb
    import numpy as np

    connection: duckdb.DuckDBPyConnection

numbers = itertools.count()
"""Numbers for the names of tables."""

_POOLS = "name IN ('threads', 'async_threads')"

MOST_LARGEST = 1_000_000
"""Bound of the second argument of DuckDB's ``max``."""

TYPES = {"int64": "BIGINT", "float64": "DOUBLE", "string": "VARCHAR"}


def load(threads: int) -> None:
    """Import DuckDB and open a database in memory."""
    global connection, duckdb, np
    import duckdb
    import numpy as np

    connection = duckdb.connect()
    for [pool] in _rows(f"SELECT name FROM duckdb_settings() WHERE {_POOLS}"):
        connection.execute(f"SET {pool} = {threads}")


def _create(columns: Mapping[str, str], rest: str, parameters: Sequence[Any] = ()) -> Table:
    """Create a table from ``SELECT columns rest``. ``columns``: SQL expressions by name."""
    table = Table(f"t{next(numbers)}", {name: f"c{i}" for i, name in enumerate(columns)})
    selected = ", ".join(f"{columns[name]} AS {inner}" for name, inner in table.columns.items())
    connection.execute(f"CREATE TEMP TABLE {table.name} AS SELECT {selected} {rest}", parameters)
    weakref.finalize(table, _drop, connection, table.name).atexit = False
    return table


def _drop(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"DROP TABLE {name}")


def prepare(value: Arrays, kind: Kind) -> Any:
    """Import a table through Arrow, with NULL for missing values; other values stay unchanged."""
    if kind != "table":
        return value
    import pyarrow

    columns = [pyarrow.array(v, mask=v == "" if v.dtype.kind == "U" else np.isnan(v)) for v in value.values()]
    inner = {name: f"c{i}" for i, name in enumerate(value)}
    connection.register("incoming", pyarrow.table(columns, names=list(inner.values())))
    try:
        return _create(inner, "FROM incoming")
    finally:
        connection.unregister("incoming")


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert columns into arrays, with NULL as NaN or ``""``."""
    if kind != "table":
        return dict(value)
    arrow = connection.sql(f"FROM {value.name}").to_arrow_table()
    return {name: _array(column) for name, column in zip(value.columns, arrow.columns, strict=True)}


def _array(column: Any) -> np.ndarray[Any, Any]:
    if str(column.type).startswith("dictionary"):
        column = column.cast("string")
    if str(column.type) == "string":
        return np.array(column.fill_null("").to_pylist(), dtype=np.str_)
    values: np.ndarray[Any, Any] = column.to_numpy()
    return values


def threads() -> Mapping[str, int]:
    """Return the threads of DuckDB's schedulers: for queries and, since version 2, for input and output."""
    return {name: int(value) for name, value in _rows(f"SELECT name, value FROM duckdb_settings() WHERE {_POOLS}")}


def _rows(query: str) -> list[Any]:
    return connection.execute(query).fetchall()


def engine() -> Mapping[str, str]:
    """Return the version of the storage format that tables are written for."""
    [[version]] = _rows("SELECT value FROM duckdb_settings() WHERE name = 'storage_compatibility_version'")
    return {"storage": str(version)}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the SQL type of each column, an ENUM by the number of its values."""
    if kind == "table":
        return {name: _shown(type, value[name], value.name) for name, type in _types(value).items()}
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'F'}" for name, v in value.items()}


def _shown(type: str, column: str, table: str) -> str:
    if not type.startswith("ENUM"):
        return type
    [[count]] = _rows(f"SELECT len(enum_range(any_value({column}))) FROM {table}")
    return f"ENUM ({count or 0} values)"


def _types(table: Table) -> dict[str, str]:
    if not table.types:
        described = _rows(f"DESCRIBE {table.name}")
        table.types.update((name, row[1]) for name, row in zip(table.columns, described, strict=True))
    return table.types


def _can_miss(table: Table, column: str) -> bool:
    """Check DuckDB's own statistics, which cost nothing, whereas an unneeded condition would have to be planned."""
    if not table.missing:
        asked = ", ".join(f"stats({table[name]})" for name in table.columns)
        statistics = _rows(f"SELECT {asked} FROM {table.name} LIMIT 1") or [()]
        table.missing.update(dict.fromkeys(table.columns, True))
        table.missing.update(
            (n, s["has_null"]) for n, s in zip(table.columns, statistics[0], strict=False) if isinstance(s, dict)
        )
    return table.missing[column]


def _text(value: str) -> str:
    """Quote a string as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


def read_csv(p: t.ReadCsv, path: str) -> Table:
    """Read with every option given, so that DuckDB guesses nothing from a sample."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        header = next(csv.reader(file))
    types = ", ".join(f"c{i}: '{TYPES[p.columns.get(name, 'string')]}'" for i, name in enumerate(header))
    rest = f"""FROM read_csv({_text(glob.escape(path))}, columns={{{types}}}, auto_detect=false, header=true, delim=',',
        compression='none', quote='"', escape='"', nullstr=['', 'NA'])"""
    columns = {name: _read(f"c{header.index(name)}", kind) for name, kind in p.columns.items()}
    return _create(columns, rest)


def _read(column: str, kind: t.Type) -> str:
    """Read a column in which the text NaN is missing, as an empty field is."""
    return f"nullif({column}, 'NaN'::DOUBLE)" if kind == "float64" else column


def categorise(p: t.Categorise, table: Table) -> Table:
    """Cast to ENUM types of the values, in the order of the values: an ENUM sorts by position."""
    enums = {name: f"e{next(numbers)}" for name in p.columns}
    for name, enum in enums.items():
        c = table[name]
        values = f"SELECT DISTINCT {c} FROM {table.name} {_present(table, [name])} ORDER BY {c}"
        connection.execute(f"CREATE TEMP TYPE {enum} AS ENUM ({values})")
    try:
        return _create(table.all() | {name: f"{table[name]}::{e}" for name, e in enums.items()}, f"FROM {table.name}")
    finally:
        for enum in enums.values():  # the table's columns keep what they need of it
            connection.execute(f"DROP TYPE {enum}")


def clean(p: t.Clean, table: Table) -> Table:
    """Cast after ``trunc``, because a cast alone rounds."""
    casts = {"int64": "trunc({})::BIGINT", "float64": "{}::DOUBLE"}
    cast = {name: casts[kind].format(table[name]) for name, kind in p.cast.items()}
    return _create(table.all() | cast, f"FROM {table.name} {_present(table, p.drop_missing)}")


def _present(table: Table, columns: Sequence[str]) -> str:
    conditions = [f"{table[name]} IS NOT NULL" for name in columns if _can_miss(table, name)]
    return "WHERE " + " AND ".join(conditions) if conditions else ""


def impute(p: t.Impute, table: Table) -> Table:
    """Compute the statistics first: as a subquery they would be a join, which promises no order."""
    function = "median" if p.strategy == "median" else "avg"
    statistics = ", ".join(f"{function}({table[name]})" for name in p.columns)
    [values] = _rows(f"SELECT {statistics} FROM {table.name}")
    filled = {name: f"coalesce({table[name]}, ?::DOUBLE)" for name in table.columns if name in p.columns}
    parameters = [dict(zip(p.columns, values, strict=True))[name] for name in filled]
    return _create(table.all() | filled, f"FROM {table.name}", parameters)


def derive(p: t.Derive, table: Table) -> Table:
    """Add columns in one projection."""
    new = {name: _derived(table, definition) for name, definition in p.columns.items()}
    return _create(table.all() | new, f"FROM {table.name}")


def _derived(table: Table, definition: t.Derivation) -> str:
    match definition:
        case ["floor_divide", column, n]:  # // truncates toward zero
            c = table[column]
            return f"{c} // {n} - ({c} % {n} < 0)::BIGINT"
        case ["ratio", a, b, scale]:
            return f"{scale!r}::DOUBLE * {table[a]} / {table[b]}"
        case ["greater", column, bound]:
            return f"coalesce({table[column]} > {bound!r}::DOUBLE, false)::BIGINT"
        case [of, column]:
            return f"{'month' if of == 'month' else 'isodow'}({table[column]}::VARCHAR::TIMESTAMP)"


def groupby(p: t.Groupby, table: Table) -> Table:
    """Aggregate with GROUP BY, and ORDER BY the keys for an order: the default collation compares code points."""
    keys = {name: table[name] for name in p.keys}
    types = _types(table)
    new = {
        name: _aggregate(function, [table[column] for column in of], types[of[0]], _can_miss(table, of[0]))
        for name, (function, *of) in p.aggregates.items()
    }
    by = ", ".join(keys.values())
    order = f"ORDER BY {by}" if p.ordered else ""
    return _create(keys | new, f"FROM {table.name} {_present(table, p.keys)} GROUP BY {by} {order}")


def _aggregate(function: str, columns: Sequence[str], type: str, can_miss: bool) -> str:
    match function:
        case "sum":  # a HUGEINT for integers, and NULL without values
            return f"coalesce(sum({columns[0]}), 0)::{type}" if can_miss else f"sum({columns[0]})::{type}"
        case "max_minus_min":
            return f"max({columns[0]}) - min({columns[1]})"
        case "r2":  # NaN where r2 isn't defined
            return f"nullif(corr({columns[0]}, {columns[1]}) ^ 2, 'NaN'::DOUBLE)"
    return {"mean": "avg", "std": "stddev_samp"}.get(function, function) + f"({columns[0]})"


def top(p: t.Top, table: Table) -> Table:
    """Take the largest values with ``max`` of two arguments, which gives a list, and by rank if n is too large."""
    keys = {name: table[name] for name in p.keys}
    by = ", ".join(keys.values())
    order = f"ORDER BY {by}, {len(keys) + 1} DESC" if p.ordered else ""
    present = _present(table, [*p.keys, p.column])
    if p.n < MOST_LARGEST:
        largest = f"unnest(max({table[p.column]}, {p.n}))"
        return _create(keys | {p.column: largest}, f"FROM {table.name} {present} GROUP BY {by} {order}")
    rank = f"QUALIFY row_number() OVER (PARTITION BY {by} ORDER BY {table[p.column]} DESC) <= {p.n}"
    return _create(keys | {p.column: table[p.column]}, f"FROM {table.name} {present} {rank} {order}")


def join(p: t.Join, left: Table, right: Table) -> Table:
    """Join with JOIN; for an order, ORDER BY the row numbers of the left and of the right table."""
    r = Table("r", right.columns)  # left and right may be the same table
    equal = " AND ".join(f"{left[name]} = {r[name]}" for name in p.on)
    types = _types(right)
    optional = {name for name in p.columns if p.how == "left" and types[name] in ("BIGINT", "DOUBLE")}
    new = {name: f"{r[name]}::DOUBLE" if name in optional else r[name] for name in p.columns}
    order = f"ORDER BY {left.name}.rowid, r.rowid" if p.ordered else ""
    rest = f"FROM {left.name} {p.how.upper()} JOIN {right.name} AS r ON {equal} {order}"
    return _create(left.all() | new, rest)


def sort(p: t.Sort, table: Table) -> Table:
    """Sort with ORDER BY and the row number as the last key, because the sort alone isn't stable."""
    direction = "DESC" if p.descending else "ASC"
    by = ", ".join(f"{table[name]} {direction} NULLS LAST" for name in p.by)
    return _create(table.all(), f"FROM {table.name} ORDER BY {by}, rowid")


def rolling(p: t.Rolling, table: Table) -> Table:
    """Apply a window function, then ORDER BY the row numbers."""
    function = "avg" if p.function == "mean" else "sum"
    by = ", ".join(table[name] for name in p.by)
    frame = f"PARTITION BY {by} ORDER BY rowid ROWS BETWEEN {p.window - 1} PRECEDING AND CURRENT ROW"
    new = {p.name: f"{function}({table[p.column]}::DOUBLE) OVER ({frame})"}
    return _create(table.all() | new, f"FROM {table.name} ORDER BY rowid")


def one_hot(p: t.OneHot, table: Table) -> Table:
    """Query the distinct values first, then make one projection."""
    new: dict[str, str] = {}
    for name in p.columns:
        c = table[name]
        for [value] in _rows(f"SELECT DISTINCT {c} FROM {table.name} {_present(table, [name])} ORDER BY {c}"):
            literal = _text(value) if isinstance(value, str) else value
            new[f"{name}={value}"] = f"coalesce({c} = {literal}, false)::UTINYINT"
    kept = {name: expression for name, expression in table.all().items() if name not in p.columns}
    return _create(kept | new, f"FROM {table.name}")


def standardise(p: t.Standardise, table: Table) -> Table:
    """Compute the statistics first, then make one projection; dividing a constant column by infinity makes it 0."""
    columns = [name for name in table.columns if name in p.columns]
    spread = "CASE WHEN min({0}) < max({0}) THEN stddev_pop({0}) ELSE 'inf' END"
    statistics = ", ".join(f"avg({table[name]}), {spread.format(table[name])}" for name in columns)
    [parameters] = _rows(f"SELECT {statistics} FROM {table.name}")
    scaled = {name: f"({table[name]} - ?::DOUBLE) / ?::DOUBLE" for name in columns}
    return _create(table.all() | scaled, f"FROM {table.name}", parameters)


def split(p: t.Split, table: Table, given: Arrays) -> Arrays:
    """Fetch columns as float32 and gather their rows; the matrices are column-major."""
    features = [name for name in table.columns if name != p.label and name not in p.drop]
    floats = ", ".join(f"{table[name]}::FLOAT" for name in [*features, p.label])
    *x, y = map(_array, connection.sql(f"SELECT {floats} FROM {table.name}").to_arrow_table().columns)
    train, test = given["train"], given["test"]
    return {"x_train": _matrix(x, train), "y_train": y[train], "x_test": _matrix(x, test), "y_test": y[test]}


def _matrix(columns: Sequence[np.ndarray[Any, Any]], rows: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([column.take(rows) for column in columns]).T


FRAMEWORKS = (
    Framework(
        name="DuckDB",
        language="python",
        summary="An analytical SQL database in the process",
        packages=("duckdb", "pyarrow"),
        extra="rivals",
        load=load,
        prepare=prepare,
        extract=extract,
        threads=threads,
        engine=engine,
        facts=facts,
        ops={
            "tables.read_csv": read_csv,
            "tables.categorise": categorise,
            "tables.clean": clean,
            "tables.impute": impute,
            "tables.derive": derive,
            "tables.groupby": groupby,
            "tables.top": top,
            "tables.join": join,
            "tables.sort": sort,
            "tables.rolling": rolling,
            "tables.one_hot": one_hot,
            "tables.standardise": standardise,
            "tables.split": split,
        },
    ),
)
