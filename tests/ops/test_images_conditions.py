"""What the contracts of the image ops exclude is refused by the reference, in one line, with its position."""

from __future__ import annotations

import io
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinbench import ops
from twinbench.conformance.images import chunk, jpeg, photograph, png
from twinbench.ops.contract import OutsideContract

GREY, RGB = np.zeros((2, 4, 5), np.uint8), np.zeros((2, 4, 5, 3), np.uint8)

EXCLUDED: list[tuple[str, dict[str, Any], np.ndarray, str]] = [
    ("sobel", {}, RGB, "put images.grey before it"),
    ("equalise", {}, RGB, "put images.grey before it"),
    ("otsu", {}, RGB, "put images.grey before it"),
    ("opening", {"size": 3}, RGB, "put images.grey before it"),
    ("components", {}, RGB, "put images.grey before it"),
    ("grey", {}, GREY, "the images are grey"),
    ("opening", {"size": 3}, GREY + np.uint8(7), "image 1, row 1, column 1: 7 is neither 0 nor 255"),
    ("augment", {"height": 5, "width": 5}, GREY, "no part of 5 x 5 pixels in images of 4 x 5"),
    ("normalise", {"mean": [0.5], "sd": [0.5]}, RGB, "1 for RGB images of (2, 4, 5, 3); give 3"),
    ("normalise", {"mean": [0.5] * 3, "sd": [0.5] * 3}, GREY, "3 for grey images of (2, 4, 5); give 1"),
    ("median", {"size": 3}, np.full((1, 2, 2), np.nan), "x is float64 with nan at (0, 0, 0)"),
    ("median", {"size": 3}, np.full((1, 2, 2), 300, np.int16), "x is int16 with 300 at (0, 0, 0)"),
    ("median", {"size": 3}, RGB[..., :2], "x is (2, 4, 5, 2)"),
    ("rotate", {"degrees": 3.0}, GREY[:, :0], "images of 0 x 5 have no pixels"),
    ("rotate", {"degrees": 3.0}, np.zeros((1, 1, 32_768), np.uint8), "at most 32,767 pixels"),
]


@pytest.mark.parametrize(("name", "values", "x", "words"), EXCLUDED)
def test_what_a_contract_excludes_is_refused(name: str, values: dict[str, Any], x: np.ndarray, words: str):
    op = ops.get(f"images.{name}")
    with pytest.raises(OutsideContract) as error:
        op.requires(op.build(values), {"x": x})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def saved(image: np.ndarray, form: str, mode: str | None = None, **options: Any) -> bytes:
    """A file that Pillow writes."""
    from PIL import Image

    file = io.BytesIO()
    picture = Image.fromarray(image)
    (picture.convert(mode) if mode else picture).save(file, form, **options)
    return file.getvalue()


