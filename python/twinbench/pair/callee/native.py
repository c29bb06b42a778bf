"""From neutral values to what a Python user expects as arguments, and from results to neutral values."""

from __future__ import annotations

import dataclasses
import datetime
import sys
from typing import Any

from twinbench.pair.callee.values import DTYPES, MISSING, Masked, Missing, Named, Other, Table

MOST_TEXT = 200
"""Characters that are kept of the text of a value that can't travel."""


def native(value: Any, annotation: Any = None) -> Any:
    """Return an argument in the form that its parameter's annotation says, or else in the usual one.

    The usual forms are NumPy arrays and pandas DataFrames. Raises ImportError where a library is missing.
    """
    wanted = _wanted(annotation)
    if isinstance(value, Table):
        return _frame(value, wanted)
    if isinstance(value, Masked):
        return _masked(value)
    if isinstance(value, Missing):
        return sys.modules["pandas"].NA if "pandas" in sys.modules else None
    if isinstance(value, Named):
        return {name: native(item) for name, item in value.values.items()}
    if isinstance(value, (list, tuple)) and not wanted.startswith(("numpy", "torch")):
        items = [native(item) for item in value]
        return tuple(items) if isinstance(value, tuple) or wanted == "tuple" else items
    if isinstance(value, dict):
        return {key: native(item) for key, item in value.items()}
    return _array(value, wanted) if isinstance(value, list) or hasattr(value, "dtype") else value


def _wanted(annotation: Any) -> str:
    """Return the name that an annotation begins with, as in ``pandas.DataFrame``; empty without an annotation."""
    if annotation is None:
        return ""
    if isinstance(annotation, str):
        name = annotation.partition("[")[0].strip()
        short = {"np": "numpy", "pd": "pandas", "pl": "polars", "pa": "pyarrow"}
        head, dot, rest = name.partition(".")
        return short.get(head, head) + dot + rest
    origin = getattr(annotation, "__origin__", annotation)
    module, name = getattr(origin, "__module__", ""), getattr(origin, "__name__", "")
    return name if module in ("builtins", "typing", "collections.abc") else f"{module.partition('.')[0]}.{name}"


def _array(value: Any, wanted: str) -> Any:
    if hasattr(value, "dtype") and value.dtype.kind == "O":
        value = value.copy()
        value.reshape(-1)[:] = [native(item) for item in value.ravel().tolist()]
    if wanted in ("list", "List", "Sequence", "Iterable", "Collection"):
        return value if isinstance(value, list) else value.tolist()
    if wanted in ("tuple", "Tuple") and getattr(value, "ndim", 0) == 1:
        return tuple(value.tolist())
    if wanted == "torch.Tensor":
        import torch

        return torch.as_tensor(value)
    if wanted in ("pandas.Series", "polars.Series"):
        module = __import__(wanted.partition(".")[0])
        return module.Series(value)
    if isinstance(value, list):
        import numpy as np

        return np.asarray(value)
    return value


def _masked(column: Masked) -> Any:
    """Return a column as pandas reads it from a CSV file: float64 with NaN for numbers, objects for booleans."""
    import numpy as np

    kind = column.values.dtype.kind
    if not column.mask.any():
        return column.values
    if kind in "mM":
        filled = column.values.copy()
        filled[column.mask] = np.array("NaT", filled.dtype)
    elif kind == "f":
        filled = column.values.copy()
        filled[column.mask] = np.nan
    elif kind == "b":
        filled = column.values.astype(object)
        filled[column.mask] = None
    else:
        filled = column.values.astype(np.float64)
        filled[column.mask] = np.nan
    return filled


def _strings(column: Any) -> Any:
    return [None if item is MISSING else item for item in column.tolist()]


def _frame(table: Table, wanted: str) -> Any:
    if wanted == "dict":
        return {
            name: _masked(column) if isinstance(column, Masked) else column for name, column in table.columns.items()
        }
    if wanted in ("polars.DataFrame", "polars.LazyFrame", "pyarrow.Table"):
        lists = {}
        for name, column in table.columns.items():
            if isinstance(column, Masked):
                pairs = zip(column.values.tolist(), column.mask.tolist())
                lists[name] = [None if missing else item for item, missing in pairs]
            else:
                lists[name] = _strings(column) if column.dtype.kind == "O" else column
        module = __import__(wanted.partition(".")[0])
        return module.table(lists) if wanted == "pyarrow.Table" else getattr(module, wanted.partition(".")[2])(lists)
    import pandas as pd

    columns = {}
    for name, column in table.columns.items():
        if isinstance(column, Masked):
            columns[name] = _masked(column)
        elif column.dtype.kind == "O":
            columns[name] = pd.Series(_strings(column), dtype=_text_dtype(column, pd))
        else:
            columns[name] = column
    return pd.DataFrame(columns, index=pd.RangeIndex(table.rows))


