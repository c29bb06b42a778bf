"""The ops that decode image files."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from twinbench.ops.contract import Arrays, Op, OutsideContract, Tolerance
from twinbench.ops.images.jpeg import SIGNATURE as SIGNATURE_OF_JPEG
from twinbench.ops.images.jpeg import read_jpeg
from twinbench.ops.images.pixels import without_size
from twinbench.ops.images.png import SIGNATURE as SIGNATURE_OF_PNG
from twinbench.ops.images.png import read_png

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(frozen=True, slots=True, kw_only=True)
class Decode:
    """``directory``: name of the directory of files in the dataset."""

    directory: str


FORMATS = {
    SIGNATURE_OF_PNG: "a PNG file",
    SIGNATURE_OF_JPEG: "a JPEG file",
    b"GIF8": "a GIF file",
    b"BM": "a BMP file",
    b"II*\0": "a TIFF file",
    b"MM\0*": "a TIFF file",
    b"RIFF": "a WebP file",
}
"""What a file is, by its first bytes."""

ALIKE = {".png": (".png",), ".jpg": (".jpg", ".jpeg", ".jpe")}
"""Endings, in small letters, by which people name files of the same format."""

DAMAGED = (EOFError, IndexError, KeyError, StopIteration, ValueError, struct.error, zlib.error)
"""What the readers raise where a file ends too early, or says what no encoder writes."""


def decode_png(p: Decode, directory: str) -> Arrays:
    """Read every ``*.png`` of a directory."""
    return _decoded(directory, ".png", SIGNATURE_OF_PNG, read_png)


def decode_jpeg(p: Decode, directory: str) -> Arrays:
    """Read every ``*.jpg`` of a directory."""
    return _decoded(directory, ".jpg", SIGNATURE_OF_JPEG, read_jpeg)


def _decoded(directory: str, ending: str, signature: bytes, read: Callable[[bytes], Image]) -> Arrays:
    """Return the images of all files, or refuse the first file that the contract excludes, by its name."""
    import numpy as np

    images: list[Image] = []
    files = _files(Path(directory), ending)
    for file in files:
        try:
            image = read(_content(file, signature))
        except OutsideContract as error:
            raise OutsideContract(f"{file}: {error}") from None
        except DAMAGED:
            raise OutsideContract(f"{file}: the file is damaged or cut off; write it anew") from None
        if images and image.shape != images[0].shape:
            raise OutsideContract(
                f"{file}: {_size(image)}, and {files[0].name} is {_size(images[0])}; "
                "the files of a directory must be of one kind and size"
            )
        images.append(image)
    return {"x": np.stack(images)}


def _files(directory: Path, ending: str) -> list[Path]:
    """Return the files with an ending, sorted by name. Refuse a directory without any, and endings that are alike."""
    names = sorted(directory.iterdir()) if directory.is_dir() else []
    for path in names:
        if path.suffix != ending and path.suffix.lower() in ALIKE[ending]:
            raise OutsideContract(f"{path}: the name ends in {path.suffix}, and must end in {ending}; rename the file")
    files = [path for path in names if path.name.endswith(ending)]
    if not files:
        raise OutsideContract(f"{directory}: there are no files *{ending}")
    return files


def _content(file: Path, signature: bytes) -> bytes:
    """Return the bytes of a file. Refuse a file of another format."""
    if not file.is_file():
        raise OutsideContract("this is not a file; remove it, or rename it")
    data = file.read_bytes()
    if not data.startswith(signature):
        kind = next((kind for first, kind in FORMATS.items() if data.startswith(first)), "of another format")
        what = "empty" if not data else kind
        raise OutsideContract(f"the file is {what}, and must be {FORMATS[signature]}; convert it, or remove it")
    return data


def _size(image: Image) -> str:
    return f"{'RGB' if image.ndim == 3 else 'grey'} of {image.shape[0]} x {image.shape[1]} pixels"


DECODE_PNG = Op(
    name="images.decode_png",
    params=Decode,
    inputs=("file",),
    output="images",
    summary="Read a directory of PNG files.",
    semantics="""The input is a directory. Its files `*.png`, one at least, sorted by name, are the images: 8 bits per
sample, grey or RGB, not interlaced, without transparency or animation, all of the same size and kind. Output: `x`,
the samples unchanged, whatever gamma, colour profile, background, significant bits or orientation a file declares.
Files are read from the page cache.""",
    source="ISO/IEC 15948:2004, Portable Network Graphics, https://www.w3.org/TR/png-3/",
    reference=decode_png,
    file_param="directory",
    canonical=without_size,
)


DECODE_JPEG = replace(
    DECODE_PNG,
    name="images.decode_jpeg",
    summary="Read a directory of JPEG files.",
    semantics="""The input is a directory. Its files `*.jpg`, one at least, sorted by name, are the images: baseline
JPEG of 8 bits, in one scan or several, grey or YCbCr, all of the same size and kind. Chroma has the full or half the
resolution of luma along each axis; where it has half the width, an image is at least five pixels wide. Output: `x`,
grey or RGB. Coefficients are dequantised, transformed by the inverse DCT of T.81, and rounded to 0..255. Chroma
samples at half the resolution lie midway between the luma samples, and are interpolated linearly between their
nearest neighbours; at the border they are repeated. Then R = Y + 1.402 (Cr - 128), G = Y - 0.344136 (Cb - 128) -
0.714136 (Cr - 128), B = Y + 1.772 (Cb - 128), as grey levels. No orientation or colour profile is applied. Decoders
compute in integers: each of the three stages may be off by one level, and the last stage multiplies the error of
chroma. Files are read from the page cache.""",
    source="ITU-T T.81 and T.871 (JFIF), https://www.itu.int/rec/T-REC-T.81",
    reference=decode_jpeg,
    tolerance=Tolerance(levels=4),
)
