"""The classical mistakes of a port: the right port passes, and the wrong one is caught on an input of a few values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.pair.ports_of import Live, needs_julia
from twinbench.pair import paste
from twinbench.pair.inputs import Input
from twinbench.pair.where import Condition

PORTS = Path(__file__).with_name("ports")


@dataclass
class Port:
    name: str
    function: str
    arguments: tuple[Any, ...]
    text: str
    """A part of what is said about the wrong port."""
    where: str | None = None
    names: list[str] = field(default_factory=list)


NUMBERS = np.array([2.5, -1.25, 4.0, 0.5, 2.5])

IN_JULIA = [
    Port("index", "window", (NUMBERS, 1, 3), "", "start < stop and stop <= len(x)", ["x", "start", "stop"]),
    Port("ranges", "total", (2, 6), "", "first < last", ["first", "last"]),
    Port("order", "flat", (np.arange(6.0).reshape(2, 3),), "differ"),
    Port("division", "parts", (np.array([-7, 5, 3]), 2), "differ"),
    Port("overflow", "power", (30,), ""),
    Port("deviation", "spread", (NUMBERS,), ""),
    Port("ties", "ranking", (NUMBERS,), "differ"),
    Port("missing", "least", (np.array([1.5, np.nan, 0.5]),), "nan"),
    Port("text", "start", ("plain words, a few", 3), "raises StringIndexError"),
    Port("view", "without_first", (NUMBERS,), "changes its argument `x`"),
    Port("literal", "scaled", (NUMBERS,), "differ"),
    Port("logarithm", "logs", (NUMBERS,), "raises DomainError"),
    Port("empty", "mean", (NUMBERS,), "0.0 and nan"),
]


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with Live(["python", "julia", "julia"]) as started:
        yield started


@needs_julia
@pytest.mark.parametrize("port", IN_JULIA, ids=lambda port: port.name)
def test_a_right_port_passes_and_a_wrong_one_is_caught_on_a_small_input(live: Live, port: Port):
    targets = [f"{PORTS / port.name}.py:{port.function}"]
    targets += [f"{name}={PORTS / port.name}.jl:{name}" for name in ("right", "wrong")]
    condition = Condition(port.where, port.names) if port.where else None
    verdict = live.verdict(targets, Input("given", list(port.arguments)), condition)
    assert verdict.of("right") == []
    assert verdict.of(verdict.reference) == []
    smallest = verdict.of("wrong")[-1]
    assert port.text in smallest.text
    assert smallest.drawn or port.name == "view"  # a changed argument is certain at once
    assert sum(map(paste.count, smallest.example.values())) <= (4 if smallest.drawn else 5)
    paste.call("julia", "wrong", *verdict.functions["wrong"].arguments(smallest.example))


SIGNAL = np.array([2.5, -1.25, 0.4, 4.0, 0.5, 2.25, -0.75, 1.5])
SQUARE = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -3.0], [4.0, 0.75, 1.25]])

OTHERS = [
    ("rounded", "rounded_half_up", (SIGNAL,)),
    ("above", "from_one_on", (SIGNAL,)),
    ("fields", "fields_without_empty_ones", ("a,b,c",)),
    ("lower", "lower_in_ascii", ("Some Words",)),
    ("ordered", "ordered_without_case", (["b", "a", "B"],)),
    ("position", "position_in_bytes", ("some words", "words")),
    ("product", "product_that_wraps", ([3, 5, 7, 2, 9, 4, 8, 6, 5, 7, 3],)),
    ("descending", "descending_reversed", (SIGNAL,)),
    ("transposed", "transposed_and_conjugated", (SQUARE + 1j * SQUARE[::-1],)),
    ("quarter", "quarter_without_interpolation", (SIGNAL,)),
    ("difference", "difference_of_columns", (SQUARE,)),
    ("steps", "steps_to_the_end", (7,)),
    ("seen", "seen_sorted", (["a", "b", "a"],)),
    ("remainder", "remainder_with_sign", (SIGNAL, 0.5)),
    ("greatest", "greatest_that_skips_nan", (np.array([1.0, np.nan, 3.0]),)),
    ("gradient", "gradient_to_the_left", (SIGNAL,)),
    ("all_positive", "any_positive", (np.abs(SIGNAL),)),
    ("added", "added_to_columns", (SQUARE, SQUARE[0])),
]


@pytest.fixture(scope="module")
def python() -> Iterator[Live]:
    with Live(["python", "python", "python"]) as started:
        yield started


@pytest.mark.parametrize(("right", "wrong", "arguments"), OTHERS, ids=[right for right, _, _ in OTHERS])
def test_other_mistakes_of_a_port_are_caught_on_a_small_input(
    python: Live, right: str, wrong: str, arguments: tuple[Any, ...]
):
    targets = [f"{name}={PORTS}/others.py:{each}" for name, each in (("0", right), ("1", right), ("2", wrong))]
    verdict = python.verdict(targets, Input("given", list(arguments)), examples=200)
    assert (verdict.of("0"), verdict.of("1")) == ([], [])
    smallest = verdict.of("2")[-1]
    assert smallest.drawn
    assert sum(map(paste.count, smallest.example.values())) <= (44 if right == "product" else 6)


def test_a_default_argument_that_is_shared_between_calls_is_state():
    with Live(["python", "python", "python"]) as started:
        targets = [f"{name}={PORTS}/defaults.py:{name}" for name in ("distinct", "right", "wrong")]
        verdict = started.verdict(targets, Input("given", [[3, 1, 3]]), more=[Input("other", [[2, 5]])])
    assert verdict.of("distinct") == verdict.of("right") == []
    assert verdict.of("wrong")[0].text.startswith("keeps state between calls")
