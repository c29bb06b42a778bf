"""What a function of the user's is handed and gives back in neutral form: arrays by name, whatever the kind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench.ops.arrays import KINDS
from twinbench.ops.contract import Arrays, Kind, Op, Role
from twinbench.usercode.function import UserCodeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

FORMS: dict[Kind, str] = {
    "arrays": "a dict of NumPy arrays by name",
    "table": "a dict of NumPy columns by name",
    "images": "a dict of NumPy arrays by name, with the images in 'x'",
    "model": "a dict by name with an array in it: the losses, or weights",
}
"""What a function gives back, by the kind of its output."""

OUTPUTS: dict[Role, tuple[str, ...]] = {
    "split": ("x_train", "y_train", "x_test", "y_test"),
    "score": ("scores",),
}
"""Arrays that the output of an op must have, by its role."""


def saved(value: Any, directory: Path) -> Path:
    """Return the path of the file or directory that an op with the role export wrote into ``directory``, or that is it.

    Raises UserCodeError, whose message goes on after the function's name, for anything else.
    """
    if not isinstance(value, (str, Path)):
        raise UserCodeError(f"returns a value of type {type(value).__name__} instead of the path that it wrote")
    path = Path(value)
    if not path.resolve().is_relative_to(directory.resolve()):
        raise UserCodeError(f"returns '{path}', which is not in the directory that it is given, {directory}")
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    if not files:
        raise UserCodeError(
            f"returns '{path}', {'a directory without files' if path.is_dir() else 'which is not there'}"
        )
    return path


def arrays_of(output: Any, op: Op) -> Arrays:
    """Return the arrays of a reference's model; none for what was saved, which is checked once it is loaded."""
    return {} if op.output == "saved" else neutral(output, op.output)


def neutral(value: Any, kind: Kind, role: Role = "") -> Arrays:
    """Return the arrays of an output, where numbers and lists become arrays; of a model, only its arrays.

    Raises UserCodeError, whose message goes on after the function's name, for an output of another kind.
    """
    import numpy as np

    if not isinstance(value, Mapping) or not all(isinstance(name, str) for name in value):
        raise UserCodeError(f"returns a value of type {type(value).__name__} instead of {FORMS[kind]}")
    numbers = (np.ndarray, np.generic, int, float, complex)
    named = {n: v for n, v in value.items() if kind != "model" or isinstance(v, numbers)}
    if not named:
        raise UserCodeError(f"returns {'nothing' if not value else ', '.join(value)} instead of {FORMS[kind]}")
    arrays = {name: _array(name, part) for name, part in named.items()}
    lengths = {name: array.shape for name, array in arrays.items()}
    if kind == "table" and (any(len(s) != 1 for s in lengths.values()) or len(set(lengths.values())) > 1):
        shapes = ", ".join(f"'{name}' {shape}" for name, shape in lengths.items())
        raise UserCodeError(f"returns columns of the shapes {shapes}; the columns of a table have one length")
    if kind == "images":
        x = arrays.get("x", np.zeros(0))
        if x.dtype != np.uint8 or x.ndim not in (3, 4):
            raise UserCodeError(f"returns {x.dtype} {x.shape} as 'x', where images are uint8 (images, height, width)")
    missing = [name for name in OUTPUTS.get(role, ()) if name not in arrays]
    if missing:
        raise UserCodeError(f"returns {', '.join(arrays)}, and not '{missing[0]}', which an op with role {role} gives")
    return arrays


def _array(name: str, value: Any) -> NDArray[Any]:
    import numpy as np

    try:
        array = np.asarray(value)
    except ValueError as error:
        raise UserCodeError(f"returns '{name}', which can't be an array: {error}") from None
    if array.dtype.kind not in KINDS:
        what = type(value).__name__ if array.ndim == 0 else f"an array of {array.dtype}"
        raise UserCodeError(f"returns '{name}' as {what}; give numbers, truth values or text (dtype str)")
    return array
