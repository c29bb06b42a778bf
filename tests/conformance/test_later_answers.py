"""The kit's checks of what a first answer doesn't show: memos, and work that is put off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import Phase, settings

from twinbench import ops
from twinbench.conformance import checks, search
from twinbench.frameworks import registry
from twinbench.ops.contract import Arrays

NUMPY = registry.get("NumPy")

NUMPY.load(1)

OPS = ("tables.sort", "tables.groupby", "signals.stft")

UNSHRUNK = settings(search.reproducible(), phases=[Phase.generate])
"""The search without the shrinking of a failing case, which costs seconds."""


def remembers(key: Callable[[Arrays], Any]) -> Callable[..., Any]:
    def wrong(op: Callable[..., Any]) -> Callable[..., Any]:
        answers: dict[Any, Any] = {}

        def call(params: Any, value: Arrays) -> Any:
            asked = repr(params), key(value)
            if asked not in answers:
                answers[asked] = op(params, value)
            return answers[asked]

        return call

    return wrong


def by_content(value: Arrays) -> Any:
    return repr([(name, array.tobytes()) for name, array in value.items()])


def by_shape(value: Arrays) -> Any:
    return repr([(name, array.dtype.str, array.shape) for name, array in value.items()])


def later(op: Callable[..., Any]) -> Callable[..., Any]:
    return lambda params, value: lambda: op(params, value)


WRONG = {
    "by_content": (remembers(by_content), "answers_anew", "answers from a memo"),
    "by_shape": (remembers(by_shape), "answers_others", "in another order is wrong"),
    "later": (later, "computes_at_once", "function instead of dict"),
}


@pytest.mark.parametrize("name", OPS)
@pytest.mark.parametrize("mistake", WRONG)
def test_a_later_answer_that_cannot_be_trusted_is_refused(mistake, name):
    wrong, check, says = WRONG[mistake]
    framework = replace(
        NUMPY,
        ops=dict(NUMPY.ops) | {name: wrong(NUMPY.ops[name])},
        extract=lambda value, kind: NUMPY.extract(value() if callable(value) else value, kind),
    )
    with pytest.raises(search.Failure, match=says):
        search.holds(framework, ops.get(name), [checks.CHECKS[check]], UNSHRUNK)


@pytest.mark.parametrize("name", OPS)
def test_an_honest_framework_keeps_these_promises(name):
    tried = [checks.CHECKS[check] for _, check, _ in WRONG.values()]
    search.holds(NUMPY, ops.get(name), tried, search.reproducible(10))
