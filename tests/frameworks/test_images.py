"""The image ops of every Python framework on larger images, and from one step to the next."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest

from tests.frameworks.conftest import conforms
from twinbench import ops
from twinbench.conformance.case import Files
from twinbench.conformance.images import chunk, jpeg, photograph, png
from twinbench.frameworks.api import Framework
from twinbench.plan.stack import unavailable
from twinbench.run.agree.agreement import check_agreement

LIBRARIES: dict[str, Framework] = {
    module: importlib.import_module(f"twinbench.frameworks.{module}").FRAMEWORKS[0]
    for module in ("pillow", "opencv", "skimage", "scipy", "torch")
}


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
def test_an_op_agrees_on_a_larger_image(library: Framework, case: Any):
    name, values = case
    conforms(library, f"images.{name}", values, {"x": photograph(119, 163)[None]})


@with_libraries(["sobel", "equalise", "otsu"], "name")
def test_an_op_for_grey_agrees_on_a_larger_image(library: Framework, name: str):
    conforms(library, f"images.{name}", {}, {"x": photograph(119, 163)[None, ..., 1]})


THREE_LEVELS = np.repeat([20, 100, 180], 64).reshape(1, 12, 16).astype(np.uint8)
"""An image for which two thresholds are equally good."""


@with_libraries(["otsu"], "name")
def test_a_library_may_take_either_of_two_best_thresholds(library: Framework, name: str):
    conforms(library, f"images.{name}", {}, {"x": THREE_LEVELS})


@pytest.mark.parametrize(
    ("white", "right"),
    [
        (THREE_LEVELS > 20, True),
        (THREE_LEVELS > 100, True),
        (THREE_LEVELS > 180, False),
        (THREE_LEVELS >= 0, False),
        (THREE_LEVELS < 100, False),
        ((THREE_LEVELS > 100) | (np.arange(16) < 3), False),
    ],
)
def test_otsus_criterion_decides(white: Any, right: bool):
    op = ops.get("images.otsu")
    params, value = op.build({}), {"x": THREE_LEVELS}
    got = {"x": np.where(white, 255, 0).astype(np.uint8)}
    (finding,) = check_agreement(op, got, op.reference(params, value), None, params, inputs=[value])
    assert finding.ok == right


@with_libraries([("decode_jpeg", "jpg")])
def test_jpegs_are_decoded_to_the_pictures_in_the_order_of_their_names(library: Framework, tmp_path: Any, case: Any):
    name, ending = case
    op = ops.get(f"images.{name}")
    first, second = photograph(37, 53), photograph(37, 53)[::-1]
    Files({"b.jpg": jpeg(second), "a10.jpg": jpeg(first)}).write(tmp_path)
    got = library.extract(library.ops[op.name](op.build({"directory": ending}), str(tmp_path)), "images")
    assert np.abs(got["x"][0].astype(int) - first).mean() < 8


@with_libraries(["decode_png"], "name")
def test_a_png_is_read_without_the_gamma_that_it_declares(library: Framework, tmp_path: Any, name: str):
    op = ops.get(f"images.{name}")
    picture = photograph(9, 7)
    data = png(picture)
    (tmp_path / "a.png").write_bytes(data[:33] + chunk(b"gAMA", (100_000).to_bytes(4, "big")) + data[33:])
    got = library.extract(library.ops[op.name](op.build({"directory": "png"}), str(tmp_path)), "images")
    np.testing.assert_array_equal(got["x"], picture[None])


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
