"""What an op is: a contract that an implementer in any language can follow without reading Python.

This module imports no library: a worker reads contracts, and everything that a worker imports is part of what it
measures.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["file", "table", "arrays", "images", "model", "saved"]
"""What flows between steps.

``file``: a path. ``table``: named columns of equal length, in order. ``arrays``: named arrays of any shape.
``images``: arrays of which ``x`` holds images of equal size, ``(images, height, width)`` or ``(images, height, width,
3)`` for RGB. ``model``: a trained model, which can't move to another framework. ``saved``: the path that a model was
saved to, in a format of its framework; its neutral form is the content that is read back from this path.
"""

NEUTRAL: frozenset[Kind] = frozenset({"table", "arrays", "images", "model"})
"""The kinds whose values a framework can be given as arrays; a file in a library's own format isn't one of them."""

Role = Literal["split", "train", "score", "export", "load", ""]
"""What the harness uses an op for. The reference and every implementation have the outputs that the harness reads.

- ``split``: the examples that are trained on, and those that are held out. Outputs: ``x_train``, ``y_train``,
  ``x_test`` and ``y_test``. Where the input is a table, the parameters ``label`` and ``drop`` name the columns that are
  not features.
- ``train``: a model, from the outputs of a split. Outputs: ``losses``, besides the weights. An op that starts from
  givens has a parameter ``seed``, and ``order``, int64 (epochs, rows), is one of the givens.
- ``score``: the predictions of a model for the ``x_test`` of a split. Outputs: ``scores``, one row for each scored row.
  The parameter ``rows`` is 0 where all rows are scored.
- ``export``: a saved model, from a model. Its parameters all have defaults.
- ``load``: a model, from the saved model. Its parameters all have defaults.

The role of every other op is the empty string: it is a step of its pipeline, and no more.
"""

Level = Literal["exact", "rounding", "approximate", "different"]
"""How well an output agrees: equal, equal but for rounding, inside a wider tolerance, or outside the tolerance."""

Arrays = dict[str, "NDArray[Any]"]
"""The neutral form of a value: arrays by name, in order.

In a table each array is one column of shape ``(rows,)``. A missing number is NaN in a float64 column (integer
columns have no missing values); a missing string is the empty string.
"""


class OutsideContract(ValueError):
    """An input that the contract of an op excludes.

    The message is one line that says where the value is (column, row, record, image), which value it is, what the
    contract asks for, and what to do: "column 'v1', row 17: NaN can't be cast to int64; put tables.impute before it".
    """


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far a number may be from the reference: ``|x - r| <= atol * scale + rtol * |r|``.

    The scale is 1 unless the op has one (`Op.scale`).

    ``rtol = atol = 0`` asks for equality. Strings, shapes, dtypes, column names and the positions of missing values
    must always be equal, and so must integers, unless ``levels`` is above 0.
    """

    rtol: float = 0.0
    atol: float = 0.0
    levels: int = 0
    """Largest difference allowed between uint8 values, the grey levels of images."""

    @property
    def level(self) -> Level:
        """The class of this tolerance: ``rounding`` allows float64 rounding errors, or one grey level."""
        if self.rtol == self.atol == self.levels == 0:
            return "exact"
        return "rounding" if self.rtol <= 1e-9 and self.atol <= 1e-9 and self.levels <= 1 else "approximate"


def deviation_units(count: Any) -> Any:
    """Return by how many units in the last place of the largest of ``count`` values a deviation may be off.

    Libraries sum in float64. The rounding errors of n additions add up to the order of the square root of n units
    (Higham and Mary 2019); 600 timestamps of 17 digits gave libraries' standard deviations 39 units apart.
    """
    return 8 + 3 * count**0.5


def check_seed(seed: int) -> None:
    """Raise ValueError for a seed that a random generator doesn't take."""
    if not 0 <= seed < 2**63:
        raise ValueError("seed must be from 0 to below 2^63")


EXACT = Tolerance()
ROUNDING = Tolerance(rtol=1e-9, atol=1e-12)
ROUNDED_SUM = Tolerance(rtol=1e-9, atol=1e-9)
"""Rounding, for values of the order of 1: a sum whose terms cancel is only as exact as its terms."""
ONE_LEVEL = Tolerance(rtol=1e-9, atol=1e-12, levels=1)


