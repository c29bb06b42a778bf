"""The ops that decode image files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twinbench.ops.contract import Arrays, Op, Tolerance
from twinbench.ops.images.jpeg import read_jpeg
from twinbench.ops.images.pixels import without_size
from twinbench.ops.images.png import read_png

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """``directory``: name of the directory of files in the dataset."""

    directory: str


def decode_png(p: Decode, directory: str) -> Arrays:
    """Read every ``*.png`` of a directory."""
    return _decoded(directory, "*.png", read_png)


def decode_jpeg(p: Decode, directory: str) -> Arrays:
    """Read every ``*.jpg`` of a directory."""
    return _decoded(directory, "*.jpg", read_jpeg)


def _decoded(directory: str, pattern: str, read: Callable[[bytes], Image]) -> Arrays:
    import numpy as np

    files = sorted(Path(directory).glob(pattern))
    return {"x": np.stack([read(file.read_bytes()) for file in files]) if files else np.empty((0, 0, 0), np.uint8)}


DECODE_PNG = Op(
    name="images.decode_png",
    params=Decode,
    inputs=("file",),
    output="images",
    summary="Read a directory of PNG files.",
    semantics="""The input is a directory. Its files `*.png`, sorted by name, are the images: 8 bits per sample, grey or
RGB, not interlaced, all of the same size and kind. Output: `x`, the samples unchanged, whatever gamma or colour profile
a file declares. Files are read from the page cache.""",
    source="ISO/IEC 15948:2004, Portable Network Graphics, https://www.w3.org/TR/png-3/",
    reference=decode_png,
    file_param="directory",
    canonical=without_size,
)


DECODE_JPEG = replace(
    DECODE_PNG,
    name="images.decode_jpeg",
    summary="Read a directory of JPEG files.",
    semantics="""The input is a directory. Its files `*.jpg`, sorted by name, are the images: baseline JPEG of 8 bits,
grey or YCbCr in JFIF, all of the same size and kind, at least five pixels wide. Output: `x`, grey or RGB. Coefficients
are dequantised, transformed by the inverse DCT of T.81, and rounded to 0..255. Chroma samples at half the resolution
lie midway between the luma samples, and are interpolated linearly between their nearest neighbours; at the border they
are repeated. Then R = Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) - 0.714136 (Cr - 128), B = Y + 1.772 (Cb -
128), as grey levels. No orientation or colour profile is applied. Decoders compute in integers: each of the three
stages may be off by one level, and the last stage multiplies the error of chroma. Files are read from the
page cache.""",
    source="ITU-T T.81 and T.871 (JFIF), https://www.itu.int/rec/T-REC-T.81",
    reference=decode_jpeg,
    tolerance=Tolerance(levels=4),
)
