"""Every op of JuliaImages against its reference, through the interface that a worker uses, on a table of cases."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from twinbench import ops
from twinbench.conformance.images import jpeg, photograph
from twinbench.ops import images as t
from twinbench.run.agree.agreement import check_agreement

NAME = "JuliaImages"
RNG = np.random.default_rng(0)


def batch(x):
    return {"x": np.ascontiguousarray(x, dtype=np.uint8), "y": np.arange(len(x))}


NOISE = RNG.integers(0, 256, (2, 23, 31, 3))
GREYS = {
    "noise": batch(NOISE[..., 0]),
    "smooth": batch(128 + 100 * np.sin(np.arange(40)[:, None] / 5) * np.cos(np.arange(50) / 3)[None, None]),
    "extremes": batch(RNG.integers(0, 2, (1, 9, 14)) * 255),
    "one value": batch(np.full((1, 5, 4), 77)),
    "black": batch(np.zeros((1, 5, 4))),
    "white": batch(np.full((1, 5, 4), 255)),
    "one pixel": batch([[[9]]]),
    "one row": batch(NOISE[:, :1, :7, 0]),
    "one column": batch(NOISE[:, :7, :1, 0]),
    "smaller than a window": batch(NOISE[:1, :2, :3, 0]),
    "by columns": {"x": np.asfortranarray(NOISE[..., 1].astype(np.uint8)), "y": np.arange(2)},
    "two best thresholds": batch(np.repeat([20, 100, 180], 64).reshape(1, 12, 16)),
    "none": batch(NOISE[:0, ..., 0]),
}
COLOURS = {
    "noise": batch(NOISE),
    "extremes": batch(RNG.integers(0, 2, (1, 9, 14, 3)) * 255),
    "one pixel": batch([[[[9, 99, 255]]]]),
    "one row": batch(NOISE[:, :1, :7]),
    "smaller than a window": batch(NOISE[:1, :2, :3]),
    "by columns": {"x": np.asfortranarray(NOISE[:, ::-1].astype(np.uint8)), "y": np.arange(2)},
    "none": batch(NOISE[:0]),
}
BOTH = [
    t.Resize(height=10, width=12),
    t.Resize(height=40, width=7),
    t.Resize(height=1, width=1),
    t.GaussianBlur(sigma=1.5, radius=6),
    t.GaussianBlur(sigma=0.5, radius=2),
    t.Median(size=3),
    t.Median(size=5),
    t.Rotate(degrees=30.0),
    t.Rotate(degrees=-100.5, fill=200),
    t.Affine(matrix=(0.9, 0.2, 1.5, -0.1, 1.1, -2.25), fill=60),
    t.Affine(matrix=(1, 0, 0, 0, 1, 0)),
    t.Augment(height=1, width=1, brightness=0.9),
]
GREY_ONLY = [
    t.Sobel(),
    t.Equalise(),
    t.Otsu(),
    t.Components(connectivity=4),
    t.Components(connectivity=8),
    t.Normalise(mean=(0.3,), sd=(0.4,)),
]
COLOUR_ONLY = [t.Grey(), t.Normalise(mean=(0.485, 0.456, 0.406), sd=(0.229, 0.224, 0.225))]
OP_OF = {op.params: op for op in ops.of_modality("images")}
DEVIATIONS = {}
"""By op; filled from the Julia file by the tests."""


def agrees(in_julia, op, params, value, *rest):
    """Within what the op allows, or where the framework declares a deviation, within that."""
    from twinbench.frameworks import julia

    if not DEVIATIONS:
        DEVIATIONS.update(next(one for one in julia.frameworks() if one.name == NAME).deviations)
    given = [op.givens(params, value)] if op.givens else []
    got = in_julia("run", NAME, op.name, params, list(zip([value, *given], [*op.inputs, "arrays"], strict=False)))
    want = op.reference(params, value, *given)
    scale = {} if op.scale is None else op.scale(params, want, value)
    findings = check_agreement(op, got, want, DEVIATIONS.get(op.name), params, scale, [value, *given])
    assert [finding for finding in findings if not finding.ok and not finding.declared] == []


def shown(params):
    return f"{params}".replace(" ", "")


@pytest.mark.parametrize("name", GREYS)
@pytest.mark.parametrize("params", [*BOTH, *GREY_ONLY], ids=shown)
def test_an_op_on_grey_images_agrees_with_its_reference(in_julia, params, name):
    agrees(in_julia, OP_OF[type(params)], params, GREYS[name])


@pytest.mark.parametrize("name", COLOURS)
@pytest.mark.parametrize("params", [*BOTH, *COLOUR_ONLY], ids=shown)
def test_an_op_on_colours_agrees_with_its_reference(in_julia, params, name):
    agrees(in_julia, OP_OF[type(params)], params, COLOURS[name])


@pytest.mark.parametrize("params", [t.Resize(height=10, width=12), t.Resize(height=40, width=7)], ids=shown)
@pytest.mark.parametrize("value", [GREYS["smooth"], COLOURS["noise"], GREYS["one row"], COLOURS["none"]])
def test_antialiasing_is_as_far_off_as_it_says(in_julia, params, value):
    agrees(in_julia, ops.get("images.resize_antialiased"), params, value)


@pytest.mark.parametrize("size", [3, 5])
@pytest.mark.parametrize("name", GREYS)
def test_opening_agrees_with_its_reference(in_julia, name, size):
    black_and_white = GREYS[name] | {"x": np.where(GREYS[name]["x"] > 100, 255, 0).astype(np.uint8)}
    agrees(in_julia, t.OPENING, t.Opening(size=size), black_and_white)


@pytest.mark.parametrize("colours", ["grey", "RGB"])
@pytest.mark.parametrize(("op", "ending"), [(t.DECODE_PNG, "png"), (t.DECODE_JPEG, "jpg")], ids=["PNG", "JPEG"])
def test_files_are_decoded_in_the_order_of_their_names(in_julia, tmp_path: Path, op, ending, colours):
    from PIL import Image

    for name, picture in zip(("b", "a10"), NOISE.astype(np.uint8), strict=True):
        Image.fromarray(picture if colours == "RGB" else picture[..., 0]).save(tmp_path / f"{name}.{ending}")
    (tmp_path / "notes.txt").write_text("no image")
    params = t.Decode(directory=ending)
    got = in_julia("run", NAME, op.name, params, [(str(tmp_path), "file")])
    assert all(finding.ok for finding in check_agreement(op, got, op.reference(params, str(tmp_path))))


def test_a_jpeg_file_of_a_few_hundred_bytes_is_decoded(in_julia, tmp_path: Path):
    (tmp_path / "a.jpg").write_bytes(jpeg(photograph(5, 7)[..., 0]))
    assert (tmp_path / "a.jpg").stat().st_size < 623
    params = t.Decode(directory="")
    got = in_julia("run", NAME, t.DECODE_JPEG.name, params, [(str(tmp_path), "file")])
    assert all(f.ok for f in check_agreement(t.DECODE_JPEG, got, t.DECODE_JPEG.reference(params, str(tmp_path))))


@pytest.mark.parametrize("value", [GREYS["noise"], COLOURS["noise"], GREYS["one row"]], ids=["grey", "RGB", "row"])
def test_images_go_in_and_come_out_unchanged(in_julia, value):
    back = in_julia("round_trip", NAME, value, "images")
    assert list(back) == ["x", "y"]
    for name, values in value.items():
        np.testing.assert_array_equal(back[name], values, strict=True)


def test_images_are_held_as_julia_users_hold_them(in_julia):
    facts = in_julia("facts", NAME, COLOURS["noise"], "images")
    assert facts["x"].startswith("Vector{Matrix{")
    assert "RGB{" in facts["x"]


def test_a_chain_of_steps_needs_no_conversion_between_them(in_julia):
    steps = [
        (t.RESIZE, t.Resize(height=30, width=40)),
        (t.ROTATE, t.Rotate(degrees=20.0)),
        (t.GREY, t.Grey()),
        (t.MEDIAN, t.Median(size=3)),
        (t.NORMALISE, t.Normalise(mean=(0.5,), sd=(0.25,))),
    ]
    value = COLOURS["noise"]
    for op, params in steps:
        value = op.reference(params, value)
    first, *others = steps
    calls = [(first[0].name, first[1], [(COLOURS["noise"], "images")])]
    calls += [(op.name, params, []) for op, params in others]
    got = in_julia("chain", NAME, calls)
    assert np.abs(got["x"] - value["x"]).max() <= 4 * 4 / 255
    np.testing.assert_array_equal(got["y"], value["y"])


def test_a_wrong_answer_of_julias_is_rejected(in_julia):
    turned = in_julia("run", NAME, "images.rotate", t.Rotate(degrees=-30.0), [(COLOURS["noise"], "images")])
    want = t.ROTATE.reference(t.Rotate(degrees=30.0), COLOURS["noise"])
    assert not all(finding.ok for finding in check_agreement(t.ROTATE, turned, want))
