"""JPEG."""

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
    """One colour of a JPEG: how it is sampled, and its coefficients (rows of blocks, columns of blocks, 64)."""

    across: int
    down: int
    table: int
    codes: tuple[int, int] = (0, 0)
    """Which Huffman tables: of the first coefficient, and of the others."""
    blocks: Image = field(init=False)


Codes = dict[tuple[int, int], int]
"""Huffman's: by length and bits, the symbol."""


def read_jpeg(data: bytes) -> Image:
    """``(height, width)`` or ``(height, width, 3)``. Raises ValueError for another kind of JPEG."""
    import numpy as np

    tables: dict[int, Image] = {}
    codes: dict[tuple[int, int], Codes] = {}
    components: dict[int, _Component] = {}
    height = width = restart = 0
    place = 2
    while True:
        marker, length = struct.unpack_from(">HH", data, place)
        body = data[place + 4 : place + 2 + length]
        place += 2 + length
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
    if len(parts) == 1:  # alone, it has one block in each unit, however it is said to be sampled
        parts[0].across = parts[0].down = 1
    across, down = max(c.across for c in parts), max(c.down for c in parts)
    _scan(data, place, parts, codes, -(-height // (8 * down)), -(-width // (8 * across)), restart)
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
    """Places in a block, row by row, in the order of a scan: T.81, figure 5."""
    return sorted(range(64), key=lambda i: (i // 8 + i % 8, i // 8 if (i // 8 + i % 8) % 2 else i % 8))


def _quantisation(body: bytes) -> dict[int, Image]:
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
    """By class (0 for first coefficients, 1 for others) and number. Codes of a length count on from shorter ones."""
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
    """The bits of a scan, between two restarts."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data + bytes(8))
        self._held = 0
        self._count = 0

    def take(self, count: int) -> int:
        """The next ones, as a number."""
        while self._count < count:
            self._held = (self._held << 8) | next(self._bytes)
            self._count += 8
        self._count -= count
        taken = self._held >> self._count
        self._held &= (1 << self._count) - 1
        return taken

    def symbol(self, codes: Codes) -> int:
        """The next Huffman code's."""
        code = 0
        for length in range(1, 17):
            code = (code << 1) | self.take(1)
            if (length, code) in codes:
                return codes[length, code]
        raise ValueError("a code that is in no table")

    def number(self, size: int) -> int:
        """The next coefficient, of ``size`` bits: T.81, F.12."""
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
    """Fill the coefficients: units of all colours in turn, as many blocks of each as it is sampled finer."""
    import numpy as np

    pieces = _pieces(data, start)
    bits, before = _Bits(next(pieces)), [0] * len(parts)
    for c in parts:
        c.blocks = np.zeros((rows * c.down, columns * c.across, 64))
    order = _zigzag()
    for unit in range(rows * columns):
        if restart and unit and unit % restart == 0:
            bits, before = _Bits(next(pieces)), [0] * len(parts)
        for place, c in enumerate(parts):
            first, others = codes[0, c.codes[0]], codes[1, c.codes[1]]
            for v in range(c.down):
                for h in range(c.across):
                    block = c.blocks[unit // columns * c.down + v, unit % columns * c.across + h]
                    before[place] += bits.number(bits.symbol(first))
                    block[0] = before[place]
                    _others(bits, others, block, order)


def _others(bits: _Bits, codes: Codes, block: Image, order: list[int]) -> None:
    """The 63 coefficients after the first: each code says how many zeros come before the next, and its size."""
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
    """A scan's bytes, from restart to restart, without the zero that follows each 255."""
    place = start
    while True:
        place = data.index(b"\xff", place)
        if data[place + 1] == 0:
            place += 2
            continue
        yield data[start:place].replace(b"\xff\x00", b"\xff")
        if not 0xD0 <= data[place + 1] <= 0xD7:
            return
        start = place = place + 2


def _plane(c: _Component, table: Image) -> Image:
    """Samples of one colour: the inverse DCT of each block, rounded to levels."""
    import numpy as np

    u = np.arange(8)
    basis = np.cos((2 * u[:, None] + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 1 / 2)
    rows, columns = c.blocks.shape[:2]
    coefficients = (c.blocks * table).reshape(rows, columns, 8, 8)
    samples = np.einsum("yu,rcuv,xv->rycx", basis, coefficients, basis, optimize=True)
    return levels(samples.reshape(rows * 8, columns * 8) + 128).astype(float)


def _enlarged(plane: Image, ratio: tuple[int, int]) -> Image:
    """Linear interpolation, samples being the centres of the pixels that they stand for."""
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
