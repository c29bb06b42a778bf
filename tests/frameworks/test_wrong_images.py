"""Plausible mistakes with images, some of them a library's own default: the agreement check must reject each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.ops.images.regions import otsu_level
from twinbench.run.agree.agreement import check_agreement

RNG = np.random.default_rng(0)
COLOURS = {"x": RNG.integers(0, 256, (2, 12, 17, 3), dtype=np.uint8), "y": np.arange(2)}
GREYS = {"x": ndimage.uniform_filter(COLOURS["x"][..., 1], (0, 3, 3)), "y": np.arange(2)}
BLOBS = {"x": np.where(ndimage.uniform_filter(RNG.integers(0, 256, (2, 12, 17)), (0, 2, 2)) > 120, 255, 0)}
BLOBS = {"x": BLOBS["x"].astype(np.uint8), "y": np.arange(2)}

BLUR = {"sigma": 1.0, "radius": 3}
MAP = {"matrix": [0.9, 0.2, 1.5, -0.1, 1.1, -2.25], "fill": 60}
SMALLER = {"height": 5, "width": 7}
TURN = {"degrees": 25.0, "fill": 60}
PART = {"height": 6, "width": 9, "seed": 1}


def right(name: str, p: Any, *inputs: Arrays) -> Arrays:
    return ops.get(f"images.{name}").reference(p, *inputs)


def on(name: str, change: Callable[[np.ndarray], np.ndarray], p: Any, value: Arrays, *rest: Arrays) -> Arrays:
    """The right op on changed images."""
    return right(name, p, value | {"x": change(value["x"])}, *rest)


def rounded(values: np.ndarray) -> np.ndarray:
    return np.floor(np.clip(values, 0, 255) + 0.5).astype(np.uint8)


def turns_the_other_way(p: Any, value: Arrays) -> Arrays:
    return right("rotate", replace(p, degrees=-p.degrees), value)


def turns_about_a_corner_of_the_middle_pixel(p: Any, value: Arrays) -> Arrays:
    cos, sin = np.cos(np.radians(p.degrees)), np.sin(np.radians(p.degrees))
    height, width = value["x"].shape[1:3]
    cx, cy = width / 2, height / 2
    matrix = (cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy)
    return right("affine", ops.get("images.affine").build({"matrix": matrix, "fill": p.fill}), value)


def turns_radians(p: Any, value: Arrays) -> Arrays:
    return right("rotate", replace(p, degrees=np.radians(p.degrees)), value)


def edges_do_not_fade(p: Any, value: Arrays) -> Arrays:
    return turned(p, value, "constant")


def edges_are_repeated(p: Any, value: Arrays) -> Arrays:
    return turned(p, value, "nearest")


def nearest_pixel(p: Any, value: Arrays) -> Arrays:
    return turned(p, value, "grid-constant", order=0)


def turned(p: Any, value: Arrays, mode: str, order: int = 1) -> Arrays:
    out = [
        ndimage.rotate(image, p.degrees, (1, 0), reshape=False, order=order, mode=mode, cval=p.fill)
        for image in value["x"]
    ]
    return value | {"x": np.stack(out)}


def maps_input_to_output(p: Any, value: Arrays) -> Arrays:
    a, b, c, d, e, f = p.matrix
    inverse = np.linalg.inv([[a, b, c], [d, e, f], [0, 0, 1]])
    return right("affine", replace(p, matrix=tuple(inverse[:2].ravel())), value)


def rows_before_columns(p: Any, value: Arrays) -> Arrays:
    a, b, c, d, e, f = p.matrix
    return right("affine", replace(p, matrix=(e, d, f, b, a, c)), value)


def half_a_pixel_off(p: Any, value: Arrays) -> Arrays:
    a, b, c, d, e, f = p.matrix
    return right("affine", replace(p, matrix=(a, b, c + 0.5, d, e, f + 0.5)), value)


def black_fill(p: Any, value: Arrays) -> Arrays:
    return right("affine", replace(p, fill=0), value)


def resized_from_corners(p: Any, value: Arrays) -> Arrays:
    factors = (1, p.height / value["x"].shape[1], p.width / value["x"].shape[2], 1)
    return value | {"x": ndimage.zoom(value["x"], factors, order=1, mode="nearest")}


def resized_without_the_half_pixel(p: Any, value: Arrays) -> Arrays:
    rows = np.arange(p.height) * value["x"].shape[1] // p.height
    columns = np.arange(p.width) * value["x"].shape[2] // p.width
    return value | {"x": value["x"][:, rows][:, :, columns]}


def antialiased(p: Any, value: Arrays) -> Arrays:
    return right("resize_antialiased", p, value)


def aliased(p: Any, value: Arrays) -> Arrays:
    return right("resize", p, value)


def width_before_height(p: Any, value: Arrays) -> Arrays:
    return right("resize", replace(p, height=p.width, width=p.height), value)


def blue_before_red(p: Any, value: Arrays) -> Arrays:
    return on("grey", lambda x: x[..., ::-1], p, value)


def rec_709(p: Any, value: Arrays) -> Arrays:
    return value | {"x": rounded(value["x"] @ np.array([0.2126, 0.7152, 0.0722]))}


def mean_of_the_colours(p: Any, value: Arrays) -> Arrays:
    return value | {"x": rounded(value["x"].mean(axis=-1))}


def reflected_border(p: Any, value: Arrays) -> Arrays:
    out = ndimage.gaussian_filter(value["x"], p.sigma, output=float, mode="reflect", radius=p.radius, axes=(1, 2))
    return value | {"x": rounded(out)}


def blurs_the_colours_into_each_other(p: Any, value: Arrays) -> Arrays:
    out = ndimage.gaussian_filter(value["x"], (0, *[p.sigma] * 3), output=float, mode="nearest", radius=p.radius)
    return value | {"x": rounded(out)}


def cuts_fractions_off_twice(p: Any, value: Arrays) -> Arrays:
    return value | {"x": ndimage.gaussian_filter(value["x"], p.sigma, mode="nearest", radius=p.radius, axes=(1, 2))}


def sigma_squared(p: Any, value: Arrays) -> Arrays:
    return right("gaussian_blur", replace(p, sigma=p.sigma**0.5 * 1.2), value)


def forgets_the_scale(p: Any, value: Arrays) -> Arrays:
    gx, gy = (ndimage.sobel(value["x"].astype(float), axis, mode="nearest") for axis in (2, 1))
    return value | {"x": rounded(np.hypot(gx, gy))}


def only_one_gradient(p: Any, value: Arrays) -> Arrays:
    return value | {"x": np.stack([rounded(np.abs(ndimage.sobel(x.astype(float), 1)) / 32**0.5) for x in value["x"]])}


def wraps_at_eight_bits(p: Any, value: Arrays) -> Arrays:
    gx, gy = (np.stack([ndimage.sobel(x, axis, mode="nearest") for x in value["x"]]) for axis in (1, 0))
    return value | {"x": rounded(np.hypot(gx.astype(float), gy) / 32**0.5)}


def black_border(p: Any, value: Arrays) -> Arrays:
    return value | {"x": ndimage.median_filter(value["x"], (1, p.size, p.size), mode="constant")}


def mean_for_median(p: Any, value: Arrays) -> Arrays:
    return value | {"x": ndimage.uniform_filter(value["x"], (0, p.size, p.size), mode="nearest")}


def lowest_level_is_not_black(p: Any, value: Arrays) -> Arrays:
    return value | {"x": np.stack([shares(image)[image] for image in value["x"]])}


def shares(image: np.ndarray) -> np.ndarray:
    return rounded(255 * np.bincount(image.ravel(), minlength=256).cumsum() / image.size)


def one_histogram_for_all(p: Any, value: Arrays) -> Arrays:
    count, height, width = value["x"].shape
    out = on("equalise", lambda x: x.reshape(1, count * height, width), p, value)
    return value | {"x": out["x"].reshape(value["x"].shape)}


def threshold_is_white_too(p: Any, value: Arrays) -> Arrays:
    thresholds = [otsu_level(image) for image in value["x"]]
    return value | {"x": np.stack([binary(x >= t) for x, t in zip(value["x"], thresholds, strict=True)])}


def true_is_one(p: Any, value: Arrays) -> Arrays:
    return value | {"x": right("otsu", p, value)["x"] // 255}


def splits_at_the_mean(p: Any, value: Arrays) -> Arrays:
    return value | {"x": binary(value["x"] > 128)}


def binary(mask: np.ndarray) -> np.ndarray:
    return np.where(mask, 255, 0).astype(np.uint8)


def eats_from_the_border(p: Any, value: Arrays) -> Arrays:
    return value | {"x": binary(ndimage.binary_opening(value["x"], np.ones((1, p.size, p.size))))}


def closes(p: Any, value: Arrays) -> Arrays:
    return value | {"x": ndimage.grey_closing(value["x"], (1, p.size, p.size), mode="nearest")}


def opens_by_a_cross(p: Any, value: Arrays) -> Arrays:
    cross = ndimage.generate_binary_structure(2, 1)[None]
    return value | {"x": ndimage.grey_opening(value["x"], footprint=cross, mode="nearest")}


def other_neighbours(p: Any, value: Arrays) -> Arrays:
    return right("components", replace(p, connectivity=4), value)


def merges_two_components(p: Any, value: Arrays) -> Arrays:
    out = right("components", p, value)
    return out | {"labels": np.where(out["labels"] == 2, 1, out["labels"])}


def counts_the_background(p: Any, value: Arrays) -> Arrays:
    out = right("components", p, value)
    return out | {"count": out["count"] + 1}


def labels_across_images(p: Any, value: Arrays) -> Arrays:
    labels, count = ndimage.label(value["x"], np.ones((3, 3, 3)))
    return {"labels": labels.astype(np.int32), "count": np.array([count, count])}


def colours_in_the_other_order(p: Any, value: Arrays) -> Arrays:
    return on("normalise", lambda x: x[..., ::-1], p, value)


def colours_first(p: Any, value: Arrays) -> Arrays:
    out = right("normalise", p, value)
    return out | {"x": np.moveaxis(out["x"], -1, 1)}


def white_is_256(p: Any, value: Arrays) -> Arrays:
    return value | {"x": ((value["x"] / 256 - np.array(p.mean)) / np.array(p.sd)).astype(np.float32)}


def flips_before_it_crops(p: Any, value: Arrays, given: Arrays) -> Arrays:
    flipped = np.where(given["flip"][:, None, None, None] == 1, value["x"][:, :, ::-1], value["x"])
    return right("augment", p, value | {"x": flipped}, given | {"flip": np.zeros_like(given["flip"])})


def upside_down(p: Any, value: Arrays, given: Arrays) -> Arrays:
    out = right("augment", p, value, given | {"flip": np.zeros_like(given["flip"])})
    return out | {"x": np.where(given["flip"][:, None, None, None] == 1, out["x"][:, ::-1], out["x"])}


def overflows(p: Any, value: Arrays, given: Arrays) -> Arrays:
    out = right("augment", p, value, given | {"factor": np.ones(2)})
    scaled = out["x"] * given["factor"][:, None, None, None]
    return out | {"x": scaled.astype(np.int64).astype(np.uint8)}


def loses_the_labels(p: Any, value: Arrays) -> Arrays:
    return {"x": right("grey", p, value)["x"]}


def floats(p: Any, value: Arrays) -> Arrays:
    out = right("grey", p, value)
    return out | {"x": out["x"].astype(np.float32)}


WRONG: list[tuple[str, dict[str, Any], Arrays, Callable[..., Arrays]]] = [
    ("rotate", TURN, COLOURS, turns_the_other_way),
    ("rotate", TURN, COLOURS, turns_about_a_corner_of_the_middle_pixel),
    ("rotate", TURN, COLOURS, turns_radians),
    ("rotate", TURN, GREYS, edges_do_not_fade),
    ("rotate", TURN, GREYS, edges_are_repeated),
    ("rotate", TURN, GREYS, nearest_pixel),
    ("affine", MAP, COLOURS, maps_input_to_output),
    ("affine", MAP, COLOURS, rows_before_columns),
    ("affine", MAP, COLOURS, half_a_pixel_off),
    ("affine", MAP, COLOURS, black_fill),
    ("resize", SMALLER, COLOURS, resized_from_corners),
    ("resize", SMALLER, COLOURS, resized_without_the_half_pixel),
    ("resize", SMALLER, COLOURS, antialiased),
    ("resize", SMALLER, COLOURS, width_before_height),
    ("resize_antialiased", SMALLER, COLOURS, aliased),
    ("grey", {}, COLOURS, blue_before_red),
    ("grey", {}, COLOURS, rec_709),
    ("grey", {}, COLOURS, mean_of_the_colours),
    ("grey", {}, COLOURS, loses_the_labels),
    ("grey", {}, COLOURS, floats),
    ("gaussian_blur", BLUR, COLOURS, reflected_border),
    ("gaussian_blur", BLUR, COLOURS, blurs_the_colours_into_each_other),
    ("gaussian_blur", BLUR, COLOURS, cuts_fractions_off_twice),
    ("gaussian_blur", BLUR, COLOURS, sigma_squared),
    ("sobel", {}, GREYS, forgets_the_scale),
    ("sobel", {}, GREYS, only_one_gradient),
    ("sobel", {}, GREYS, wraps_at_eight_bits),
    ("median", {"size": 3}, GREYS, black_border),
    ("median", {"size": 3}, GREYS, mean_for_median),
    ("equalise", {}, GREYS, lowest_level_is_not_black),
    ("equalise", {}, GREYS, one_histogram_for_all),
    ("otsu", {}, GREYS, threshold_is_white_too),
    ("otsu", {}, GREYS, true_is_one),
    ("otsu", {}, GREYS, splits_at_the_mean),
    ("opening", {"size": 3}, BLOBS, eats_from_the_border),
    ("opening", {"size": 3}, BLOBS, closes),
    ("opening", {"size": 3}, BLOBS, opens_by_a_cross),
    ("components", {"connectivity": 8}, BLOBS, other_neighbours),
    ("components", {"connectivity": 4}, BLOBS, merges_two_components),
    ("components", {"connectivity": 8}, BLOBS, counts_the_background),
    ("components", {"connectivity": 8}, BLOBS, labels_across_images),
    ("normalise", {"mean": [0.4, 0.5, 0.6], "sd": [0.2, 0.3, 0.4]}, COLOURS, colours_in_the_other_order),
    ("normalise", {"mean": [0.4, 0.5, 0.6], "sd": [0.2, 0.3, 0.4]}, COLOURS, colours_first),
    ("normalise", {"mean": [0.4, 0.5, 0.6], "sd": [0.2, 0.3, 0.4]}, COLOURS, white_is_256),
    ("augment", PART, COLOURS, flips_before_it_crops),
    ("augment", PART, COLOURS, upside_down),
    ("augment", PART, COLOURS, overflows),
]


@pytest.mark.parametrize(("name", "values", "value", "wrong"), WRONG, ids=[wrong.__name__ for *_, wrong in WRONG])
def test_a_wrong_implementation_is_rejected(name: str, values: Any, value: Arrays, wrong: Callable[..., Arrays]):
    op = ops.get(f"images.{name}")
    params = op.build(values)
    extra = [op.givens(params, value)] if op.givens else []
    want = op.reference(params, value, *extra)
    assert all(finding.ok for finding in check_agreement(op, want, want))
    assert not all(finding.ok for finding in check_agreement(op, wrong(params, value, *extra), want))
