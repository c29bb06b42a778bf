"""Plausible mistakes of a decoder of images: the agreement check must reject each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.frameworks.test_wrong_images import COLOURS
from twinbench import ops
from twinbench.ops.contract import Arrays
from twinbench.run.agree.agreement import check_agreement


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("decode_png", lambda out: out | {"x": out["x"][..., ::-1]}),
        ("decode_png", lambda out: out | {"x": out["x"][::-1]}),
        ("decode_png", lambda out: out | {"x": out["x"].swapaxes(1, 2)}),
        ("decode_jpeg", lambda out: out | {"x": out["x"][..., ::-1]}),
        ("decode_jpeg", lambda out: out | {"x": out["x"] - np.uint8(5)}),
        ("decode_jpeg", lambda out: out | {"x": np.repeat(out["x"][:, ::2], 2, axis=1)}),
    ],
    ids=["BGR", "order", "columns", "JPEG BGR", "too dark", "half of the rows"],
)
def test_a_wrong_decoder_is_rejected(tmp_path: Any, name: str, wrong: Callable[[Arrays], Arrays]):
    from PIL import Image

    for place, picture in enumerate(COLOURS["x"]):
        Image.fromarray(picture).save(tmp_path / f"{place}.png")
        Image.fromarray(picture).save(tmp_path / f"{place}.jpg")
    op = ops.get(f"images.{name}")
    want = op.reference(op.build({"directory": ""}), str(tmp_path))
    assert not all(finding.ok for finding in check_agreement(op, wrong(want), want))
