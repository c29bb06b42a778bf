"""DataFrames.jl's answers to db-benchmark's questions agree with the references', and the identities hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.questions import CHECKS, KINDS, native, questions
from twinbench.frameworks.reference import FRAMEWORKS
from twinbench.run.agree.agreement import check_agreement

NAME = "DataFrames.jl"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: KINDS[kind] or "plain")
@pytest.mark.parametrize("name", CHECKS)
def test_the_answers_agree_and_satisfy_the_identities(
    in_julia: Any, monkeypatch: pytest.MonkeyPatch, cache: Path, tmp_path: Path, name: str, kind: str
):
    monkeypatch.setenv("TWINBENCH_CACHE_DIR", str(cache))
    asked = questions(name, kind, tmp_path)
    want = native(FRAMEWORKS[0].ops, asked)
    got = in_julia("answers", NAME, [(step, op.name, params, inputs, file) for step, op, params, inputs, file in asked])
    CHECKS[name](got)
    for step, op, params, *_ in asked:
        findings = check_agreement(op, got[step], want[step], params=params)
        assert [finding for finding in findings if not finding.ok] == []
