"""A reader of baseline JPEG files by the letter of the standard, without an image library: the reference of decoding.

Written for clarity: a photograph of 12 megapixels takes half a minute.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinbench.ops.images.pixels import levels

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


@dataclass(slots=True)
class _Component:
    """One component of a JPEG: its sampling factors, and its coefficients (rows of blocks, columns of blocks, 64)."""

    across: int
    down: int
    table: int
    codes: tuple[int, int] = (0, 0)
    """Numbers of the Huffman tables of the DC and of the AC coefficients."""
    blocks: Image = field(init=False)


Codes = dict[tuple[int, int], int]
"""A Huffman table: the symbol by the length and the bits of its code."""


def read_jpeg(data: bytes) -> Image:
    """Decode a file to ``(height, width)`` or ``(height, width, 3)``, uint8.

    Raises ValueError for anything but baseline JPEG.
    """
    import numpy as np

    tables: dict[int, Image] = {}
    codes: dict[tuple[int, int], Codes] = {}
    components: dict[int, _Component] = {}
    height = width = restart = 0
    position = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, position)
        body = data[position + 4 : position + 2 + length]
        position += 2 + length
        if marker == 0xFFDB:
            tables |= _quantisation(body)
        elif marker == 0xFFC4:
            codes |= _huffman(body)
        elif marker == 0xFFDD:
            (restart,) = struct.unpack(">H", body)
        elif marker == 0xFFC0:
            _, height, width, count = struct.unpack_from(">BHHB", body)
            for number, sampling, table in zip(*(body[6 + i : 6 + 3 * count : 3] for i in range(3)), strict=True):
                components[number] = _Component(sampling >> 4, sampling & 15, table)
        elif marker == 0xFFDA:
            for number, chosen in zip(body[1:-3:2], body[2:-3:2], strict=True):
                components[number].codes = (chosen >> 4, chosen & 15)
            break
        elif 0xFFC1 <= marker <= 0xFFCF:
            raise ValueError("not a baseline JPEG")
    parts = list(components.values())
    if len(parts) == 1:  # alone, it has one block in each unit, whatever its sampling factors
        parts[0].across = parts[0].down = 1
    across, down = max(c.across for c in parts), max(c.down for c in parts)
    _scan(data, position, parts, codes, -(-height // (8 * down)), -(-width // (8 * across)), restart)
    planes = [
        _enlarged(_plane(c, tables[c.table])[: -(-height * c.down // down), : -(-width * c.across // across)], ratio)
        for c in parts
        for ratio in [(down // c.down, across // c.across)]
    ]
    y, *chroma = (plane[:height, :width] for plane in planes)
    if not chroma:
        return levels(y)
    cb, cr = (plane - 128 for plane in chroma)
    return levels(np.stack([y + 1.402 * cr, y - 0.344136 * cb - 0.714136 * cr, y + 1.772 * cb], axis=-1))


def _zigzag() -> list[int]:
    """Return the row-major positions of a block in the order of a scan: T.81, figure 5."""
    return sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))


def _quantisation(body: bytes) -> dict[int, Image]:
    """Parse quantisation tables, by number, each in row-major order."""
    import numpy as np

    found = {}
    while body:
        size = 2 if body[0] >> 4 else 1
        table = np.empty(64)
        table[_zigzag()] = np.frombuffer(body, f">u{size}", 64, 1)
        found[body[0] & 15] = table
        body = body[1 + 64 * size :]
    return found


def _huffman(body: bytes) -> dict[tuple[int, int], Codes]:
    """Parse Huffman tables, by class (0 for DC, 1 for AC coefficients) and number.

    The codes of a length count on from those of the shorter lengths.
    """
    found = {}
    while body:
        lengths, symbols, code = body[1:17], iter(body[17:]), 0
        table: Codes = {}
        for length, count in enumerate(lengths, start=1):
            for _ in range(count):
                table[length, code] = next(symbols)
                code += 1
            code <<= 1
        found[body[0] >> 4, body[0] & 15] = table
        body = body[17 + sum(lengths) :]
    return found


class _Bits:
    """The bits of a scan between two restart markers."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data + bytes(8))
        self._held = 0
        self._count = 0

    def take(self, count: int) -> int:
        """Read the next ``count`` bits as a number."""
        while self._count < count:
            self._held = (self._held << 8) | next(self._bytes)
            self._count += 8
        self._count -= count
        taken = self._held >> self._count
        self._held &= (1 << self._count) - 1
        return taken

    def symbol(self, codes: Codes) -> int:
        """Read the next Huffman code, and return its symbol."""
        code = 0
        for length in range(1, 17):
            code = (code << 1) | self.take(1)
            if (length, code) in codes:
                return codes[length, code]
        raise ValueError("not a JPEG: a Huffman code is in none of its tables")

    def number(self, size: int) -> int:
        """Read the next coefficient, of ``size`` bits: T.81, F.12."""
        value = self.take(size)
        return value if size == 0 or value >> (size - 1) else value - (1 << size) + 1


