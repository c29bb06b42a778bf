"""The table ops in Polars: eager frames between the steps, lazy queries within them. What is missing is null.

This file knows Polars and the contracts, and nothing of how it is run or timed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from twinbench.frameworks.api import Framework
from twinbench.ops import tables as t
from twinbench.ops.contract import Arrays, Kind

if TYPE_CHECKING:
    import numpy as np
    import polars as pl


def load(threads: int) -> None:
    """Import Polars, which reads the size of its pool from the environment, once."""
    global np, pl
    import numpy as np
    import polars as pl


def prepare(value: Arrays, kind: Kind) -> Any:
    """Convert a table into a DataFrame with null for missing values; other values stay unchanged."""
    if kind != "table":
        return value
    return pl.DataFrame({name: _series(values) for name, values in value.items()})


def _series(values: np.ndarray[Any, Any]) -> pl.Series:
    if values.dtype.kind == "U":
        return pl.Series(values.tolist(), dtype=pl.String).replace("", None)
    return pl.Series(values, nan_to_null=True)


def extract(value: Any, kind: Kind) -> Arrays:
    """Convert columns into arrays, with null as NaN or ``""``."""
    if kind != "table":
        return dict(value)
    return {column.name: _array(column) for column in value.get_columns()}


def _array(column: pl.Series) -> np.ndarray[Any, Any]:
    if column.dtype in (pl.String, pl.Categorical):
        column = column.alias("")  # a name that is a pattern would confuse the methods of a series
        return np.array(column.cast(pl.String).fill_null("").to_list(), dtype=np.str_)
    return column.to_numpy()


def threads() -> Mapping[str, int]:
    """Return the threads of Polars' own pool."""
    return {"polars": pl.thread_pool_size()}


def engine() -> Mapping[str, str]:
    """Return the engine of lazy queries: ``auto`` unless an environment variable or a configuration chooses one."""
    return {"engine": pl.Config.state(env_only=True).get("POLARS_ENGINE_AFFINITY") or "auto"}


def facts(value: Any, kind: Kind) -> Mapping[str, str]:
    """Describe the dtype of each column."""
    if kind == "table":
        return {name: str(dtype) for name, dtype in value.schema.items()}
    return {name: f"{v.dtype} {'C' if v.flags.c_contiguous else 'F'}" for name, v in value.items()}


def read_csv(p: t.ReadCsv, path: str) -> pl.DataFrame:
    """Scan the file for the columns that the parameters name."""
    types = {"int64": pl.Int64, "float64": pl.Float64, "string": pl.String}
    return (
        pl.scan_csv(
            path,
            schema_overrides={name: types[kind] for name, kind in p.columns.items()},
            null_values=["", "NA"],
            infer_schema=False,
            with_column_names=_unquoted,
            glob=False,
        )
        .select(_read(name, kind) for name, kind in p.columns.items())
        .collect()
    )


def _unquoted(names: list[str]) -> list[str]:
    """Undouble the quotes of a quoted header, which Polars leaves doubled."""
    return [name.replace('""', '"') for name in names]


def _read(name: str, kind: t.Type) -> pl.Expr:
    """Read a column in which the text NaN is missing, as an empty field is."""
    return col(name).fill_nan(None) if kind == "float64" else col(name)


def col(name: str) -> pl.Expr:
    """Name a column, and no other: Polars takes ``*`` and ``^...$`` for patterns."""
    pattern = name == "*" or (name[:1], name[-1:]) == ("^", "$")
    return exactly([name]).as_expr() if pattern else pl.col(name)


def exactly(names: Iterable[str]) -> pl.selectors.Selector:
    """Select columns by their names, where a method takes names or selectors only."""
    return pl.selectors.by_name(*names)


def categorise(p: t.Categorise, frame: pl.DataFrame) -> pl.DataFrame:
    """Cast to ``Categorical``, whose categories all frames of a process share; it sorts by the strings."""
    return frame.with_columns(col(name).cast(pl.Categorical) for name in p.columns)


def clean(p: t.Clean, frame: pl.DataFrame) -> pl.DataFrame:
    """Drop rows, then cast."""
    types = {"int64": pl.Int64, "float64": pl.Float64, "string": pl.String}
    present = frame.drop_nulls(exactly(p.drop_missing)) if p.drop_missing else frame
    return present.with_columns(col(name).cast(types[kind]) for name, kind in p.cast.items())


def impute(p: t.Impute, frame: pl.DataFrame) -> pl.DataFrame:
    """Fill all columns in one expression."""
    columns = [col(name) for name in p.columns]
    return frame.with_columns(c.fill_null(c.median() if p.strategy == "median" else c.mean()) for c in columns)


def derive(p: t.Derive, frame: pl.DataFrame) -> pl.DataFrame:
    """Add columns in one query: the optimiser parses a column of times only once."""
    new = [_derived(definition).alias(name) for name, definition in p.columns.items()]
    return frame.lazy().with_columns(new).collect()


def _derived(definition: t.Derivation) -> pl.Expr:
    match definition:
        case ["floor_divide", column, divisor]:
            return col(column) // divisor
        case ["ratio", a, b, scale]:
            return col(a) * scale / col(b)
        case ["greater", column, bound]:
            return (col(column) > bound).fill_null(False).cast(pl.Int64)
        case [of, column]:
            time = col(column).cast(pl.String).str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
            return (time.dt.month() if of == "month" else time.dt.weekday()).cast(pl.Int64)


