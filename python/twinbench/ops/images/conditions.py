"""What the contracts of the image ops ask of their inputs: each function refuses a value that a contract excludes.

Images, rows and columns are counted from 1 in the messages.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twinbench.ops.contract import Arrays, OutsideContract

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_SIDE = 32_767
"""Most pixels of a side: libraries hold positions in 16 bits."""


def images(p: object, arrays: Arrays, *_: Arrays) -> None:
    """Refuse all but grey and RGB images, uint8, that have pixels."""
    if "x" not in arrays:
        raise OutsideContract(f"there is no array x, but {', '.join(arrays) or 'none at all'}; images are the array x")
    x = arrays["x"]
    if x.dtype != "uint8":
        raise OutsideContract(f"x is {x.dtype}{_example(x)}, and must be uint8, 0 to 255; scale, round and convert it")
    if x.ndim not in (3, 4) or (x.ndim == 4 and x.shape[3] != 3):
        raise OutsideContract(
            f"x is {x.shape}, and must be (images, height, width) for grey images or (images, height, width, 3) for RGB"
        )
    height, width = x.shape[1:3]
    if len(x) and min(height, width) == 0:
        raise OutsideContract(f"x is {x.shape}: images of {height} x {width} have no pixels")
    if max(height, width) > LARGEST_SIDE:
        raise OutsideContract(f"x is {x.shape}, and a side has at most {LARGEST_SIDE:,} pixels; cut or shrink it")


def grey(p: object, arrays: Arrays, *_: Arrays) -> None:
    """Refuse RGB images."""
    images(p, arrays)
    if arrays["x"].ndim == 4:
        raise OutsideContract(f"x is {arrays['x'].shape}, RGB, and the op takes grey images; put images.grey before it")


def rgb(p: object, arrays: Arrays, *_: Arrays) -> None:
    """Refuse grey images."""
    images(p, arrays)
    if arrays["x"].ndim == 3:
        raise OutsideContract(
            f"x is {arrays['x'].shape}: the images are grey, and the op takes RGB images; leave out the step"
        )


def black_and_white(p: object, arrays: Arrays, *_: Arrays) -> None:
    """Refuse RGB images, and grey levels other than 0 and 255."""
    import numpy as np

    grey(p, arrays)
    x = arrays["x"]
    other = (x != 0) & (x != 255)
    if other.any():
        at = np.unravel_index(int(other.argmax()), x.shape)
        image, row, column = (int(i) + 1 for i in at)
        raise OutsideContract(
            f"image {image}, row {row}, column {column}: {x[at]} is neither 0 nor 255; put images.otsu before it"
        )


def colours(arrays: Arrays, numbers: int, parameter: str) -> None:
    """Refuse another count of numbers than images have colours."""
    wanted = 3 if arrays["x"].ndim == 4 else 1
    if numbers != wanted:
        kind = "RGB" if wanted == 3 else "grey"
        raise OutsideContract(f"{parameter}: {numbers} for {kind} images of {arrays['x'].shape}; give {wanted}")


def part(arrays: Arrays, height: int, width: int) -> None:
    """Refuse a part that is larger than the images."""
    x = arrays["x"]
    if len(x) and (height > x.shape[1] or width > x.shape[2]):
        raise OutsideContract(
            f"no part of {height} x {width} pixels in images of {x.shape[1]} x {x.shape[2]}; "
            f"give a height of at most {x.shape[1]} and a width of at most {x.shape[2]}"
        )


def _example(x: NDArray[Any]) -> str:
    """Name the first pixel that isn't a grey level, if there is one."""
    import numpy as np

    if x.dtype.kind not in "fiu":
        return ""
    wrong = np.flatnonzero(~((x >= 0) & (x <= 255)))
    return (
        f" with {x.flat[wrong[0]]} at {tuple(int(i) for i in np.unravel_index(wrong[0], x.shape))}"
        if len(wrong)
        else ""
    )
