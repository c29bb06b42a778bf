"""Neutral values as source text of Python and of Julia, so that an input can be pasted into a session or a test."""

from __future__ import annotations

import datetime
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinbench.pair.callee.values import Masked, Missing, Named, Other, Table

MOST_VALUES = 200
"""A value with more numbers isn't written as text."""


class TooLarge(ValueError):
    """A value that is too large, or of a kind that has no text."""


def count(value: Any) -> int:
    """Return how many numbers and strings a value holds."""
    if isinstance(value, Table):
        return sum(map(count, value.columns.values())) + 1
    if isinstance(value, Masked):
        return int(value.values.size)
    if isinstance(value, np.ndarray):
        return int(value.size)
    if isinstance(value, (dict, Named)):
        items = value.values if isinstance(value, Named) else value
        return sum(map(count, items.values())) + 1
    return sum(map(count, value)) + 1 if isinstance(value, (list, tuple, set)) else 1


def python(value: Any) -> str:
    """Return Python's source of a value, with NumPy as ``np`` and pandas as ``pd``. Raises TooLarge."""
    if count(value) > MOST_VALUES or isinstance(value, Other):
        raise TooLarge("the value is too large to be written as text")
    return _python(value)


def _python(value: Any) -> str:
    if isinstance(value, (float, np.floating)):
        return _python_float(value)
    if isinstance(value, complex) and not (math.isfinite(value.real) and math.isfinite(value.imag)):
        return f"complex({_python_float(value.real)}, {_python_float(value.imag)})"
    if isinstance(value, np.generic):
        return f"np.{value.dtype.type.__name__}({str(value)!r})" if value.dtype.kind in "mM" else repr(value)
    if isinstance(value, Missing):
        return "None"
    if isinstance(value, np.ndarray):
        return _python_array(value)
    if isinstance(value, Masked):
        if not value.values.size:
            return _python_array(value.values)
        pairs = zip(value.values.tolist(), value.mask.tolist(), strict=True)
        gap = "np.nan" if value.values.dtype.kind in "iuf" else "None"
        return f"[{', '.join(gap if missing else _python(item) for item, missing in pairs)}]"
    if isinstance(value, Table):
        columns = (f"{name!r}: {_python_column(column)}" for name, column in value.columns.items())
        return f"pd.DataFrame({{{', '.join(columns)}}})"
    if isinstance(value, list):
        return f"[{', '.join(map(_python, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_python, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, (dict, Named)):
        items = value.values if isinstance(value, Named) else value
        return f"{{{', '.join(f'{_python(key)}: {_python(item)}' for key, item in items.items())}}}"
    return repr(value)


def _python_float(value: float | np.floating[Any]) -> str:
    name = "np.nan" if math.isnan(value) else "np.inf" if value > 0 else "-np.inf"
    text = repr(float(value)) if math.isfinite(value) else name
    return text if isinstance(value, float) else f"np.{value.dtype.name}({text})"


def _python_array(array: NDArray[Any]) -> str:
    if not array.size and array.ndim > 1:
        return f"np.zeros({array.shape}, {array.dtype.name!r})"
    plain = array.dtype.name in ("float64", "int64", "bool", "complex128") and array.size
    return f"np.array({_nested(array)}{'' if plain else f', {array.dtype.name!r}'})"


def _nested(array: NDArray[Any]) -> str:
    if array.ndim > 1:
        return f"[{', '.join(map(_nested, array))}]"
    items = [str(item) for item in array] if array.dtype.kind in "mM" else array.tolist()
    return f"[{', '.join(map(_python, items))}]"


def _python_column(column: Any) -> str:
    if isinstance(column, np.ndarray) and column.dtype == object:
        text = f"[{', '.join(map(_python, column.tolist()))}]"
        return f"pd.Series({text}, dtype='str')" if not column.size else text
    return _python(column)


JULIA_TYPES = {
    "bool": "Bool",
    "complex64": "ComplexF32",
    "complex128": "ComplexF64",
    **{f"int{bits}": f"Int{bits}" for bits in (8, 16, 32, 64)},
    **{f"uint{bits}": f"UInt{bits}" for bits in (8, 16, 32, 64)},
    **{f"float{bits}": f"Float{bits}" for bits in (16, 32, 64)},
    "datetime64[ns]": "DateTime",
    "datetime64[D]": "Date",
    "timedelta64[ns]": "Nanosecond",
}


def julia(value: Any) -> str:
    """Return Julia's source of a value. Raises TooLarge."""
    if count(value) > MOST_VALUES or isinstance(value, (Other, bytes)):
        raise TooLarge("the value is too large to be written as text")
    return _julia(value)


