"""Our readers of PNG and JPEG against files written here by the letter of the standard, and against Pillow's files."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinbench.ops.images.jpeg import _enlarged, _zigzag, read_jpeg
from twinbench.ops.images.png import read_png

Image = pytest.importorskip("PIL.Image", reason="Pillow, which writes the files, is not installed")


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(image: np.ndarray, filters: list[int]) -> bytes:
    """A PNG whose lines are filtered as told, by clause 9 of the standard, byte by byte."""
    height, width = image.shape[:2]
    step = 3 if image.ndim == 3 else 1
    raw = bytearray()
    above = bytes(width * step)
    for kind, row in zip(filters, image, strict=True):
        line = row.tobytes()
        raw.append(kind)
        for i, byte in enumerate(line):
            a = line[i - step] if i >= step else 0
            b = above[i]
            c = above[i - step] if i >= step else 0
            nearest = min((a, b, c), key=lambda value: abs(a + b - c - value))
            raw.append((byte - [0, a, b, (a + b) // 2, nearest][kind]) % 256)
        above = line
    packed = zlib.compress(bytes(raw))
    header = struct.pack(">IIBBBBB", width, height, 8, 2 if step == 3 else 0, 0, 0, 0)
    body = chunk(b"IDAT", packed[:9]) + chunk(b"IDAT", packed[9:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"tEXt", b"a\0b") + body + chunk(b"IEND", b"")


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_png_is_read_whatever_its_filters(data: Any):
    height, width = data.draw(st.integers(1, 6)), data.draw(st.integers(1, 7))
    filters = data.draw(st.lists(st.integers(0, 4), min_size=height, max_size=height))
    shape = (height, width, 3) if data.draw(st.booleans()) else (height, width)
    image = np.random.default_rng(data.draw(st.integers(0, 99))).integers(0, 256, shape, dtype=np.uint8)
    file = png(image, filters)
    np.testing.assert_array_equal(read_png(file), image)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), image)


@pytest.mark.parametrize("mode", ["P", "RGBA", "1", "I;16"])
def test_another_kind_of_png_is_refused(mode: str):
    file = io.BytesIO()
    Image.new(mode, (3, 2)).save(file, "PNG")
    with pytest.raises(ValueError, match="8 bits, grey or RGB"):
        read_png(file.getvalue())


def photograph(height: int, width: int) -> np.ndarray:
    y, x = np.mgrid[:height, :width]
    return np.stack([128 + 100 * np.sin(x / p) * np.cos(y / p) for p in (3, 7, 15)], axis=-1).astype(np.uint8)


def jpeg(image: np.ndarray, **options: Any) -> bytes:
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", **options)
    return file.getvalue()


@pytest.mark.parametrize("subsampling", ["4:4:4", "4:2:2", "4:2:0"])
@pytest.mark.parametrize("shape", [(16, 16), (37, 53), (8, 5), (1, 40)])
def test_a_jpeg_is_read_as_libjpeg_reads_it_but_for_rounding(shape: tuple[int, int], subsampling: str):
    noise = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    for image in (photograph(*shape), noise):
        file = jpeg(image, quality=80, subsampling=subsampling)
        distance = read_jpeg(file).astype(int) - np.asarray(Image.open(io.BytesIO(file)))
        assert np.abs(distance).max() <= 4
        assert np.abs(distance).mean() < 1


def test_a_grey_jpeg_has_no_colours():
    image = photograph(21, 34)[..., 0]
    found = read_jpeg(jpeg(image, quality=95))
    assert found.shape == image.shape
    assert np.abs(found.astype(int) - image).max() <= 8


def test_restarts_change_nothing():
    image = photograph(40, 40)
    plain, restarted = (jpeg(image, restart_marker_blocks=every) for every in (0, 2))
    assert len(restarted) > len(plain)
    np.testing.assert_array_equal(read_jpeg(restarted), read_jpeg(plain))


def test_an_even_picture_stays_even():
    found = read_jpeg(jpeg(np.full((24, 24, 3), (200, 100, 50), np.uint8), quality=100))
    assert np.ptp(found.reshape(-1, 3), axis=0).tolist() == [0, 0, 0]
    assert np.abs(found[0, 0].astype(int) - (200, 100, 50)).max() <= 2


def test_a_progressive_jpeg_is_refused():
    with pytest.raises(ValueError, match="baseline"):
        read_jpeg(jpeg(photograph(16, 16), progressive=True))


@pytest.mark.parametrize(
    ("marker", "offset", "byte", "words"),
    [
        (b"\xff\xc0", 11, 0x01, "a sampling factor isn't from 1 to 4"),
        (b"\xff\xc0", 9, 0x03, "3 components in 9 bytes"),
        (b"\xff\xda", 4, 0x62, "the head of a scan"),
        (b"\xff\xda", 8, 0x3E, "the head of a scan"),
    ],
)
def test_a_jpeg_with_a_damaged_head_is_refused(marker: bytes, offset: int, byte: int, words: str):
    content = bytearray(jpeg(photograph(16, 16)[..., 0]))
    content[content.index(marker) + offset] = byte
    with pytest.raises(ValueError, match=words):
        read_jpeg(bytes(content))


def test_the_order_of_a_scan_is_the_standards():
    order = _zigzag()
    assert order[:10] == [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]
    assert order[-1] == 63
    assert sorted(order) == list(range(64))


def test_enlarged_samples_lie_between_their_neighbours():
    plane = np.array([[0.0, 100.0]])
    assert _enlarged(plane, (1, 2)).tolist() == [[0, 25, 75, 100]]
    assert _enlarged(plane.T, (2, 1)).ravel().tolist() == [0, 25, 75, 100]
    assert _enlarged(np.array([[7.0]]), (2, 2)).tolist() == [[7, 7], [7, 7]]
