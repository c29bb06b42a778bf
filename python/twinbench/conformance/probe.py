"""Parameters of the ops by which the harness measures itself: none takes long."""

from __future__ import annotations

from collections.abc import Collection

from hypothesis import strategies as st

from twinbench.conformance.case import Case

CASES = {
    "noop": st.builds(Case, st.just({})),
    "spin": st.builds(Case, st.fixed_dictionaries({"microseconds": st.floats(0, 50)})),
    "work": st.builds(Case, st.fixed_dictionaries({"loops": st.integers(0, 1000)})),
}


def cases(name: str, implemented: Collection[str]) -> st.SearchStrategy[Case]:
    """The strategy for ``probe.NAME``."""
    return CASES[name]