def _scan(
    data: bytes,
    start: int,
    parts: list[_Component],
    codes: dict[tuple[int, int], Codes],
    rows: int,
    columns: int,
    restart: int,
) -> None:
    """Fill in the coefficients of all components.

    Each unit of the scan holds blocks of each component in turn, as many as its sampling factors say.
    """
    import numpy as np

    pieces = _pieces(data, start)
    bits, before = _Bits(next(pieces)), [0] * len(parts)
    for c in parts:
        c.blocks = np.zeros((rows * c.down, columns * c.across, 64))
    order = _zigzag()
    for unit in range(rows * columns):
        if restart and unit and unit % restart == 0:
            bits, before = _Bits(next(pieces)), [0] * len(parts)
        for index, c in enumerate(parts):
            dc, ac = codes[0, c.codes[0]], codes[1, c.codes[1]]
            for v in range(c.down):
                for h in range(c.across):
                    block = c.blocks[unit // columns * c.down + v, unit % columns * c.across + h]
                    before[index] += bits.number(bits.symbol(dc))
                    block[0] = before[index]
                    _ac_coefficients(bits, ac, block, order)


def _ac_coefficients(bits: _Bits, codes: Codes, block: Image, order: list[int]) -> None:
    """Read the 63 AC coefficients of a block: a code gives the number of zeros before a coefficient, and its size."""
    k = 1
    while k < 64:
        symbol = bits.symbol(codes)
        zeros, size = symbol >> 4, symbol & 15
        if size == 0 and zeros < 15:
            return
        k += zeros
        if size:
            block[order[k]] = bits.number(size)
        k += 1


def _pieces(data: bytes, start: int) -> Iterator[bytes]:
    """Yield the bytes of a scan between restart markers, without the zero that follows each byte 255."""
    position = start
    while True:
        position = data.index(b"\xff", position)
        if data[position + 1] == 0:
            position += 2
            continue
        yield data[start:position].replace(b"\xff\x00", b"\xff")
        if not 0xD0 <= data[position + 1] <= 0xD7:
            return
        start = position = position + 2


def _plane(c: _Component, table: Image) -> Image:
    """Return the samples of one component: the inverse DCT of each block, rounded to levels."""
    import numpy as np

    u = np.arange(8)
    basis = np.cos((2 * u[:, None] + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 1 / 2)
    rows, columns = c.blocks.shape[:2]
    coefficients = (c.blocks * table).reshape(rows, columns, 8, 8)
    samples = np.einsum("yu,rcuv,xv->rycx", basis, coefficients, basis, optimize=True)
    return levels(samples.reshape(rows * 8, columns * 8) + 128).astype(float)


def _enlarged(plane: Image, ratio: tuple[int, int]) -> Image:
    """Interpolate linearly between samples, each at the centre of the pixels that it stands for."""
    import numpy as np

    for axis, factor in enumerate(ratio):
        if factor > 1:
            size = plane.shape[axis]
            at = np.clip((np.arange(size * factor) + 0.5) / factor - 0.5, 0, size - 1)
            low = np.minimum(np.floor(at).astype(int), max(size - 2, 0))
            share = (at - low).reshape((-1, 1) if axis == 0 else (1, -1))
            high = np.minimum(low + 1, size - 1)
            plane = plane.take(low, axis) * (1 - share) + plane.take(high, axis) * share
    return plane
