"""Images that hypothesis makes up, with the parameters of every image op."""

from __future__ import annotations

import importlib.util
import io
import zlib
from collections.abc import Collection
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from twinbench.conformance.case import Case, Files, NoCases
from twinbench.ops.contract import Arrays


@st.composite
def images(draw: st.DrawFn, colours: bool | None = None) -> Arrays:
    """Read-only images, with labels: none to three, of noise, of extremes, or of one value; some aren't contiguous."""
    count, height, width = draw(st.integers(0, 3)), draw(st.integers(1, 11)), draw(st.integers(1, 11))
    rgb = draw(st.booleans()) if colours is None else colours
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    top = draw(st.sampled_from([1, 2, 5, 256]))
    x: NDArray[Any] = rng.integers(0, top, (count, 2 * height, width, *([3] if rgb else [])))
    x *= 255 // max(top - 1, 1)
    x = np.full_like(x, draw(st.sampled_from([0, 100, 255]))) if draw(st.booleans()) and top == 1 else x
    x = x.astype(np.uint8)[:, ::2]
    layout = draw(st.sampled_from(["C", "F", "strided"]))
    x = x if layout == "strided" else np.array(x, order="F" if layout == "F" else "C")
    x.flags.writeable = False
    return {"x": x, "y": np.arange(count)}


GREYS = images(colours=False)
SIDE = st.integers(1, 11)
SIZE = st.fixed_dictionaries({"height": SIDE, "width": SIDE})
WINDOW = st.fixed_dictionaries({"size": st.sampled_from([3, 5, 7])})
BLUR = st.fixed_dictionaries({"sigma": st.floats(0.1, 5), "radius": st.integers(1, 15)})
FILL = st.sampled_from([0, 128, 255])
NUMBER = st.floats(-2, 2, width=16)
MATRIX = st.tuples(NUMBER, NUMBER, st.floats(-9, 9, width=16), NUMBER, NUMBER, st.floats(-9, 9, width=16))


def _black_and_white(value: Arrays) -> Arrays:
    return value | {"x": np.where(value["x"] > 100, 255, 0).astype(np.uint8)}


@st.composite
def normalise(draw: st.DrawFn) -> Case:
    """A mean and a standard deviation for each colour."""
    value = draw(images())
    colours = 3 if value["x"].ndim == 4 else 1
    mean = draw(st.lists(st.floats(0, 1), min_size=colours, max_size=colours))
    sd = draw(st.lists(st.floats(0.1, 1), min_size=colours, max_size=colours))
    return Case({"mean": mean, "sd": sd}, (value,))


@st.composite
def augment(draw: st.DrawFn) -> Case:
    """Parts of any size up to the whole image."""
    value = draw(images())
    height, width = value["x"].shape[1:3]
    params = {"height": draw(st.integers(1, height)), "width": draw(st.integers(1, width))}
    return Case(params | {"brightness": draw(st.floats(0, 0.9)), "seed": draw(st.integers(0, 9))}, (value,))


@st.composite
def pictures(draw: st.DrawFn, ending: str) -> Case:
    """A directory of pictures of equal size, grey or RGB, at least five pixels wide, and a file that is none."""
    height, width = draw(st.integers(1, 24)), draw(st.integers(5, 24))
    rgb = draw(st.booleans())
    names = draw(st.lists(st.sampled_from(["a", "b", "B", "a10", "a2", "10"]), min_size=1, max_size=3, unique=True))
    phases = draw(st.lists(st.floats(0, 6), min_size=len(names), max_size=len(names)))
    drawn = {
        name: photograph(height, width, phase)[..., : 3 if rgb else 1]
        for name, phase in zip(names, phases, strict=True)
    }
    write = png if ending == "png" else jpeg
    contents = {f"{name}.{ending}": write(picture if rgb else picture[..., 0]) for name, picture in drawn.items()}
    return Case({"directory": ending}, (Files({"notes.txt": b"no image"} | contents),))


def photograph(height: int, width: int, phase: float = 0.0) -> NDArray[np.uint8]:
    """A smooth RGB picture with edges in it."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([128 + 100 * np.sin(x / p + phase) * np.cos(y / p) for p in (3, 7, 15)], axis=-1)
    waves[height // 3 : height // 2, width // 4 : width // 2] = (250, 5, 120)
    return waves.astype(np.uint8)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A PNG file whose lines have no filters, as clause 9 of the standard allows."""
    height, width = picture.shape[:2]
    raw = b"".join(b"\0" + row.tobytes() for row in picture)
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2 if picture.ndim == 3 else 0, 0, 0, 0])
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(raw)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, body) for kind, body in parts)


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG file, with its length and its checksum."""
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def jpeg(picture: NDArray[np.uint8]) -> bytes:
    """A JPEG file as Pillow writes it."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=90)
    return file.getvalue()


def _of(values: st.SearchStrategy[dict[str, Any]], value: st.SearchStrategy[Arrays]) -> st.SearchStrategy[Case]:
    return st.builds(Case, values, st.tuples(value))


CASES: dict[str, st.SearchStrategy[Case]] = {
    "decode_png": pictures("png"),
    "decode_jpeg": pictures("jpg"),
    "resize": _of(SIZE, images()),
    "resize_antialiased": _of(SIZE, images()),
    "grey": _of(st.just({}), images(colours=True)),
    "gaussian_blur": _of(BLUR, images()),
    "sobel": _of(st.just({}), GREYS),
    "median": _of(WINDOW, images()),
    "rotate": _of(st.fixed_dictionaries({"degrees": st.floats(-360, 360), "fill": FILL}), images()),
    "affine": _of(st.fixed_dictionaries({"matrix": MATRIX, "fill": FILL}), images()),
    "equalise": _of(st.just({}), GREYS),
    "otsu": _of(st.just({}), GREYS),
    "opening": _of(WINDOW, GREYS.map(_black_and_white)),
    "components": _of(st.fixed_dictionaries({"connectivity": st.sampled_from([4, 8])}), GREYS),
    "normalise": normalise(),
    "augment": augment(),
}


def cases(name: str, implemented: Collection[str]) -> st.SearchStrategy[Case]:
    """The strategy for ``images.NAME``. Raises NoCases for JPEG files where Pillow isn't installed."""
    if name == "decode_jpeg" and importlib.util.find_spec("PIL") is None:
        raise NoCases("Pillow, which writes the JPEG files, is not installed; pip install pillow")
    return CASES[name]