def groupby(p: t.Groupby, frame: pl.DataFrame) -> pl.DataFrame:
    """Aggregate in any order; if the contract asks for an order, sort the resulting groups."""
    new = [_aggregate(function, *map(col, of)).alias(name) for name, (function, *of) in p.aggregates.items()]
    groups = _present(frame, p.keys).lazy().group_by(map(col, p.keys)).agg(new)
    return (groups.sort(map(col, p.keys)) if p.ordered else groups).collect()


def _present(frame: pl.DataFrame, keys: Sequence[str]) -> pl.DataFrame:
    """Drop the rows that miss a key. Counting nulls costs nothing, filtering does."""
    return frame.drop_nulls(exactly(keys)) if any(frame[name].null_count() for name in keys) else frame


def _aggregate(function: str, column: pl.Expr, *other: pl.Expr) -> pl.Expr:
    match function:
        case "count":
            return column.count().cast(pl.Int64)
        case "max_minus_min":
            return column.max() - other[0].min()
        case "r2":  # NaN where r2 isn't defined
            return pl.corr(column, *other).pow(2).fill_nan(None)
    expression: pl.Expr = getattr(column, function)()
    return expression


def top(p: t.Top, frame: pl.DataFrame) -> pl.DataFrame:
    """Take the largest values with ``top_k``, which promises no order, and sort these few rows if they need one."""
    groups = (
        frame.lazy().drop_nulls(exactly((*p.keys, p.column))).group_by(map(col, p.keys)).agg(col(p.column).top_k(p.n))
    )
    rows = groups.explode(pl.selectors.by_name(p.column))
    if p.ordered:
        rows = rows.sort(*map(col, p.keys), col(p.column), descending=[*(False for _ in p.keys), True])
    return rows.collect()


def join(p: t.Join, left: pl.DataFrame, right: pl.DataFrame) -> pl.DataFrame:
    """Join, keeping both tables' orders if the contract asks for it; null keys match nothing."""
    right = right.select(map(col, (*p.on, *p.columns)))
    if p.how == "left":
        right = right.with_columns(col(name).cast(pl.Float64) for name in p.columns if right.schema[name].is_integer())
    if mixed := [name for name in p.on if left.schema[name] != right.schema[name]]:  # strings on one side only
        left, right = (side.with_columns(col(name).cast(pl.String) for name in mixed) for side in (left, right))
    return left.join(
        right, on=[col(name) for name in p.on], how=p.how, maintain_order="left_right" if p.ordered else "none"
    )


def sort(p: t.Sort, frame: pl.DataFrame) -> pl.DataFrame:
    """Sort stably in both directions."""
    return frame.sort([col(name) for name in p.by], descending=p.descending, nulls_last=True, maintain_order=True)


def rolling(p: t.Rolling, frame: pl.DataFrame) -> pl.DataFrame:
    """Apply a window function over groups."""
    column = col(p.column).cast(pl.Float64)
    function = column.rolling_mean if p.function == "mean" else column.rolling_sum
    return frame.with_columns(function(p.window, min_samples=1).over([col(name) for name in p.by]).alias(p.name))


def one_hot(p: t.OneHot, frame: pl.DataFrame) -> pl.DataFrame:
    """Apply ``to_dummies`` column by column: on a frame, it would insert the indicators between other columns."""
    others = frame.drop(exactly(p.columns))
    return pl.concat([others, *(_indicators(frame.get_column(name)) for name in p.columns)], how="horizontal")


def _indicators(column: pl.Series) -> pl.DataFrame:
    """Return the indicators in the order of the values, which for integers isn't the order of their names."""
    indicators = column.to_dummies(separator="=", drop_nulls=True)
    names = sorted(indicators.columns)
    if column.dtype.is_integer():
        names.sort(key=lambda name: int(name[len(column.name) + 1 :]))
    return indicators.select(map(col, names))


def standardise(p: t.Standardise, frame: pl.DataFrame) -> pl.DataFrame:
    """Standardise all columns in one expression; dividing a constant column by infinity makes it 0."""
    return frame.with_columns(map(_standardised, map(col, p.columns)))


def _standardised(x: pl.Expr) -> pl.Expr:
    deviation = pl.when(x.min() < x.max()).then(x.std(ddof=0)).otherwise(float("inf"))
    return (x - x.mean()) / deviation


def split(p: t.Split, frame: pl.DataFrame, given: Arrays) -> Arrays:
    """Gather rows column by column, before the columns become a matrix; the matrices are column-major."""
    x = frame.drop(exactly((p.label, *p.drop))).cast(pl.Float32)
    y = frame.get_column(p.label).cast(pl.Float32).to_numpy()
    train, test = given["train"], given["test"]
    return {"x_train": x[train].to_numpy(), "y_train": y[train], "x_test": x[test].to_numpy(), "y_test": y[test]}


FRAMEWORKS = (
    Framework(
        name="Polars",
        language="python",
        summary="Data frames with a query optimiser, on Arrow arrays",
        packages=("polars",),
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
