"""A reader of baseline JPEG files by the letter of the standard, without an image library: the reference of decoding.

Written for clarity: a photograph of 12 megapixels takes half a minute.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twinbench.ops.contract import OutsideContract
from twinbench.ops.images.huffman import Bits, Codes, ac_coefficients, huffman
from twinbench.ops.images.pixels import levels

if TYPE_CHECKING:
    from twinbench.ops.images.pixels import Image


SIGNATURE = b"\xff\xd8"

KINDS = {
    0xFFC1: "an extended JPEG",
    0xFFC2: "a progressive JPEG",
    0xFFC3: "a lossless JPEG",
    0xFFC9: "a JPEG with arithmetic coding",
}
"""What files are that begin a frame by another marker than that of baseline JPEG."""

NO_LENGTH = {0xFF01, *range(0xFFD0, 0xFFD8)}
"""Markers that stand alone."""


@dataclass(slots=True)
class _Component:
    """One component of a JPEG: its sampling factors, and its coefficients (rows of blocks, columns of blocks, 64)."""

    across: int
    down: int
    table: int
    codes: tuple[int, int] = (0, 0)
    """Numbers of the Huffman tables of the DC and of the AC coefficients."""
    blocks: Image | None = None
    steps: Image | None = None
    """The quantisation table that holds when the component's scan begins."""


