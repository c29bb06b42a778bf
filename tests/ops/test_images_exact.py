"""The references of the image ops against fractions and 50-digit arithmetic, where numbers lie at halves, too.

A grey level is right if it is the exact number, rounded half up. What a reference may be off before it is rounded is
a ten-thousandth of a level, so that nothing but the rounding is left of the tolerance of one level.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import mpmath as mp
import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.ops.images.jpeg import _Component, _Frame, _picture
from twinbench.ops.images.pixels import NEAR

mp.mp.dps = 50
OFF = 1e-7
"""What a number may be off before it is rounded, in grey levels."""

Grid = list[list[Any]]
Number = Any


@st.composite
def images(draw: st.DrawFn) -> np.ndarray:
    """A grey image: of one value, of neighbouring levels, of extremes, or of noise; a single pixel or a line, too."""
    shape = draw(
        st.one_of(st.tuples(st.integers(1, 6), st.integers(1, 6)), st.sampled_from([(1, 1), (1, 40), (40, 1)]))
    )
    lowest, highest = draw(st.sampled_from([(0, 1), (7, 7), (0, 255), (254, 255), (100, 103)]))
    noise = np.random.default_rng(draw(st.integers(0, 99))).integers(lowest, highest + 1, shape)
    return noise.astype(np.uint8)


def level(number: Number) -> set[int]:
    """The grey level of an exact number; both neighbours where it can't be said."""
    return {min(max(int(mp.floor(real(number) + 0.5 + NEAR + off)), 0), 255) for off in (-OFF, OFF)}


def real(number: Number) -> Any:
    return mp.mpf(number.numerator) / number.denominator if isinstance(number, Fraction) else mp.mpf(number)


def is_exact(name: str, values: dict[str, Any], image: np.ndarray, exact: Grid, *given: Arrays) -> None:
    op = ops.get(f"images.{name}")
    arrays = {"x": image[None]}
    params = op.build(values)
    op.requires(params, arrays)
    got = op.reference(params, arrays, *given)["x"][0]
    assert got.shape == (len(exact), len(exact[0]))
    for row, right in zip(got.tolist(), exact, strict=True):
        assert all(g in level(r) for g, r in zip(row, right, strict=True)), (row, [float(real(r)) for r in right])


def weighted(image: Grid, rows: Sequence[dict[int, Number]], columns: Sequence[dict[int, Number]]) -> Grid:
    """The means of pixels by the weights of each row and column of the result."""
    across = [[sum(w * row[j] for j, w in column.items()) for column in columns] for row in image]
    return [[sum(w * across[j][x] for j, w in row.items()) for x in range(len(columns))] for row in rows]


def interpolation(size: int, wanted: int, widened: bool) -> list[dict[int, Fraction]]:
    reach = max(Fraction(1), Fraction(size, wanted)) if widened else Fraction(1)
    found = []
    for i in range(wanted):
        centre = (i + Fraction(1, 2)) * Fraction(size, wanted) - Fraction(1, 2)
        weights = {j: w for j in range(size) if (w := 1 - abs(j - centre) / reach) > 0}
        found.append({j: w / sum(weights.values()) for j, w in weights.items()})
    return found


@settings(max_examples=40, deadline=None)
@given(images(), st.integers(1, 9), st.integers(1, 9), st.booleans())
@example(np.array([[0, 1], [1, 0]], np.uint8), 1, 1, False)  # a half
@example(np.array([[0, 1] * 20], np.uint8), 1, 10, True)  # halves
def test_resized_images_are_exact(image: np.ndarray, height: int, width: int, widened: bool):
    rows, columns = (
        interpolation(size, wanted, widened) for size, wanted in zip(image.shape, (height, width), strict=True)
    )
    name = "resize_antialiased" if widened else "resize"
    is_exact(name, {"height": height, "width": width}, image, weighted(image.tolist(), rows, columns))


def warped(image: np.ndarray, position: Callable[[int, int], tuple[Number, Number]], fill: int) -> Grid:
    """Interpolate at a position of each pixel; what lies beyond the border is the fill."""
    height, width = image.shape

    def pixel(x: int, y: int) -> int:
        return int(image[y, x]) if 0 <= x < width and 0 <= y < height else fill

    def value(x: int, y: int) -> Number:
        u, v = position(x, y)
        left, top = int(mp.floor(real(u))), int(mp.floor(real(v)))
        right, below = u - left, v - top
        upper = pixel(left, top) * (1 - right) + pixel(left + 1, top) * right
        lower = pixel(left, top + 1) * (1 - right) + pixel(left + 1, top + 1) * right
        return upper * (1 - below) + lower * below

    return [[value(x, y) for x in range(width)] for y in range(height)]


angles = st.one_of(st.sampled_from([0, 30, 45, 60, 90, 180, 270, -90, 360, 150]), st.floats(-360, 360))


