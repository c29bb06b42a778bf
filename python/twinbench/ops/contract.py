"""What an op is: a contract that an implementer in any language can follow without reading Python.

This module knows no library and imports none: a worker reads contracts, and what a worker imports would be
in its numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["file", "table", "arrays", "images", "model", "saved"]
"""What flows between steps.

``file``: a path. ``table``: named columns of one length, in order. ``arrays``: named arrays of any shape.
``images``: arrays of which ``x`` holds images of one size, ``(images, height, width)`` or ``(images, height, width,
3)`` for RGB. ``model``: a trained model, which can't move to another framework. ``saved``: the path that a model was
saved to, in a format of its framework; its neutral form is what is read back from there.
"""

Level = Literal["exact", "rounding", "approximate", "different"]
"""How an output compares: equal, equal but for rounding, inside a wider tolerance, or outside."""

Arrays = dict[str, "NDArray[Any]"]
"""The neutral form of a value: arrays by name, in order.

In a table each array is one column of shape ``(rows,)``. A missing number is NaN in a float64 column (integer
columns have none); a missing string is the empty string.
"""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the reference: ``|x - r| <= atol + rtol * |r|``.

    ``rtol = atol = 0`` asks for equality. Strings are always compared for equality, and so are shapes, dtypes,
    column names and the places of missing values; integers too, unless the tolerance speaks of ``levels``.
    """

    rtol: float = 0.0
    atol: float = 0.0
    levels: int = 0
    """How far uint8 values, the grey levels of images, may be apart."""

    @property
    def level(self) -> Level:
        """The tolerance class that this allows: ``rounding`` is float64 noise, or one grey level."""
        if self.rtol == self.atol == self.levels == 0:
            return "exact"
        return "rounding" if self.rtol <= 1e-9 and self.atol <= 1e-9 and self.levels <= 1 else "approximate"


EXACT = Tolerance()
ROUNDING = Tolerance(rtol=1e-9, atol=1e-12)
ROUNDED_SUM = Tolerance(rtol=1e-9, atol=1e-9)
"""Rounding, for values of the order of 1: a sum whose terms cancel is only as exact as its terms."""
ONE_LEVEL = Tolerance(rtol=1e-9, atol=1e-12, levels=1)


def _everything(arrays: Arrays) -> Arrays:
    return arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One language-neutral operation.

    ``semantics`` holds the meaning, the formula, the edge rules (ties, order, missing values) and the dtypes.
    ``reference(params, *inputs)`` is plain NumPy/SciPy on neutral values. When ``givens`` is there, the harness
    calls ``givens(params, *inputs)`` once, on the reference's inputs, and every implementation gets the result
    as its last argument: initial weights, batch orders, split indices.
    """

    name: str
    params: type
    inputs: tuple[Kind, ...]
    output: Kind
    summary: str
    semantics: str
    source: str
    reference: Callable[..., Any]
    tolerance: Tolerance = EXACT
    tolerance_of: Callable[[Any], Tolerance] | None = None
    """The tolerance by the parameters, where it depends on them; ``tolerance`` is then the widest."""
    givens: Callable[..., Arrays] | None = None
    canonical: Callable[[Arrays], Arrays] = field(default=_everything)
    """The part of the output that must agree: the first 20 losses of a training step, say."""
    in_order: Callable[[Any], bool] = field(default=lambda params: True)
    """Whether, with these parameters, a table's rows must come in the contract's order. If not, both tables are sorted
    before they are compared."""
    isolated: bool = False
    """Whether an output is compared on the reference's own inputs, and not on what the steps before handed over.

    For ops that make large differences of small ones, as a threshold does of what was rounded before it."""

    is_request: Callable[[Any], bool] = field(default=lambda params: False)
    """Whether a call with these parameters is one request, whose latency counts: its samples are taken one by one."""

    keeps_rows: bool = False
    """Whether each row of the output is the row of the input at the same place."""

    file_param: str = "table"
    """Of an op that reads a file: the parameter that says which one of the dataset's."""

    def file_of(self, params: Any) -> str:
        """The name of the file that an op with these parameters reads."""
        return str(getattr(params, self.file_param))

    @property
    def modality(self) -> str:
        """``tables`` of ``tables.join``."""
        return self.name.partition(".")[0]

    def build(self, values: Mapping[str, Any]) -> Any:
        """The parameters from values that a plan has already validated, as they come through JSON."""
        known = {f.name for f in fields(self.params)}
        return self.params(**{key: value for key, value in values.items() if key in known})
