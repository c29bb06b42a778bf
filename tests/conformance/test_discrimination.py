"""The kit's own power: its drawn inputs tell a right answer of every op from a wrong one, and it says so if not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import strategies as st

from twinbench import ops
from twinbench.conformance import search, tables
from twinbench.conformance.case import Case, NoCases
from twinbench.frameworks.reference import FRAMEWORKS
from twinbench.ops.contract import Op, Tolerance

(REFERENCE,) = FRAMEWORKS


@pytest.mark.parametrize("op", ops.all_ops(), ids=lambda op: op.name)
def test_wrong_answers_to_drawn_inputs_are_refused(op: Op):
    try:
        search.discriminates(REFERENCE, op)
    except NoCases as error:
        pytest.skip(str(error))


def test_a_tolerance_that_allows_anything_is_found_out():
    slack = replace(ops.get("tables.impute"), tolerance=Tolerance(rtol=1e3, atol=1e9))
    with pytest.raises(search.Failure, match="agreement accepts a wrong answer on every drawn case"):
        search.discriminates(REFERENCE, slack)


def test_a_canonical_form_that_hides_names_is_found_out():
    nameless = replace(ops.get("tables.sort"), canonical=lambda table: {n.strip("_"): v for n, v in table.items()})
    with pytest.raises(search.Failure, match="under another name"):
        search.discriminates(REFERENCE, nameless)


def test_inputs_that_tell_nothing_apart_are_found_out(monkeypatch: pytest.MonkeyPatch):
    zeros = {"x": np.zeros(3)}
    monkeypatch.setitem(tables.CASES, "sort", lambda: st.just(Case({"by": ["x"]}, (zeros,))))
    with pytest.raises(search.Failure, match="can't tell an output from one that is shifted by one element"):
        search.discriminates(REFERENCE, ops.get("tables.sort"))
