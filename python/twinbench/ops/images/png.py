"""A reader of PNG files by the letter of the standard, without an image library: the reference of decoding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


def read_png(data: bytes) -> Image:
    """Decode a file to ``(height, width)`` or ``(height, width, 3)``, uint8.

    Raises ValueError for anything but 8-bit grey or RGB without interlacing.
    """
    import numpy as np

    chunks = list(_chunks(data))
    width, height, depth, colour, *_, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in (0, 2) or interlace:
        raise ValueError("not a PNG of 8 bits, grey or RGB, without interlacing")
    channels = 3 if colour == 2 else 1
    raw = zlib.decompress(b"".join(body for kind, body in chunks if kind == b"IDAT"))
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * channels)
    image = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for row, line in zip(image, lines, strict=True):
        row[:] = _unfiltered(int(line[0]), line[1:].reshape(width, channels), above)
        above = row
    return image if channels == 3 else image[..., 0]


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each chunk."""
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise ValueError("not a PNG file")
    position = 8
    while position < len(data):
        (length,) = struct.unpack_from(">I", data, position)
        yield data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        position += length + 12


def _unfiltered(kind: int, line: Image, above: Image) -> Image:
    """Undo the filter of a line: clause 9 of the standard.

    Filters leave differences, modulo 256, to the pixel on the left, the pixel above, or a prediction from both.
    """
    import numpy as np

    if kind == 0:
        return line
    if kind == 1:
        return np.cumsum(line, axis=0, dtype=np.uint8)
    if kind == 2:
        return np.add(line, above)
    guess = {3: _average, 4: _paeth}[kind]
    out = np.empty_like(line)
    for channel in range(line.shape[1]):
        left = upper_left = 0
        pixels = []
        for difference, upper in zip(line[:, channel].tolist(), above[:, channel].tolist(), strict=True):
            left = (difference + guess(left, upper, upper_left)) & 255
            upper_left = upper
            pixels.append(left)
        out[:, channel] = pixels
    return out


def _average(left: int, upper: int, upper_left: int) -> int:
    return (left + upper) >> 1


def _paeth(left: int, upper: int, upper_left: int) -> int:
    by_left, by_upper = abs(upper - upper_left), abs(left - upper_left)
    by_corner = abs(left + upper - 2 * upper_left)
    if by_left <= by_upper and by_left <= by_corner:
        return left
    return upper if by_upper <= by_corner else upper_left
