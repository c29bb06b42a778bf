"""The pytest plugin: ``pytest --twinbench-framework mypackage.frames:FRAMEWORKS`` checks a framework of somebody else.

pytest loads this module wherever twinbench is installed, so it imports nothing until the option is there.
"""

from __future__ import annotations

import pytest

OPTION = "--twinbench-framework"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of the kit to those of pytest."""
    group = parser.getgroup("twinbench", "conformance of a twinbench framework")
    group.addoption(
        OPTION,
        metavar="SPEC",
        help="check a framework instead of collecting tests: MODULE:NAME of a Framework or a tuple, or a Julia file",
    )
    group.addoption(
        "--twinbench-xfails",
        metavar="FILE",
        help="checks that are expected to fail: lines 'OP REASON', or 'OP::CHECK REASON'",
    )
    group.addoption("--twinbench-skips", metavar="FILE", help="checks that are left out, in the same form")
    group.addoption(
        "--twinbench-examples", metavar="N", type=int, default=25, help="cases drawn for each check (default: 25)"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> bool | None:
    """Collect the kit's checks in place of tests where a framework is named; leave pytest alone otherwise."""
    spec: str | None = session.config.getoption(OPTION)
    if spec is None:
        return None
    from twinbench.conformance import collection

    collection.collect(session, spec)
    return True
