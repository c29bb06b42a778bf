"""Every Python framework of ours through the kit that checks those of others, on inputs that hypothesis makes up.

Networks are trained in `test_training`, by each framework in a process of its own.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from twinbench import ops
from twinbench.conformance import search
from twinbench.conformance.checks import checks_of
from twinbench.conformance.declared import DECLARATIONS
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.plan.stack import deviation, unavailable

MODULES = {
    **{"pandas": "pandas", "NumPy": "numpy", "Polars": "polars", "DuckDB": "duckdb"},
    **{"SciPy": "scipy", "pyAudioAnalysis": "pyaudioanalysis", "torch": "torch", "scikit-learn": "sklearn"},
    **{"Pillow": "pillow", "OpenCV": "opencv", "scikit-image": "skimage"},
}
"""The module of each framework that may share a process with the others."""

POOLS = {"pandas", "NumPy", "Polars", "DuckDB", "SciPy", "torch", "OpenCV"}
"""Frameworks with thread pools of their own; the others have NumPy's."""

PAIRS = [
    (name, op) for name in MODULES for op in registry.get(name).ops if ops.get(op).role != "train" or name != "torch"
]
DEVIATIONS = [(name, op) for name in MODULES for op in registry.get(name).deviations]
"""What is declared for any version; of a deviation that an installed version doesn't need, the absence is checked."""

LATER = ("answers_others", "answers_anew", "computes_at_once")
"""Checks that call an op on inputs of its own, tried on fewer cases: they hold or don't, whatever the values are."""

_loaded: set[str] = set()


def framework(name: str) -> Framework:
    """The framework, loaded once; the test is skipped where its library isn't installed."""
    wanted = registry.get(name)
    reason = unavailable(wanted)
    if reason is not None:
        pytest.skip(reason)
    if name not in _loaded:
        wanted.load(1)
        _loaded.add(name)
    return wanted


@pytest.mark.filterwarnings("ignore:Couldn't find ffmpeg", "ignore:loadtxt. input contained no data")
@pytest.mark.parametrize(("name", "op"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
def test_an_op_keeps_every_promise(name: str, op: str):
    """Other cases every time: where one fails, hypothesis remembers it."""
    checks = checks_of(framework(name), ops.get(op))
    later = {check: checks[check] for check in LATER}
    search.holds(
        framework(name), ops.get(op), [c for n, c in checks.items() if n not in later], settings(max_examples=25)
    )
    search.holds(framework(name), ops.get(op), later.values(), settings(max_examples=4))


@pytest.mark.parametrize(("name", "op"), DEVIATIONS, ids=["-".join(pair) for pair in DEVIATIONS])
def test_a_declared_deviation_is_needed_by_the_versions_that_it_names(name: str, op: str):
    tested = framework(name)
    if deviation(tested, op) is not None:
        search.needs_deviation(tested, ops.get(op))
        return
    with pytest.raises(search.Failure, match="no longer needed"):
        search.needs_deviation(tested, ops.get(op))


@pytest.mark.parametrize(
    ("name", "check"),
    [
        (name, check)
        for name in MODULES
        for check in DECLARATIONS
        if check != "imports_late" and (check != "reads_threads" or name in POOLS)  # test_walls looks at the imports
    ],
)
def test_what_a_framework_declares_is_so(name: str, check: str):
    tested = registry.get(name)
    if (reason := unavailable(tested)) is not None:
        pytest.skip(reason)
    DECLARATIONS[check](tested, f"twinbench.frameworks.{MODULES[name]}:FRAMEWORKS", 0)
