"""A reader of PNG files by the letter of the standard, without an image library: the reference of decoding."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from twinbench.ops.contract import OutsideContract

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"

COLOURS = {0: "grey", 2: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGB with alpha"}
"""What the colour types of the standard hold."""

EXCLUDED = {b"tRNS": "has transparent pixels (tRNS)", b"acTL": "is animated (acTL)"}
"""What the contract excludes, by the chunk that says it."""

CRITICAL = (b"IHDR", b"PLTE", b"IDAT", b"IEND")
"""The chunks that a reader must understand."""


def read_png(data: bytes) -> Image:
    """Decode a file to ``(height, width)`` or ``(height, width, 3)``, uint8.

    Raises OutsideContract for anything but 8-bit grey or RGB without interlacing and transparency, and for a file that
    is damaged.
    """
    import numpy as np

    chunks = list(_chunks(data))
    width, height, channels = _header(chunks)
    packed = b"".join(body for kind, body in chunks if kind == b"IDAT")
    raw = zlib.decompressobj().decompress(packed, height * (1 + width * channels))
    if len(raw) < height * (1 + width * channels):
        raise OutsideContract("the file is damaged: it holds fewer pixels than its header says; write it anew")
    lines = np.frombuffer(raw, np.uint8).reshape(height, 1 + width * channels)
    image = np.zeros((height, width, channels), np.uint8)
    above = np.zeros((width, channels), np.uint8)
    for row, line in zip(image, lines, strict=True):
        row[:] = _unfiltered(int(line[0]), line[1:].reshape(width, channels), above)
        above = row
    return image if channels == 3 else image[..., 0]


def _header(chunks: list[tuple[bytes, bytes]]) -> tuple[int, int, int]:
    """Return width, height and the number of channels. Refuse what the contract excludes."""
    width, height, depth, colour, *_, interlace = struct.unpack(">IIBBBBB", chunks[0][1])
    if depth != 8 or colour not in (0, 2):
        kind = COLOURS.get(colour, f"colour type {colour}")
        raise OutsideContract(
            f"the file has {depth} bits per sample, {kind}, and must have 8 bits, grey or RGB; convert it"
        )
    if interlace:
        raise OutsideContract("the file is interlaced; save it without interlacing")
    for name, _ in chunks:
        if name in EXCLUDED:
            raise OutsideContract(f"the file {EXCLUDED[name]}; save it as plain grey or RGB")
        if name not in CRITICAL and name[:1].isupper():
            raise OutsideContract(f"the file has a chunk {name.decode('latin-1')!r} that the standard doesn't name")
    return width, height, 3 if colour == 2 else 1


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the type and the content of each chunk. Raises IndexError or struct.error where the file is cut off."""
    position, kind = len(SIGNATURE), b""
    while kind != b"IEND":
        (length,) = struct.unpack_from(">I", data, position)
        kind, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (checksum,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(kind + body) != checksum:
            name = kind.decode("latin-1")
            raise OutsideContract(f"the file is damaged: the checksum of its chunk {name!r} is wrong; write it anew")
        yield kind, body
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
