"""Every image op of every Python framework against the contract's reference, on images that hypothesis makes up."""

from __future__ import annotations

import importlib
import math
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Op
from twinbench.plan.stack import unavailable

LIBRARIES: dict[str, Framework] = {
    module: importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS[0]
    for module in ("pillow", "opencv", "skimage", "scipy", "torch")
}
SIDE = st.integers(1, 11)


@pytest.fixture(scope="session", params=LIBRARIES)
def library(request: pytest.FixtureRequest) -> Framework:
    """Each framework that has image ops, loaded."""
    framework = LIBRARIES[request.param]
    reason = unavailable(framework)
    if reason is not None:
        pytest.skip(reason)
    framework.load(1)
    return framework


def with_libraries(cases: Iterable[Any], argument: str = "case") -> pytest.MarkDecorator:
    """Every case, an op's name or a tuple that begins with it, for every library that has the op."""
    pairs = [
        pytest.param(module, case, id=f"{module}-{name}{place}")
        for place, case in enumerate(cases)
        for name in [case if isinstance(case, str) else case[0]]
        for module, framework in LIBRARIES.items()
        if f"images.{name}" in framework.ops
    ]
    return pytest.mark.parametrize(("library", argument), pairs, indirect=["library"])


@st.composite
def images(draw: Any, colours: bool | None = None, least: int = 1) -> Arrays:
    """Read-only images, with labels: none to three, of noise, of extremes, or of one value; some aren't contiguous."""
    count, height, width = draw(st.integers(0, 3)), draw(st.integers(least, 11)), draw(st.integers(least, 11))
    rgb = draw(st.booleans()) if colours is None else colours
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    top = draw(st.sampled_from([1, 2, 5, 256]))
    x = rng.integers(0, top, (count, 2 * height, width, *([3] if rgb else []))) * (255 // max(top - 1, 1))
    x = np.full_like(x, draw(st.sampled_from([0, 100, 255]))) if draw(st.booleans()) and top == 1 else x
    x = x.astype(np.uint8)[:, ::2]
    x = draw(st.sampled_from([np.ascontiguousarray, np.asfortranarray, lambda x: x]))(x)
    x.flags.writeable = False
    return {"x": x, "y": np.arange(count)}


grey_images = images(colours=False)
odd = st.sampled_from([3, 5, 7])
size = st.fixed_dictionaries({"height": SIDE, "width": SIDE})
fill = st.sampled_from([0, 128, 255])
number = st.floats(-2, 2, width=16)
matrix = st.tuples(number, number, st.floats(-9, 9, width=16), number, number, st.floats(-9, 9, width=16))


@st.composite
def normalise(draw: Any) -> tuple[dict[str, Any], Arrays]:
    value = draw(images())
    colours = 3 if value["x"].ndim == 4 else 1
    mean = draw(st.lists(st.floats(0, 1), min_size=colours, max_size=colours))
    sd = draw(st.lists(st.floats(0.1, 1), min_size=colours, max_size=colours))
    return {"mean": mean, "sd": sd}, value


@st.composite
def augment(draw: Any) -> tuple[dict[str, Any], Arrays]:
    value = draw(images())
    height, width = value["x"].shape[1:3]
    params = {"height": draw(st.integers(1, height)), "width": draw(st.integers(1, width))}
    return params | {"brightness": draw(st.floats(0, 0.9)), "seed": draw(st.integers(0, 9))}, value


def blur(sigma: float) -> dict[str, Any]:
    """Truncated where the weights are small: Pillow doesn't truncate."""
    return {"sigma": sigma, "radius": math.ceil(3 * sigma)}


CASES = {
    "resize": st.tuples(size, images()),
    "resize_antialiased": st.tuples(size, images()),
    "grey": st.tuples(st.just({}), images(colours=True)),
    "gaussian_blur": st.tuples(st.floats(0.3, 3).map(blur), images()),
    "sobel": st.tuples(st.just({}), grey_images),
    "median": st.tuples(st.fixed_dictionaries({"size": odd}), images()),
    "rotate": st.tuples(st.fixed_dictionaries({"degrees": st.floats(-360, 360), "fill": fill}), images()),
    "affine": st.tuples(st.fixed_dictionaries({"matrix": matrix, "fill": fill}), images()),
    "equalise": st.tuples(st.just({}), grey_images),
    "otsu": st.tuples(st.just({}), grey_images),
    "opening": st.tuples(st.fixed_dictionaries({"size": odd}), grey_images.map(lambda v: v | {"x": binary(v["x"])})),
    "components": st.tuples(st.fixed_dictionaries({"connectivity": st.sampled_from([4, 8])}), grey_images),
    "normalise": normalise(),
    "augment": augment(),
}


def binary(x: np.ndarray) -> np.ndarray:
    return np.where(x > 100, 255, 0).astype(np.uint8)


@with_libraries(CASES, "name")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_an_op_agrees_with_the_reference(library: Framework, run: Any, name: str, data: Any):
    params, value = data.draw(CASES[name])
    if name == "otsu":
        assume(all(decided(image) for image in value["x"]))
    check(library, run, name, params, value)


def check(library: Framework, run: Any, name: str, values: dict[str, Any], value: Arrays) -> None:
    op = ops.get(f"images.{name}")
    params = op.build(values)
    extra = {"given": op.givens(params, value)} if op.givens else {}
    close(op, library, run(library, op, params, value, **extra), op.reference(params, value, *extra.values()))


def close(op: Op, library: Framework, got: Arrays, want: Arrays) -> None:
    """Names, shapes, dtypes; then levels and floats within what the op, or else the library's deviation, allows."""
    deviation = library.deviations.get(op.name)
    tolerance = deviation.tolerance if deviation else op.tolerance
    got, want = op.canonical(got), op.canonical(want)
    assert list(got) == list(want)
    for name, expected in want.items():
        found = got[name]
        assert (found.shape, found.dtype) == (expected.shape, expected.dtype), name
        distance = np.abs(found.astype(np.float64) - expected)
        allowed = tolerance.levels if found.dtype == np.uint8 else tolerance.atol + tolerance.rtol * np.abs(expected)
        assert (distance <= allowed).all(), f"{name}: {distance.max()} away"


def decided(image: np.ndarray) -> bool:
    """Whether no second threshold is as good as Otsu's: floating point may take either."""
    counts = np.bincount(image.ravel(), minlength=256).astype(np.float64)
    below, sums = counts.cumsum(), (counts * np.arange(256)).cumsum()
    inside = (counts > 0) & (below < below[-1])
    n, s = below[inside], sums[inside]
    between = np.sort((sums[-1] * n - below[-1] * s) ** 2 / (n * (below[-1] - n)))
    return len(between) < 2 or between[-1] > between[-2] * (1 + 1e-6)


def photograph(height: int, width: int) -> np.ndarray:
    """Something smooth with edges in it, larger than a vector register and not a multiple of one."""
    y, x = np.mgrid[:height, :width]
    waves = np.stack([128 + 100 * np.sin(x / p) * np.cos(y / p) for p in (3, 7, 15)], axis=-1)
    waves[height // 3 : height // 2, width // 4 : width // 2] = (250, 5, 120)
    return waves.astype(np.uint8)


LARGE = [
    ("resize", {"height": 50, "width": 61}),
    ("resize", {"height": 200, "width": 301}),
    ("resize_antialiased", {"height": 31, "width": 41}),
    ("grey", {}),
    ("gaussian_blur", {"sigma": 1.5, "radius": 6}),
    ("median", {"size": 5}),
    ("rotate", {"degrees": 33.0, "fill": 50}),
    ("affine", {"matrix": [0.9, 0.2, -5.5, -0.3, 1.2, 9.25]}),
    ("normalise", {"mean": [0.485, 0.456, 0.406], "sd": [0.229, 0.224, 0.225]}),
    ("augment", {"height": 64, "width": 65}),
]


@with_libraries(LARGE)
def test_an_op_agrees_on_a_larger_image(library: Framework, run: Any, case: Any):
    name, values = case
    check(library, run, name, values, {"x": photograph(119, 163)[None]})


@with_libraries(["sobel", "equalise", "otsu"], "name")
def test_an_op_for_grey_agrees_on_a_larger_image(library: Framework, run: Any, name: str):
    check(library, run, name, {}, {"x": photograph(119, 163)[None, ..., 1]})


@pytest.mark.parametrize("colours", ["grey", "RGB"])
@with_libraries([("decode_png", "png"), ("decode_jpeg", "jpg")])
def test_files_are_decoded_in_the_order_of_their_names(library: Framework, tmp_path: Any, case: Any, colours: str):
    name, ending = case
    op = ops.get(f"images.{name}")
    pictures = [photograph(37, 53), photograph(37, 53)[::-1]]
    for name, picture in zip(("b", "a10"), pictures, strict=True):
        write(tmp_path / f"{name}.{ending}", picture if colours == "RGB" else picture[..., 0])
    (tmp_path / "notes.txt").write_text("no image")
    params = op.build({"directory": ending})
    got = library.extract(library.ops[op.name](params, str(tmp_path)), "images")
    close(op, library, got, op.reference(params, str(tmp_path)))
    first = pictures[1] if colours == "RGB" else pictures[1][..., 0]
    assert np.abs(got["x"][0].astype(int) - first).mean() < 8


@with_libraries(["decode_png"], "name")
def test_a_png_is_read_without_the_gamma_that_it_declares(library: Framework, tmp_path: Any, name: str):
    op = ops.get(f"images.{name}")
    picture = photograph(9, 7)
    write(tmp_path / "a.png", picture)
    data = (tmp_path / "a.png").read_bytes()
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"gAMA", (100_000).to_bytes(4, "big")) + data[33:])
    got = library.extract(library.ops[op.name](op.build({"directory": "png"}), str(tmp_path)), "images")
    np.testing.assert_array_equal(got["x"], picture[None])


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def write(path: Any, picture: np.ndarray) -> None:
    from PIL import Image

    Image.fromarray(picture).save(path, **({"quality": 90} if path.suffix == ".jpg" else {}))


