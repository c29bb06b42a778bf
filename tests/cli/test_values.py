"""Sizes, percentages and times as users write them."""

from __future__ import annotations

import pytest

from twinbench.cli import values
from twinbench.errors import BadInput


@pytest.mark.parametrize(("text", "bytes_"), [("2G", 2**31), ("512m", 2**29), ("1.5GiB", 3 * 2**29), ("100", 100)])
def test_sizes(text, bytes_):
    assert values.size("--x", text) == bytes_


@pytest.mark.parametrize(("text", "share"), [("2%", 0.02), (" 5 ", 0.05), ("0.5%", 0.005)])
def test_percentages(text, share):
    assert values.percent("--x", text) == pytest.approx(share)


@pytest.mark.parametrize(("text", "time"), [("10", 10.0), ("500ms", 0.5), ("1.5 s", 1.5), ("2min", 120.0)])
def test_times(text, time):
    assert values.seconds("--x", text) == pytest.approx(time)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (values.size, "0"),
        (values.size, "2X"),
        (values.percent, "nan"),
        (values.percent, "-1%"),
        (values.seconds, "soon"),
    ],
)
def test_anything_else_is_refused_with_the_option_and_a_good_value(read, text):
    with pytest.raises(BadInput, match=f"--x: '{text}' is not a .*; try "):
        read("--x", text)
