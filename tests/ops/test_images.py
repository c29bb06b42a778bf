"""The references of the image ops against cases worked out by hand, and against formulas written another way."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays as numpy_arrays

from twinbench import ops
from twinbench.ops.images.regions import in_scan_order, otsu_level

GREY = numpy_arrays(np.uint8, st.tuples(st.integers(1, 7), st.integers(1, 7)))


def apply(name: str, image: Any, *given: Any, **values: Any) -> Any:
    """The op on one image."""
    op = ops.get(f"images.{name}")
    return op.reference(op.build(values), {"x": np.array(image, dtype=np.uint8)[None]}, *given)["x"][0]


def test_a_row_that_is_doubled_lies_between_its_pixels():
    assert apply("resize", [[0, 100]], height=1, width=4).tolist() == [[0, 25, 75, 100]]


def test_shrinking_without_antialiasing_takes_two_pixels_of_each_axis():
    row = [[0, 0, 10, 20, 0, 0, 30, 50]]
    assert apply("resize", row, height=1, width=2).tolist() == [[5, 15]]


def test_antialiasing_weighs_by_a_triangle():
    # of 4 pixels one: weights 1 - |j - 1.5| / 4 = 0.625, 0.875, 0.875, 0.625, of 3 in all
    assert apply("resize_antialiased", [[240, 0, 0, 0]], height=1, width=1).tolist() == [[50]]
    assert apply("resize_antialiased", [[0, 240, 0, 0]], height=1, width=1).tolist() == [[70]]


@given(GREY, st.integers(1, 9), st.integers(1, 9))
def test_resizing_is_interpolation_at_pixel_centres(image: Any, height: int, width: int):
    rows = np.clip((np.arange(height) + 0.5) * image.shape[0] / height - 0.5, 0, image.shape[0] - 1)
    columns = np.clip((np.arange(width) + 0.5) * image.shape[1] / width - 0.5, 0, image.shape[1] - 1)
    across = np.array([np.interp(columns, np.arange(image.shape[1]), row) for row in image])
    down = np.array([np.interp(rows, np.arange(image.shape[0]), column) for column in across.T]).T
    np.testing.assert_allclose(apply("resize", image, height=height, width=width), down, atol=0.5 + 1e-9)


def test_grey_weighs_the_colours_by_rec_601():
    colours = [[[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]]
    assert apply("grey", colours).tolist() == [[76, 150, 29, 255]]


def test_a_blur_of_one_pixel_is_the_gaussian():
    image = np.zeros((9, 9))
    image[4, 4] = 255
    weights = [math.exp(-(d**2) / 2) if abs(d) <= 2 else 0 for d in range(-4, 5)]
    kernel = np.outer(weights, weights) / sum(weights) ** 2
    np.testing.assert_allclose(apply("gaussian_blur", image, sigma=1, radius=2), 255 * kernel, atol=0.5)


def test_a_blur_repeats_the_border():
    assert apply("gaussian_blur", [[9, 9, 9]], sigma=3, radius=5).tolist() == [[9, 9, 9]]


def test_sobel_of_a_step_and_of_a_corner():
    step = [[0, 0, 80, 80]] * 3
    assert apply("sobel", step)[1].tolist() == [0, 57, 57, 0]  # 4 * 80 / sqrt(32)
    corner = [[255, 255, 255], [255, 255, 255], [255, 255, 0]]
    assert apply("sobel", corner)[1, 1] == 64  # 255 sqrt(2 / 32)


@given(GREY, st.sampled_from([3, 5]))
def test_a_median_is_the_middle_of_the_sorted_window(image: Any, size: int):
    out = apply("median", image, size=size)
    places = range(-(size // 2), size // 2 + 1)
    height, width = image.shape
    for y in range(height):
        for x in range(width):
            window = [
                image[min(max(y + v, 0), height - 1), min(max(x + h, 0), width - 1)] for v in places for h in places
            ]
            assert out[y, x] == sorted(window)[size**2 // 2]


def test_a_positive_angle_turns_counter_clockwise():
    image = [[10, 20, 30], [40, 50, 60], [70, 80, 90]]
    assert apply("rotate", image, degrees=90).tolist() == np.rot90(image).tolist()
    assert apply("rotate", [[0, 200, 0]], degrees=90, fill=7).tolist() == [[7, 200, 7]]


def test_edges_fade_into_the_fill():
    shift = [1, 0, 0.25, 0, 1, 0]
    assert apply("affine", [[100, 200]], matrix=shift, fill=0).tolist() == [[125, 150]]
    assert apply("affine", [[100, 200]], matrix=[1, 0, 1.5, 0, 1, 0], fill=40).tolist() == [[120, 40]]


def test_an_affine_map_says_where_a_pixel_comes_from():
    image = [[1, 2, 3], [4, 5, 6]]
    moved = apply("affine", image, matrix=[1, 0, 1, 0, 1, 0], fill=0)
    assert moved.tolist() == [[2, 3, 0], [5, 6, 0]]
    transposed = apply("affine", [[1, 2], [3, 4]], matrix=[0, 1, 0, 1, 0, 0])
    assert transposed.tolist() == [[1, 3], [2, 4]]


def test_equalising_spreads_the_levels_by_their_counts():
    assert apply("equalise", [[10, 10, 20, 30]]).tolist() == [[0, 0, 128, 255]]
    assert apply("equalise", [[7, 7]]).tolist() == [[7, 7]]


def test_otsu_splits_two_groups_and_takes_the_lowest_of_equal_levels():
    assert apply("otsu", [[10, 12, 200, 210]]).tolist() == [[0, 0, 255, 255]]
    assert otsu_level(np.array([10, 200], np.uint8)) == 10
    assert otsu_level(np.array([0, 1, 2], np.uint8)) == 0  # 1 would be as good
    assert apply("otsu", [[9, 9]]).tolist() == [[0, 0]]


@given(GREY)
def test_otsu_has_the_greatest_variance_between_the_classes(image: Any):
    def between(level: int) -> float:
        below, above = image[image <= level], image[image > level]
        return len(below) * len(above) * (below.mean() - above.mean()) ** 2 if len(below) and len(above) else 0.0

    found = between(otsu_level(image))
    assert found >= max(between(level) for level in range(256)) * (1 - 1e-12)


def test_an_opening_removes_what_is_thinner_than_the_square():
    image = np.zeros((6, 8))
    image[1:4, 1:4] = 255  # as large as the square
    image[1, 5:7] = 255  # thinner
    image[5, :] = 255  # thinner, at the border
    wanted = np.zeros((6, 8))
    wanted[1:4, 1:4] = 255
    assert apply("opening", image, size=3).tolist() == wanted.tolist()


def test_beyond_the_border_nothing_erodes():
    assert apply("opening", [[255, 255], [255, 255]], size=5).tolist() == [[255, 255], [255, 255]]


@settings(deadline=None)  # the first call imports SciPy
@given(numpy_arrays(np.bool_, st.tuples(st.integers(1, 6), st.integers(1, 6))), st.sampled_from([4, 8]))
def test_components_are_what_neighbours_lead_to(mask: Any, connectivity: int):
    op = ops.get("images.components")
    out = op.reference(op.build({"connectivity": connectivity}), {"x": mask[None] * np.uint8(3)})
    labels = out["labels"][0]
    assert (labels > 0).tolist() == mask.tolist()
    assert set(labels[mask]) == set(range(1, out["count"][0] + 1))
    steps = [(0, 1), (1, 0), (1, 1), (1, -1)][: 2 if connectivity == 4 else 4]
    pairs = [
        (place, other)
        for place in np.argwhere(mask).tolist()
        for step in steps
        for other in [[place[0] + step[0], place[1] + step[1]]]
        if other in np.argwhere(mask).tolist()
    ]
    assert all(labels[tuple(one)] == labels[tuple(other)] for one, other in pairs)
    joined = list(range(mask.sum()))  # as few as the pairs allow
    index = {tuple(place): i for i, place in enumerate(np.argwhere(mask).tolist())}
    for one, other in pairs:
        old, new = joined[index[tuple(one)]], joined[index[tuple(other)]]
        joined = [new if root == old else root for root in joined]
    assert len(set(joined)) == out["count"][0]


@given(numpy_arrays(np.int32, (2, 3, 4), elements=st.integers(0, 5)), st.permutations(range(1, 6)))
def test_the_numbers_of_components_make_no_difference(labels: Any, names: list[int]):
    renamed = np.array([0, *names], dtype=np.int32)[labels]
    np.testing.assert_array_equal(in_scan_order(renamed), in_scan_order(labels))
    flat = in_scan_order(labels)[0].ravel()
    first = [list(flat).index(label) for label in range(1, flat.max() + 1)]
    assert first == sorted(first)


def test_normalising_counts_white_as_one():
    op = ops.get("images.normalise")
    out = op.reference(op.build({"mean": [0.5], "sd": [0.25]}), {"x": np.array([[[0, 255]]], np.uint8)})
    assert out["x"].dtype == np.float32
    assert out["x"].tolist() == [[[-2.0, 2.0]]]


def test_augmenting_crops_then_flips_then_brightens():
    given = {"top": np.array([1]), "left": np.array([0]), "flip": np.array([1], np.uint8), "factor": np.array([1.5])}
    image = [[1, 2, 3], [4, 5, 6], [100, 180, 9]]
    out = apply("augment", image, given, height=2, width=2)
    assert out.tolist() == [[8, 6], [255, 150]]  # 7.5 is rounded up


@given(st.integers(0, 2**31), st.integers(1, 5), st.integers(1, 6))
def test_the_givens_stay_inside_the_image(seed: int, height: int, width: int):
    op = ops.get("images.augment")
    params = op.build({"height": height, "width": width, "brightness": 0.5, "seed": seed})
    found = op.givens(params, {"x": np.zeros((20, 5, 6), np.uint8)})
    assert (found["top"] >= 0).all()
    assert (found["top"] + height <= 5).all()
    assert (found["left"] + width <= 6).all()
    assert set(found["flip"]) <= {0, 1}
    assert (np.abs(found["factor"] - 1) <= 0.5).all()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("resize", {"height": 0, "width": 3}),
        ("gaussian_blur", {"sigma": 0.0, "radius": 2}),
        ("median", {"size": 4}),
        ("opening", {"size": 1}),
        ("rotate", {"degrees": 1.0, "fill": 256}),
        ("affine", {"matrix": [1, 0, 0, 0, 1]}),
        ("normalise", {"mean": [0.5, 0.5], "sd": [0.1, 0.1]}),
        ("normalise", {"mean": [0.5], "sd": [0.0]}),
        ("augment", {"height": 1, "width": 1, "brightness": 1.0}),
    ],
)
def test_values_that_make_no_sense_are_refused(name: str, values: dict[str, Any]):
    with pytest.raises(ValueError, match="must"):
        ops.get(f"images.{name}").build(values)


def test_an_empty_batch_stays_empty():
    nothing = {"x": np.zeros((0, 4, 5, 3), np.uint8), "y": np.zeros(0, np.int64)}
    for name, values in (("resize", {"height": 2, "width": 3}), ("grey", {}), ("rotate", {"degrees": 3.0})):
        op = ops.get(f"images.{name}")
        out = op.reference(op.build(values), nothing)
        assert len(out["x"]) == 0
        assert out["x"].dtype == np.uint8
        assert op.canonical(out)["x"].shape == (0,)