def _julia(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Missing):
        return "missing"
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, str):
        return _julia_string(value)
    if isinstance(value, (int, float, complex, np.number)):
        return _julia_number(value)
    if isinstance(value, (datetime.date, np.datetime64)):
        name = "Date" if not isinstance(value, datetime.datetime) and len(str(value)) <= 10 else "DateTime"
        return f'{name}("{str(value).replace(" ", "T")[: 10 if name == "Date" else 23]}")'
    if isinstance(value, (datetime.timedelta, np.timedelta64)):
        return f"Nanosecond({int(np.timedelta64(value, 'ns').astype('int64'))})"
    if isinstance(value, (np.ndarray, Masked)):
        return _julia_array(value)
    if isinstance(value, Table):
        columns = (f"{_julia_string(name)} => {_julia(column)}" for name, column in value.columns.items())
        return f"DataFrame({', '.join(columns)})"
    return _julia_collection(value)


def _julia_collection(value: Any) -> str:
    if isinstance(value, list):
        types = {type(item) for item in value}
        kind = "" if len(types) == 1 or types == {int, float} else "Any"  # Julia would make a number of true
        return f"{kind}[{', '.join(map(_julia, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_julia, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return f"Dict({', '.join(f'{_julia(key)} => {_julia(item)}' for key, item in value.items())})"
    if isinstance(value, Named):
        return f"(; {', '.join(f'{name} = {_julia(item)}' for name, item in value.values.items())})"
    if isinstance(value, (set, frozenset)):
        return f"Set([{', '.join(map(_julia, value))}])"
    raise TooLarge(f"a value of type {type(value).__name__} has no text in Julia")


def _julia_string(text: str) -> str:
    """Return a string literal: JSON's escapes are Julia's, once ``$`` is escaped, too."""
    return json.dumps(text, ensure_ascii=False).replace("$", "\\$").replace("\x7f", "\\x7f")


def _julia_number(value: Any) -> str:
    if isinstance(value, (complex, np.complexfloating)):
        inside = f"{_julia_number(float(value.real))}, {_julia_number(float(value.imag))}"
        return f"{JULIA_TYPES[value.dtype.name] if isinstance(value, np.generic) else 'ComplexF64'}({inside})"
    if isinstance(value, (float, np.floating)):
        text = repr(float(value)) if math.isfinite(value) else "NaN" if math.isnan(value) else "Inf"
        text = f"-{text}" if value == -math.inf else text
        return text if isinstance(value, float) else f"{JULIA_TYPES[value.dtype.name]}({text})"
    if isinstance(value, np.generic):
        return f"{JULIA_TYPES[value.dtype.name]}({value})"
    if value == -(2**63):
        return "typemin(Int64)"
    return str(value) if -(2**63) < value < 2**63 else f'big"{value}"'


def _julia_array(array: Any) -> str:
    values, mask = (array.values, array.mask) if isinstance(array, Masked) else (array, np.zeros(array.shape, bool))
    items = values.ravel().tolist() if values.dtype.kind not in "mM" else list(values.ravel())
    texts = ["missing" if missing else _julia(item) for item, missing in zip(items, mask.ravel().tolist(), strict=True)]
    kind = JULIA_TYPES.get(values.dtype.name, "")
    if isinstance(array, Masked):
        kind = f"Union{{Missing, {kind}}}"
    elif values.dtype.name in ("float64", "int64", "bool", "complex128") and texts:
        kind = ""
    elif values.dtype == object and not texts:
        kind = "String"
    if values.ndim == 1:
        return f"{kind}[{', '.join(texts)}]"
    if not texts:
        return f"Array{{{kind or 'Any'}}}(undef, {', '.join(map(str, values.shape))})"
    if values.ndim == 2:
        width = values.shape[1]
        rows = "; ".join(" ".join(texts[i : i + width]) for i in range(0, len(texts), width))
        return f"{kind}[{rows}{';;' if width == 1 else ''}]"  # without ;; one column is a vector
    sizes = ", ".join(map(str, reversed(values.shape)))
    order = ", ".join(map(str, range(values.ndim, 0, -1)))
    return f"permutedims(reshape({kind}[{', '.join(texts)}], {sizes}), ({order}))"


def call(language: str, function: str, positional: list[Any], named: dict[str, Any]) -> str:
    """Return the source of a call with arguments by position and by name. Raises TooLarge."""
    text = python if language == "python" else julia
    arguments = [text(value) for value in positional]
    arguments += [f"{name}={text(value)}" for name, value in named.items()]
    return f"{function}({', '.join(arguments)})"