def test_every_library_holds_its_ops_in_the_contracts_order(library: Framework):
    known = [op.name for op in ops.of_modality("images")]
    own = [name for name in library.ops if name in known]
    assert own == [name for name in known if name in own]
    assert len(own) >= 8


@pytest.mark.parametrize("shape", [(2, 3, 5), (1, 4, 2, 3), (0, 3, 5)])
def test_images_go_in_and_come_out_unchanged(library: Framework, shape: tuple[int, ...]):
    value = {"x": np.arange(np.prod(shape), dtype=np.uint8).reshape(shape), "y": np.arange(shape[0])}
    native = library.prepare(value, "images")
    back = library.extract(native, "images")
    assert library.facts(native, "images").keys() == {"x", "y"}
    np.testing.assert_array_equal(back["y"], value["y"])
    assert back["x"].dtype == np.uint8
    if shape[0]:
        np.testing.assert_array_equal(back["x"], value["x"])


def test_a_chain_of_steps_needs_no_conversion_between_them(library: Framework):
    value = {"x": photograph(40, 52)[None]}
    native, neutral = library.prepare(value, "images"), value
    steps: list[tuple[str, dict[str, Any]]] = [
        ("resize", {"height": 30, "width": 40}),
        ("rotate", {"degrees": 20.0}),
        ("affine", {"matrix": [1.0, 0.0, 2.0, 0.0, 1.0, -3.0]}),
    ]
    for name, values in steps:
        op = ops.get(f"images.{name}")
        native = library.ops[op.name](op.build(values), native)
        neutral = op.reference(op.build(values), neutral)
    distance = library.extract(native, "images")["x"].astype(int) - neutral["x"]
    assert np.abs(distance).max() <= 3