def _text_dtype(column: Any, pd: Any) -> Any:
    """Return the type of a column of strings: pandas' own from version 3 on, objects before that."""
    text = all(isinstance(item, (str, Missing)) for item in column.tolist())
    return "str" if text and int(pd.__version__.partition(".")[0]) >= 3 else object


def neutral(value: Any, depth: int = 0) -> Any:
    """Return the neutral value of what a function returned; `Other` for what can't travel."""
    kind = type(value)
    if value is None or kind in (bool, int, float, str, complex, bytes) or depth > 200:
        return value if depth <= 200 else Other(_name(value), "nested too deeply")
    if kind in (list, tuple):
        items = [neutral(item, depth + 1) for item in value]
        return tuple(items) if kind is tuple else items
    if isinstance(value, dict):
        return {_key(key): neutral(item, depth + 1) for key, item in value.items()}
    library = kind.__module__.partition(".")[0]
    if library in _LIBRARIES:
        return _LIBRARIES[library](value, depth)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return Named({name: neutral(item, depth + 1) for name, item in zip(value._fields, value)})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return Named({field.name: neutral(getattr(value, field.name), depth + 1) for field in fields})
    return _standard(value, depth)


def _standard(value: Any, depth: int) -> Any:
    """Return the neutral value of a type of the standard library, or of a subclass of a built-in type."""
    if isinstance(value, (set, frozenset)):
        return {neutral(item, depth + 1) for item in value}
    if isinstance(value, (datetime.date, datetime.timedelta, bytes, bytearray)):
        return value
    if isinstance(value, range) or hasattr(value, "typecode"):
        return list(value)
    base: Any
    for base in (bool, int, float, str, complex):
        if isinstance(value, base) and not hasattr(value, "_member_map_"):
            return base(value)
    if isinstance(value, (list, tuple)):
        return [neutral(item, depth + 1) for item in value]
    if hasattr(value, "__array__"):
        return _numpy(value.__array__(), depth)
    return Other(_name(value), _shown(value))


def _name(value: Any) -> str:
    return type(value).__name__


def _shown(value: Any) -> str:
    try:
        return repr(value)[:MOST_TEXT]
    except Exception as error:  # the user's own __repr__
        return f"{type(error).__name__} in its __repr__"


def _key(key: Any) -> Any:
    if hasattr(key, "item") and hasattr(key, "dtype"):
        return key.item()
    return key if isinstance(key, (str, int, float, tuple)) or key is None else _shown(key)


def _numpy(value: Any, depth: int) -> Any:
    import numpy as np

    if isinstance(value, np.ma.MaskedArray):
        return Masked(np.asarray(value.filled()), np.ma.getmaskarray(value))
    if isinstance(value, np.generic) and value.dtype.kind in "US":
        return str(value) if value.dtype.kind == "U" else value.tobytes()
    if not isinstance(value, (np.ndarray, np.generic)):
        return Other(_name(value), _shown(value))
    if value.dtype.kind in "mM":
        value = _times(value)
    if value.dtype.names:
        return Table({name: _numpy(value[name], depth) for name in value.dtype.names}, len(value))
    if isinstance(value, np.generic):
        return _number(value)
    if value.dtype.name in DTYPES:
        return value
    if value.dtype.kind in "fc" and value.dtype.name not in DTYPES:
        return value.astype("complex128" if value.dtype.kind == "c" else "float64")
    items = np.empty(value.shape, object)
    flat = items.reshape(-1)
    for index, item in enumerate(value.ravel().tolist()):
        flat[index] = neutral(item, depth + 1)
    return items


def _times(value: Any) -> Any:
    import numpy as np

    if value.dtype.name == "datetime64[D]":
        return value
    return value.astype("datetime64[ns]" if value.dtype.kind == "M" else "timedelta64[ns]") + np.timedelta64(0, "ns")


def _number(value: Any) -> Any:
    """Return a scalar of NumPy; those that Python has a type for become that type."""
    if value.dtype.name in ("bool", "int64", "float64", "complex128"):
        return value.item()
    if value.dtype.name in DTYPES or value.dtype.kind in "mM":
        return value
    return value.item() if value.dtype.kind != "V" else Other(_name(value), _shown(value))