@dataclass(slots=True)
class _Frame:
    """What the segments of a file say before its scans."""

    height: int = 0
    width: int = 0
    restart: int = 0
    components: dict[int, _Component] = field(default_factory=dict)
    tables: dict[int, Image] = field(default_factory=dict)
    codes: dict[tuple[int, int], Codes] = field(default_factory=dict)
    jfif: bool = False
    transform: int | None = None
    """The colour transform that Adobe's segment names; None without the segment."""

    def most(self) -> tuple[int, int]:
        """Return the largest sampling factors, down and across."""
        parts = self.components.values()
        return max(c.down for c in parts), max(c.across for c in parts)

    def size(self, c: _Component) -> tuple[int, int]:
        """Return height and width of a component, in samples."""
        down, across = self.most()
        return -(-self.height * c.down // down), -(-self.width * c.across // across)


def read_jpeg(data: bytes) -> Image:
    """Decode a file to ``(height, width)`` or ``(height, width, 3)``, uint8.

    Raises OutsideContract for anything but baseline JPEG, grey or YCbCr with chroma at the full or at half the
    resolution. A file that is cut off raises IndexError, KeyError, StopIteration or struct.error.
    """
    frame, position = _Frame(), len(SIGNATURE)
    while True:
        marker, position = _marker(data, position)
        if marker == 0xFFD9:
            return _picture(frame)
        if marker in NO_LENGTH:
            continue
        (length,) = struct.unpack_from(">H", data, position)
        body = data[position + 2 : position + length]
        position += length
        if marker == 0xFFDA:
            position = _scan(data, position, body, frame)
        else:
            _segment(marker, body, frame)


def _marker(data: bytes, position: int) -> tuple[int, int]:
    """Return the next marker, before which bytes 255 may stand, and the position behind it."""
    if data[position] != 0xFF:
        raise OutsideContract(f"the file is damaged: there is no marker at byte {position}; write it anew")
    while data[position] == 0xFF:
        position += 1
    return 0xFF00 | data[position], position + 1


def _segment(marker: int, body: bytes, frame: _Frame) -> None:
    """Read a segment that isn't a scan. Refuse what the contract excludes."""
    if marker == 0xFFDB:
        frame.tables |= _quantisation(body)
    elif marker == 0xFFC4:
        frame.codes |= huffman(body)
    elif marker == 0xFFDD:
        (frame.restart,) = struct.unpack(">H", body)
    elif marker == 0xFFE0:
        frame.jfif |= body.startswith(b"JFIF\0")
    elif marker == 0xFFEE and body.startswith(b"Adobe"):
        frame.transform = body[11]
    elif marker == 0xFFC0:
        bits, frame.height, frame.width, count = struct.unpack_from(">BHHB", body)
        if len(body) != 6 + 3 * count:
            raise OutsideContract(f"the file is damaged: {count} components in {len(body)} bytes; write it anew")
        for number, sampling, table in zip(*(body[6 + i : 6 + 3 * count : 3] for i in range(3)), strict=True):
            frame.components[number] = _Component(sampling >> 4, sampling & 15, table)
        _check(frame, bits)
    elif 0xFFC1 <= marker <= 0xFFCF:
        raise OutsideContract(f"the file is {KINDS.get(marker, 'another JPEG')}; save it as baseline JPEG")


def _check(frame: _Frame, bits: int) -> None:
    """Refuse a frame that the contract excludes."""
    parts = frame.components
    if bits != 8:
        raise OutsideContract(f"the file has {bits} bits per sample, and must have 8; convert it")
    if len(parts) not in (1, 3):
        raise OutsideContract(
            f"the file has {len(parts)} components, and must be grey or YCbCr; convert it to RGB first"
        )
    if min(frame.height, frame.width) == 0:
        raise OutsideContract(f"the file says that it has {frame.height} x {frame.width} pixels; write it anew")
    if any(not 1 <= factor <= 4 for part in parts.values() for factor in (part.down, part.across)):
        raise OutsideContract("the file is damaged: a sampling factor isn't from 1 to 4; write it anew")
    by_name = not frame.jfif and frame.transform is None and bytes(parts) == b"RGB"
    if len(parts) == 3 and (by_name or (not frame.jfif and frame.transform == 0)):
        raise OutsideContract("the file holds RGB, and must hold YCbCr; save it without 'keep RGB'")
    down, across = frame.most()
    ratios = [(down / c.down, across / c.across) for c in parts.values()]
    if len(parts) == 3 and (ratios[0] != (1, 1) or not {ratio for each in ratios for ratio in each} <= {1, 2}):
        raise OutsideContract("chroma must have the full or half the resolution of luma; save it with 4:4:4 or 4:2:0")
    if frame.width < 5 and any(ratio[1] == 2 for ratio in ratios):
        raise OutsideContract(
            f"chroma has half the width of {frame.width} pixels, and needs at least 5 of them; save it with 4:4:4"
        )


def _picture(frame: _Frame) -> Image:
    """Return the pixels of a frame whose components have all been read."""
    import numpy as np

    down, across = frame.most()
    planes = []
    for c in frame.components.values():
        if c.blocks is None:
            raise OutsideContract("the file is damaged: a component has no scan; write it anew")
        rows, columns = frame.size(c)
        planes.append(_enlarged(_plane(c)[:rows, :columns], (down // c.down, across // c.across)))
    y, *chroma = (plane[: frame.height, : frame.width] for plane in planes)
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


def _scan(data: bytes, start: int, body: bytes, frame: _Frame) -> int:
    """Fill in the coefficients of the components that a scan names. Return the position behind the scan.

    Each unit of a scan holds blocks of each component in turn, as many as its sampling factors say; alone in a scan, a
    component has one block in each unit, and no blocks beyond its size.
    """
    import numpy as np

    if len(body) != 4 + 2 * body[0] or body[-3:] != b"\0\x3f\0":
        raise OutsideContract("the file is damaged: the head of a scan isn't that of baseline JPEG; write it anew")
    parts = [frame.components[number] for number in body[1:-3:2]]
    down, across = frame.most()
    rows, columns = -(-frame.height // (8 * down)), -(-frame.width // (8 * across))
    for c, chosen in zip(parts, body[2:-3:2], strict=True):
        c.codes = (chosen >> 4, chosen & 15)
        c.blocks = np.zeros((rows * c.down, columns * c.across, 64))
        c.steps = frame.tables[c.table] if c.steps is None else c.steps
    shape = [(c, c.down, c.across) for c in parts]
    if len(parts) == 1:
        rows, columns = (-(-side // 8) for side in frame.size(parts[0]))
        shape = [(parts[0], 1, 1)]
    pieces, end = _pieces(data, start)
    later = iter(pieces)
    bits, before = Bits(next(later)), [0] * len(parts)
    order = _zigzag()
    for unit in range(rows * columns):
        if frame.restart and unit and unit % frame.restart == 0:
            bits, before = Bits(next(later)), [0] * len(parts)
        for index, (c, high, wide) in enumerate(shape):
            dc, ac = frame.codes[0, c.codes[0]], frame.codes[1, c.codes[1]]
            assert c.blocks is not None
            for v in range(high):
                for h in range(wide):
                    block = c.blocks[unit // columns * high + v, unit % columns * wide + h]
                    before[index] += bits.number(bits.symbol(dc))
                    block[0] = before[index]
                    ac_coefficients(bits, ac, block, order)
    return end


def _pieces(data: bytes, start: int) -> tuple[list[bytes], int]:
    """Return the bytes of a scan between restart markers, without the zero behind each byte 255, and the scan's end."""
    pieces, position = [], start
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            raise OutsideContract("the file is cut off: it ends inside a scan; write it anew")
        if data[position + 1] == 0:
            position += 2
            continue
        pieces.append(data[start:position].replace(b"\xff\x00", b"\xff"))
        marker, behind = _marker(data, position)
        if marker not in NO_LENGTH:
            return pieces, position
        start = position = behind


def _plane(c: _Component) -> Image:
    """Return the samples of one component: the inverse DCT of each block, rounded to levels."""
    import numpy as np

    assert c.blocks is not None
    u = np.arange(8)
    basis = np.cos((2 * u[:, None] + 1) * u * np.pi / 16) * np.where(u == 0, np.sqrt(1 / 8), 1 / 2)
    rows, columns = c.blocks.shape[:2]
    coefficients = (c.blocks * c.steps).reshape(rows, columns, 8, 8)
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
