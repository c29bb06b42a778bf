"""The answers to db-benchmark's questions: they agree with the reference's, and the identities hold for all of them."""

from __future__ import annotations

from functools import cache as kept
from pathlib import Path
from typing import Any

import pytest

from tests.questions import CHECKS, KINDS, native, questions
from twinbench.frameworks.reference import FRAMEWORKS
from twinbench.run.agree.agreement import check_agreement


@pytest.fixture(scope="session")
def answered(cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The questions of a pipeline on a kind of data, with the reference's answers, each made once."""

    @kept
    def make(name: str, kind: str) -> Any:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TWINBENCH_CACHE_DIR", str(cache))
            asked = questions(name, kind, tmp_path_factory.mktemp("pipelines"))
        return asked, native(FRAMEWORKS[0].ops, asked)

    return make


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: KINDS[kind] or "plain")
@pytest.mark.parametrize("name", CHECKS)
def test_the_references_answers_satisfy_the_identities(answered: Any, name: str, kind: str):
    _, want = answered(name, kind)
    CHECKS[name](want)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: KINDS[kind] or "plain")
@pytest.mark.parametrize("name", CHECKS)
def test_a_frameworks_answers_agree_and_satisfy_the_identities(framework: Any, answered: Any, name: str, kind: str):
    asked, want = answered(name, kind)
    answers = native(framework.ops, asked)
    answered_here = [question for question in asked if question[0] in answers]
    got = {step: framework.extract(answers[step], op.output) for step, op, *_ in answered_here}
    CHECKS[name](got)
    for step, op, params, *_ in answered_here:
        assert all(finding.ok for finding in check_agreement(op, got[step], want[step], params=params)), step