@settings(max_examples=40, deadline=None)
@given(images(), angles, st.sampled_from([0, 1, 255]))
@example(np.array([[0, 1, 0, 1], [1, 0, 1, 0], [0, 0, 1, 1]], np.uint8), 90, 1)  # positions between two pixels
def test_turned_images_are_exact(image: np.ndarray, degrees: float, fill: int):
    cos, sin = mp.cospi(mp.mpf(degrees) / 180), mp.sinpi(mp.mpf(degrees) / 180)
    cx, cy = (mp.mpf(side - 1) / 2 for side in reversed(image.shape))
    turned = warped(
        image, lambda x, y: (cx + cos * (x - cx) - sin * (y - cy), cy + sin * (x - cx) + cos * (y - cy)), fill
    )
    is_exact("rotate", {"degrees": degrees, "fill": fill}, image, turned)


factors = st.one_of(st.sampled_from([0.0, -0.0, 0.5, 1.0, -1.0, 0.1, 16.0]), st.floats(-16, 16))
shifts = st.one_of(st.sampled_from([0.0, 0.5, 1.5, -0.25, 32767.0]), st.floats(-9, 9))


@settings(max_examples=40, deadline=None)
@given(images(), st.tuples(factors, factors, shifts, factors, factors, shifts), st.sampled_from([0, 1, 255]))
@example(np.array([[0, 1], [1, 0]], np.uint8), (1.0, 0.0, 0.5, 0.0, 1.0, 0.0), 0)
@example(np.array([[0, 255] * 20], np.uint8), (0.1, 0.0, 0.0, 0.0, 1.0, 0.0), 0)
def test_warped_images_are_exact(image: np.ndarray, matrix: tuple[float, ...], fill: int):
    a, b, c, d, e, f = (Fraction(number) for number in matrix)
    right = warped(image, lambda x, y: (a * x + b * y + c, d * x + e * y + f), fill)
    is_exact("affine", {"matrix": list(matrix), "fill": fill}, image, right)


def test_the_last_pixels_of_the_widest_image_are_exact():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (1, 32_767), dtype=np.uint8)
    shift = -32_766.7
    op = ops.get("images.affine")
    got = op.reference(op.build({"matrix": [16, 0, shift, 0, 1, 0], "fill": 9}), {"x": image[None]})["x"][0, 0]
    for x in range(4_000):
        assert int(got[x]) in level(between(image[0], 16 * Fraction(x) + Fraction(shift), 9))


def between(row: np.ndarray, at: Fraction, fill: int) -> Fraction:
    left = at.numerator // at.denominator
    ends = [int(row[j]) if 0 <= j < len(row) else fill for j in (left, left + 1)]
    return ends[0] * (1 - (at - left)) + ends[1] * (at - left)


def neighbours(size: int, weights: Sequence[Number]) -> list[dict[int, Number]]:
    """The weights of a kernel along an axis on which border pixels are repeated."""
    reach, found = len(weights) // 2, []
    for i in range(size):
        row: dict[int, Number] = {}
        for distance, weight in zip(range(-reach, reach + 1), weights, strict=True):
            j = min(max(i + distance, 0), size - 1)
            row[j] = row.get(j, 0) + weight
        found.append(row)
    return found


@settings(max_examples=40, deadline=None)
@given(images(), st.one_of(st.sampled_from([0.1, 1.0, 1000.0]), st.floats(0.1, 1000)), st.sampled_from([1, 2, 9, 60]))
def test_blurred_images_are_exact(image: np.ndarray, sigma: float, radius: int):
    kernel = [mp.exp(-(mp.mpf(d) ** 2) / (2 * mp.mpf(sigma) ** 2)) for d in range(-radius, radius + 1)]
    kernel = [weight / mp.fsum(kernel) for weight in kernel]
    right = weighted(image.tolist(), *(neighbours(size, kernel) for size in image.shape))
    is_exact("gaussian_blur", {"sigma": sigma, "radius": radius}, image, right)


@settings(max_examples=40, deadline=None)
@given(images())
@example(np.array([[0, 0, 4, 4]] * 3, np.uint8))
def test_gradients_are_exact(image: np.ndarray):
    rise, smooth = ([neighbours(size, weights) for size in image.shape] for weights in ([-1, 0, 1], [1, 2, 1]))
    across = weighted(image.tolist(), smooth[0], rise[1])
    down = weighted(image.tolist(), rise[0], smooth[1])
    right = [
        [mp.sqrt(mp.mpf(int(gx) ** 2 + int(gy) ** 2) / 32) for gx, gy in zip(*rows, strict=True)]
        for rows in zip(across, down, strict=True)
    ]
    is_exact("sobel", {}, image, right)


