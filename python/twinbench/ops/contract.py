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

Kind = Literal["file", "table", "arrays", "model"]
"""What flows between steps.

``file``: a path. ``table``: named columns of one length, in order. ``arrays``: named arrays of any shape.
``model``: a trained model, which can't move to another framework.
"""

Arrays = dict[str, "NDArray[Any]"]
"""The neutral form of a value: arrays by name, in order.

In a table each array is one column of shape ``(rows,)``. A missing number is NaN in a float64 column (integer
columns have none); a missing string is the empty string.
"""


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a float may be from the reference: ``|x - r| <= atol + rtol * |r|``.

    ``rtol = atol = 0`` asks for equality. Strings and integers are always compared for equality, and so are
    shapes, dtypes, column names and the places of missing values.
    """

    rtol: float = 0.0
    atol: float = 0.0

    @property
    def level(self) -> str:
        """The tolerance class: ``exact``, ``rounding`` (float64 noise) or ``approximate``."""
        if self.rtol == 0.0 and self.atol == 0.0:
            return "exact"
        return "rounding" if self.rtol <= 1e-9 and self.atol <= 1e-9 else "approximate"


EXACT = Tolerance()
ROUNDING = Tolerance(rtol=1e-9, atol=1e-12)


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
    givens: Callable[..., Arrays] | None = None
    compared: Callable[[Arrays], Arrays] = field(default=_everything)
    """The part of the output that must agree: the first 20 losses of a training step, say."""

    @property
    def modality(self) -> str:
        """``tables`` of ``tables.join``."""
        return self.name.partition(".")[0]

    def build(self, values: Mapping[str, Any]) -> Any:
        """The parameters from values that a plan has already validated, as they come through JSON."""
        known = {f.name for f in fields(self.params)}
        return self.params(**{key: value for key, value in values.items() if key in known})
