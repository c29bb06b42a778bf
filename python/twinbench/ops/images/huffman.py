"""The entropy coding of JPEG files: Huffman tables, the bits of a scan, and the coefficients that they stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twinbench.ops.contract import OutsideContract

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image

Codes = dict[tuple[int, int], int]
"""A Huffman table: the symbol by the length and the bits of its code."""


def huffman(body: bytes) -> dict[tuple[int, int], Codes]:
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


class Bits:
    """The bits of a scan between two restart markers."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)
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
        raise OutsideContract("the file is damaged: a Huffman code is in none of its tables; write it anew")

    def number(self, size: int) -> int:
        """Read the next coefficient, of ``size`` bits: T.81, F.12."""
        value = self.take(size)
        return value if size == 0 or value >> (size - 1) else value - (1 << size) + 1


def ac_coefficients(bits: Bits, codes: Codes, block: Image, order: list[int]) -> None:
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
