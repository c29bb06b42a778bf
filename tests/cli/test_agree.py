"""``twinbench agree``: what it prints for programs."""

from __future__ import annotations

import json

import pytest

WRONG = """
    from dataclasses import replace
    from twinbench.frameworks.probe import FRAMEWORKS as PROBES

    def one(value, kind):
        import numpy as np
        return {"value": np.ones(1)}

    FRAMEWORKS = (replace(PROBES[0], name="wrong", packages=("wrong",), extract=one),)
"""


def test_what_disagrees_beyond_measure_is_still_json(cli, plugin):
    done = cli("agree", "noop", "--stack", "probe-a", "--stack", "wrong", "--json", **plugin("wrong", WRONG))
    assert done.returncode == 1, done.stderr
    fine, wrong = json.loads(done.stdout, parse_constant=pytest.fail)
    assert (fine["ok"], wrong["ok"]) == (True, False)
    (finding,) = wrong["findings"]["noop"]
    assert (finding["level"], finding["error"], finding["max_abs"]) == ("different", None, 1.0)