def _pandas(value: Any, depth: int) -> Any:
    import pandas as pd

    if value is pd.NA or value is pd.NaT:
        return MISSING
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value.to_pytimedelta()
    if isinstance(value, pd.DataFrame):
        return _pandas_table(value, depth)
    if isinstance(value, pd.Series):
        if any(value.index.names) or not pd.api.types.is_integer_dtype(value.index.dtype):
            return _pandas_table(value.to_frame("value" if value.name is None else value.name), depth)
        return column(value, depth)
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        return column(pd.Series(value), depth)
    return Other(_name(value), _shown(value))


def _pandas_table(frame: Any, depth: int) -> Table:
    """Return a DataFrame's columns, after those of an index that has names or labels; row numbers are left out."""
    labelled = any(frame.index.names) or frame.index.dtype.kind not in "iu"
    if labelled:
        frame = frame.reset_index()
    columns = {}
    for position, name in enumerate(frame.columns):
        text = str(name) if not isinstance(name, tuple) else "_".join(map(str, name))
        text = text if text not in columns else f"{text}.{position}"
        columns[text] = column(frame.iloc[:, position], depth)
    return Table(columns, len(frame))


def column(series: Any, depth: int) -> Any:
    """Return a Series of pandas as an array, or `Masked` where its type has missing values of its own."""
    import numpy as np

    dtype = series.dtype
    if isinstance(dtype, np.dtype) and dtype.kind not in "OmM":
        return _numpy(series.to_numpy(), depth)
    missing = series.isna().to_numpy()
    kind = getattr(dtype, "kind", "O")
    if kind in "mM":
        values = series.dt.tz_convert(None) if getattr(dtype, "tz", None) is not None else series
        unit = "datetime64[ns]" if kind == "M" else "timedelta64[ns]"
        return _masked_or_plain(values.to_numpy().astype(unit), missing)
    if kind in "iufb":
        zero = False if kind == "b" else 0
        return _masked_or_plain(series.to_numpy(dtype=dtype.numpy_dtype, na_value=zero), missing)
    items = np.empty(len(series), object)
    for index, item in enumerate(series.tolist()):
        items[index] = MISSING if missing[index] else neutral(item, depth + 1)
    return items


def _masked_or_plain(values: Any, missing: Any) -> Any:
    return Masked(values, missing) if missing.any() else values


def _polars(value: Any, depth: int) -> Any:
    kind = _name(value)
    if kind == "LazyFrame":
        value = value.collect()
    if kind in ("DataFrame", "LazyFrame"):
        return Table({series.name: _polars(series, depth) for series in value.get_columns()}, value.height)
    if kind != "Series":
        return Other(kind, _shown(value))
    return _nullable(value.to_list(), value.is_null().to_numpy(), lambda: value.drop_nulls().to_numpy(), depth)


def _pyarrow(value: Any, depth: int) -> Any:
    kind = _name(value)
    if kind == "Table":
        return Table({name: _pyarrow(value[name], depth) for name in value.column_names}, value.num_rows)
    if not hasattr(value, "is_null"):
        return neutral(value.as_py(), depth + 1) if hasattr(value, "as_py") else Other(kind, _shown(value))
    missing = value.is_null().to_numpy() if kind == "ChunkedArray" else value.is_null().to_numpy(zero_copy_only=False)
    return _nullable(value.to_pylist(), missing, lambda: _pyarrow_numbers(value), depth)


def _pyarrow_numbers(value: Any) -> Any:
    present = value.drop_null()
    return present.to_numpy() if _name(value) == "ChunkedArray" else present.to_numpy(zero_copy_only=False)


def _nullable(items: list[Any], missing: Any, present: Any, depth: int) -> Any:
    import numpy as np

    numbers = _numpy(present(), depth)
    if getattr(numbers, "dtype", None) is None or numbers.dtype.kind == "O":
        array = np.empty(len(items), object)
        for index, item in enumerate(items):
            array[index] = MISSING if item is None else neutral(item, depth + 1)
        return array
    if not missing.any():
        return numbers
    values = np.zeros(len(items), numbers.dtype)
    values[~missing] = numbers
    return Masked(values, np.asarray(missing))


def _torch(value: Any, depth: int) -> Any:
    if not hasattr(value, "detach"):
        return Other(_name(value), _shown(value))
    return _numpy(value.detach().cpu().numpy(), depth)


_LIBRARIES = {"numpy": _numpy, "pandas": _pandas, "polars": _polars, "pyarrow": _pyarrow, "torch": _torch}
"""By library, the function that makes its values neutral."""
