"""A failing case as Python that can be pasted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from numpy.typing import NDArray

from twinbench.conformance.case import Case, Files
from twinbench.ops.contract import Arrays, Op

MOST_VALUES = 500
"""A larger array isn't printed."""


def paste(op: Op, case: Case) -> str:
    """Python that makes the parameters and the inputs again, and asks the reference."""
    return "\n".join(_lines(op, case))


def _lines(op: Op, case: Case) -> Iterator[str]:
    yield "from numpy import array, inf, nan"
    yield "from twinbench import ops"
    files = [value for value in case.inputs if isinstance(value, Files)]
    if files:
        yield "from pathlib import Path"
    for recipe in case.recipes:
        yield f"import {recipe.partition('(')[0].rpartition('.')[0]}"
    yield ""
    for value in files:
        for name, data in value.contents.items():
            yield f'path = Path("case", {name!r})'
            yield "path.parent.mkdir(parents=True, exist_ok=True)"
            yield f"path.write_bytes({data!r})"
    yield f"op = ops.get({op.name!r})"
    yield f"params = op.build({case.values!r})"
    yield f"inputs = [{', '.join(_inputs(case))}]"
    if op.givens is not None:
        yield "inputs.append(op.givens(params, *inputs))"
    yield "want = op.reference(params, *inputs)"


def _inputs(case: Case) -> Iterator[str]:
    for position, value in enumerate(case.inputs):
        if position < len(case.recipes):
            yield case.recipes[position]
        elif isinstance(value, Files):
            yield repr("/".join(("case", value.file)).rstrip("/"))
        else:
            yield _arrays(value)


def _arrays(arrays: Arrays) -> str:
    return "{" + ", ".join(f"{name!r}: {_array(values)}" for name, values in arrays.items()) + "}"


def _array(values: NDArray[Any]) -> str:
    dtype = "str" if values.dtype.kind == "U" else values.dtype.name
    if values.size > MOST_VALUES:
        return f"...  # {dtype} {values.shape} is too large to be printed"
    flat = f"array({values.ravel().tolist()!r}, {dtype!r})"
    return flat if values.ndim == 1 else f"{flat}.reshape{values.shape}"