def _unchanged(arrays: Arrays) -> Arrays:
    return arrays


def _anything(*_: Any) -> None:
    """Accept any parameters and inputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    """One language-neutral operation.

    ``semantics`` holds the meaning, the formula, the rules for edge cases (ties, order, missing values) and the dtypes.
    ``reference(params, *inputs)`` is plain NumPy/SciPy on neutral values. Where ``givens`` is set, the harness calls
    ``givens(params, *inputs)`` once, on the reference's inputs, and every implementation gets the result as its last
    argument: initial weights, batch orders, split indices.
    """

    name: str
    params: type
    inputs: tuple[Kind, ...]
    output: Kind
    summary: str
    semantics: str
    source: str
    reference: Callable[..., Any]
    requires: Callable[..., None] = field(default=_anything)
    """``requires(params, *inputs)`` raises `OutsideContract` for an input that the contract excludes.

    The harness calls it once, on the reference's inputs, before any stack runs."""
    role: Role = ""
    tolerance: Tolerance = EXACT
    tolerance_of: Callable[[Any], Tolerance] | None = None
    """The tolerance by the parameters, where it depends on them; ``tolerance`` is then the widest."""
    scale: Callable[..., Arrays] | None = None
    """``scale(params, output, *inputs)``: the unit of ``tolerance.atol`` by output array, from the reference's output
    and inputs: a number, or an array that broadcasts against the output array in canonical form.

    It says what float64 can know of an output: the largest magnitude of a record, say, so that agreement means the same
    in volts and in microvolts. An output array that isn't named has the scale 1."""
    givens: Callable[..., Arrays] | None = None
    derived: Callable[..., Arrays] | None = None
    """``derived(params, output, *inputs)``: arrays that are computed from an output for the check of agreement, beside
    the output's own: the predictions of a trained model, say. The inputs are the reference's, its givens the last."""
    parts_at: Callable[[Arrays, Arrays], int] | None = None
    """``parts_at(output, scale)``: the step from which on honest trainings part, by the reference's output and its
    `scale`; 0 where they don't. From there on, only large mistakes are outside the tolerance."""
    canonical: Callable[[Arrays], Arrays] = field(default=_unchanged)
    """Puts an output into canonical form: only what must agree (the losses of a training step, say), and equal for two
    outputs that the contract doesn't distinguish (components that are numbered differently)."""
    equivalent: Callable[..., Arrays] | None = None
    """``equivalent(params, got, want, *inputs)``: the right output that ``got`` is held against, where a contract has
    several right outputs. ``want`` is the reference's, and is returned where ``got`` fulfils no criterion.

    The inputs are the reference's, so such an op is ``isolated``."""
    in_order: Callable[[Any], bool] = field(default=lambda params: True)
    """Whether, with these parameters, a table's rows must come in the contract's order. If not, both tables are sorted
    before agreement is checked."""
    isolated: bool = False
    """Whether agreement is checked on the reference's own inputs, and not on the outputs of the previous steps.

    For ops that turn small differences into large ones, as a threshold does with values that were rounded before."""

    is_request: Callable[[Any], bool] = field(default=lambda params: False)
    """Whether a call with these parameters is one request, whose latency counts: its samples are taken one by one."""

    keeps_rows: bool = False
    """Whether row i of the output is row i of the input."""

    keeps_framework: bool = False
    """Whether later steps that take the output, or a table made of it, run in the framework that made it or not at all.

    For an op whose output is held in a way that its neutral form doesn't show."""

    file_param: str = "table"
    """For an op that reads a file: the parameter that names the file of the dataset."""

    def file_of(self, params: Any) -> str:
        """Return the name of the file that an op with these parameters reads."""
        return str(getattr(params, self.file_param))

    @property
    def modality(self) -> str:
        """``tables`` for ``tables.join``."""
        return self.name.partition(".")[0]

    def build(self, values: Mapping[str, Any]) -> Any:
        """Build the parameters from values that a plan has already validated, as they come through JSON."""
        known = {f.name for f in fields(self.params)}
        return self.params(**{key: value for key, value in values.items() if key in known})