@settings(max_examples=40, deadline=None)
@given(images())
@example(np.array([[0, 1, 2] * 4], np.uint8))  # 255 times 1/2
def test_equalised_images_are_exact(image: np.ndarray):
    ordered, lowest = sorted(image.ravel().tolist()), int((image == image.min()).sum())
    if lowest == len(ordered):
        return is_exact("equalise", {}, image, image.tolist())
    count = {v: sum(other <= v for other in ordered) for v in set(ordered)}
    right = {v: Fraction(255 * (c - lowest), len(ordered) - lowest) for v, c in count.items()}
    return is_exact("equalise", {}, image, [[right[v] for v in row] for row in image.tolist()])


def test_every_sum_of_colours_at_a_half_is_rounded_up():
    colours = np.mgrid[:256, :256, :256:5].reshape(3, -1).T
    sums = colours @ np.array([299, 587, 114])
    halves = sums % 1000 == 500
    op = ops.get("images.grey")
    got = op.reference(op.build({}), {"x": colours[halves].astype(np.uint8)[None, None]})["x"][0, 0]
    assert len(got) > 1000
    np.testing.assert_array_equal(got, (sums[halves] + 500) // 1000)


@settings(max_examples=40, deadline=None)
@given(images(), st.one_of(st.sampled_from([0.5, 1.5, 0.7, 1.1, 0.0, 2.0]), st.floats(0, 2)))
def test_brightened_images_are_exact(image: np.ndarray, factor: float):
    height, width = image.shape
    zero = np.zeros(1, np.int64)
    given = {"top": zero, "left": zero, "flip": zero.astype(np.uint8), "factor": np.array([factor])}
    right = [[Fraction(factor) * v for v in row] for row in image.tolist()]
    is_exact("augment", {"height": height, "width": width}, image, right, given)


@settings(max_examples=40, deadline=None)
@given(
    st.one_of(st.sampled_from([0.0, 1.0, 1000.0, -1000.0, 1 / 3]), st.floats(-1000, 1000)),
    st.one_of(st.sampled_from([0.001, 1000.0]), st.floats(0.001, 1000)),
)
def test_normalised_levels_are_right_to_a_tenth_of_their_tolerance(mean: float, sd: float):
    op = ops.get("images.normalise")
    params, arrays = op.build({"mean": [mean], "sd": [sd]}), {"x": np.arange(256, dtype=np.uint8)[None, None]}
    got = op.reference(params, arrays)["x"]
    (unit,) = op.scale(params, {"x": got}, arrays)["x"]
    for v, number in enumerate(got.ravel().tolist()):
        right = (Fraction(v, 255) - Fraction(mean)) / Fraction(sd)
        assert abs(Fraction(number) - right) <= 0.1 * (op.tolerance.atol * unit + op.tolerance.rtol * abs(right))


def inverse_dct(coefficients: np.ndarray) -> Grid:
    """The samples of a block of (8, 8) coefficients, rounded to levels, by the formula of T.81."""
    scale = [mp.sqrt(mp.mpf(1) / 8), *[mp.mpf(1) / 2] * 7]
    basis = [[scale[u] * mp.cospi(mp.mpf((2 * x + 1) * u) / 16) for u in range(8)] for x in range(8)]
    rows = [
        [mp.fsum(b * c for b, c in zip(basis[x], row, strict=True)) for x in range(8)] for row in coefficients.tolist()
    ]
    columns = [[mp.fsum(b * rows[v][x] for v, b in enumerate(basis[y])) for x in range(8)] for y in range(8)]
    return [[max(level(value + 128)) for value in row] for row in columns]


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 99), st.sampled_from([1, 3, 40]), st.integers(0, 64))
@example(0, 4, 1)  # only the mean, an odd number of halves
def test_decoded_samples_and_colours_are_exact(seed: int, step: int, used: int):
    rng = np.random.default_rng(seed)
    frame = _Frame(height=16, width=16)
    planes = []
    for number, (down, across) in enumerate([(2, 2), (1, 1), (1, 1)]):
        blocks = np.zeros((down, across, 64))
        blocks[..., :used] = rng.integers(-300 // step, 300 // step, (down, across, used))
        frame.components[number] = _Component(across, down, 0, blocks=blocks, steps=np.full(64, float(step)))
        pieces = [[inverse_dct((blocks[v, h] * step).reshape(8, 8)) for h in range(across)] for v in range(down)]
        planes.append([[v for piece in row for v in piece[y]] for row in pieces for y in range(8)])
    luma, *chroma = planes
    doubled = interpolation(8, 16, widened=False)
    cb, cr = ([[v - 128 for v in row] for row in weighted(plane, doubled, doubled)] for plane in chroma)
    got = _picture(frame)
    parts = {0: (0, Fraction("1.402")), 1: (Fraction("-0.344136"), Fraction("-0.714136")), 2: (Fraction("1.772"), 0)}
    for colour, (blue, red) in parts.items():
        for y, x in np.ndindex(16, 16):
            assert int(got[y, x, colour]) in level(luma[y][x] + blue * cb[y][x] + red * cr[y][x])