def with_chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG file with one more chunk behind its header."""
    return data[:33] + chunk(kind, body) + data[33:]


PICTURE = photograph(16, 24)
PNG, JPEG = png(PICTURE), jpeg(PICTURE)
HEADER = struct.pack(">IIBBBBB", 24, 16, 8, 2, 0, 0, 1)

FILES = [
    ("a.png", b"", "a.png: the file is empty, and must be a PNG file"),
    ("a.png", JPEG, "a.png: the file is a JPEG file, and must be a PNG file"),
    ("a.png", b"GIF89a", "a GIF file"),
    ("a.png", PNG[:60], "a.png: the file is damaged or cut off"),
    ("a.png", PNG[:-12], "a.png: the file is damaged or cut off"),
    ("a.png", PNG[:45] + b"\0" + PNG[46:], "the checksum of its chunk 'IDAT' is wrong"),
    ("a.png", saved(PICTURE, "PNG", "P"), "8 bits per sample, palette"),
    ("a.png", saved(PICTURE, "PNG", "1"), "1 bits per sample, grey"),
    ("a.png", saved(PICTURE, "PNG", "RGBA"), "RGB with alpha"),
    ("a.png", saved(PICTURE[..., 0].astype(np.uint16), "PNG"), "16 bits per sample"),
    ("a.png", PNG[:8] + chunk(b"IHDR", HEADER) + PNG[33:], "is interlaced"),
    ("a.png", with_chunk(PNG, b"tRNS", bytes(6)), "has transparent pixels"),
    ("a.png", with_chunk(PNG, b"acTL", bytes(8)), "is animated"),
    ("a.png", with_chunk(PNG, b"ABCD", b""), "a chunk 'ABCD'"),
    (
        "a.png",
        PNG[:33] + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b""),
        "fewer pixels than its header",
    ),
    ("a.PNG", PNG, "a.PNG: the name ends in .PNG, and must end in .png"),
    ("a.txt", PNG, "there are no files *.png"),
    ("a.jpg", PNG, "a.jpg: the file is a PNG file, and must be a JPEG file"),
    ("a.jpeg", JPEG, "must end in .jpg"),
    ("a.jpg", JPEG[:200], "a.jpg: the file is damaged or cut off"),
    ("a.jpg", JPEG[:-30], "a.jpg: the file is cut off"),
    ("a.jpg", saved(PICTURE, "JPEG", progressive=True), "a progressive JPEG"),
    ("a.jpg", saved(PICTURE, "JPEG", "CMYK"), "has 4 components"),
    ("a.jpg", saved(PICTURE, "JPEG", keep_rgb=True), "holds RGB, and must hold YCbCr"),
    ("a.jpg", saved(PICTURE[:, :4], "JPEG"), "chroma has half the width of 4 pixels"),
    ("a.jpg", saved(PICTURE, "JPEG", subsampling="4:4:4").replace(b"\x03\x01\x11", b"\x03\x01\x41"), "full or half"),
]


@pytest.mark.parametrize(("name", "data", "words"), FILES, ids=[f"{name}-{words}" for name, _, words in FILES])
def test_a_file_outside_the_contract_is_refused_by_its_name(tmp_path: Path, name: str, data: bytes, words: str):
    (tmp_path / name).write_bytes(data)
    assert words in refused("png" if "png" in name.lower() or "txt" in name else "jpeg", tmp_path)


def refused(form: str, directory: Path) -> str:
    op = ops.get(f"images.decode_{form}")
    with pytest.raises(OutsideContract) as error:
        op.reference(op.build({"directory": ""}), str(directory))
    message = str(error.value)
    assert str(directory) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("other", [photograph(16, 23), photograph(16, 24)[..., 0]], ids=["size", "kind"])
def test_files_of_another_kind_or_size_are_named(tmp_path: Path, other: np.ndarray):
    (tmp_path / "a.png").write_bytes(PNG)
    (tmp_path / "b.png").write_bytes(png(other))
    assert "a.png is RGB of 16 x 24 pixels; the files of a directory must be" in refused("png", tmp_path)


def test_no_cut_makes_a_library_of_the_reader_fail(tmp_path: Path):
    """Files cut off anywhere, or with a changed byte, are read or refused: no other exception comes out."""
    rng = np.random.default_rng(0)
    for form, ending, data in (("png", "png", PNG), ("jpeg", "jpg", JPEG)):
        op = ops.get(f"images.decode_{form}")
        for trial in range(60):
            changed = bytearray(data)
            changed[int(rng.integers(len(data)))] = int(rng.integers(256))
            shutil.rmtree(tmp_path / form, ignore_errors=True)
            (tmp_path / form).mkdir()
            content = bytes(changed) if trial % 2 else data[: int(rng.integers(len(data)))]
            (tmp_path / form / f"a.{ending}").write_bytes(content)
            try:
                x = op.reference(op.build({"directory": ""}), str(tmp_path / form))["x"]
            except OutsideContract as error:
                message = str(error)
            else:
                message = "" if x.dtype == np.uint8 else str(x.dtype)
            assert "\n" not in message
            assert trial % 2 or message
