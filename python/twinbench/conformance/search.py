"""Drawing cases until a check fails, and saying on which one it did."""

from __future__ import annotations

import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from twinbench.conformance.case import Case, cases
from twinbench.conformance.checks import Broken
from twinbench.conformance.mutants import MUTANTS, renamed, same
from twinbench.conformance.paste import paste
from twinbench.conformance.trainers import possible
from twinbench.conformance.trial import Question, Trial, ask
from twinbench.frameworks.api import Framework
from twinbench.ops.contract import Arrays, Op
from twinbench.run.agree.agreement import sorted_rows

EXAMPLES = 25
"""Cases that a check is tried on."""

MOST_EXAMPLES = 200
"""Cases among which one must need a declared deviation."""


class Failure(Exception):
    """A failed check. The message says what was broken, and has the smallest case in a form that can be pasted."""


def holds(
    framework: Framework, op: Op, checks: Iterable[Callable[[Trial], None]], options: settings | None = None
) -> None:
    """Try checks on drawn cases. Raises Failure with the smallest case that hypothesis finds, and NoCases."""

    def attempt(question: Question) -> None:
        trial = Trial(framework, question)
        for check in checks:
            check(trial)

    _search(op, framework, attempt, options or reproducible())


def holds_on(framework: Framework, op: Op, checks: Iterable[Callable[[Trial], None]], case: Case) -> None:
    """Try checks on one case. Raises Failure."""
    with tempfile.TemporaryDirectory() as directory:
        try:
            trial = Trial(framework, ask(op, case, Path(directory)))
            for check in checks:
                check(trial)
        except Exception as error:
            raise Failure(_report(framework, op, case, error)) from error


def needs_deviation(framework: Framework, op: Op, options: settings | None = None) -> None:
    """Look for a case on which a declared deviation is needed. Raises Failure where there is none."""
    needed: list[str] = []

    def attempt(question: Question) -> None:
        if not needed:
            findings = question.check_agreement(Trial(framework, question).got, framework)
            needed.extend(f.declared for f in findings if f.declared)

    options = options or reproducible()
    options = settings(options, max_examples=max(MOST_EXAMPLES, options.max_examples), phases=[Phase.generate])
    _search(op, framework, attempt, options)
    if not needed:
        raise Failure(
            f"the declared deviation of {op.name} is no longer needed: its outputs agree on {options.max_examples} "
            f"drawn cases; delete {op.name} from the deviations of {framework.name}"
        )


def discriminates(framework: Framework, op: Op, options: settings | None = None) -> None:
    """Hold the check itself to account: agreement must refuse wrong answers made from the reference's right ones.

    Raises Failure where one is accepted, or where the drawn cases don't allow a mistake that they should.
    """
    counts = _Counts()
    _search(op, framework, lambda question: _refuse_mistakes(question, counts), options or reproducible())
    accepted = [f"'{array}' {mistake}" for mistake, array in counts.different if not counts.refused[mistake, array]]
    if accepted:
        raise Failure(f"{op.name}: agreement accepts a wrong answer on every drawn case: {'; '.join(accepted)}")
    possible = {mistake for mistake, _ in counts.different}
    missing = [m.name for m in MUTANTS if m.demanded and m.name in counts.applied and m.name not in possible]
    if missing:
        raise Failure(f"{op.name}: the drawn cases can't tell an output from one that is {'; '.join(missing)}")


class _Counts:
    """How often each mistake, by its name and the array, was applied, made a difference, and was refused."""

    def __init__(self) -> None:
        self.applied: set[str] = set()
        self.different: Counter[tuple[str, str]] = Counter()
        self.refused: Counter[tuple[str, str]] = Counter()
        self.trainers: set[str] = set()
        """Wrong trainers that were tried."""


def _refuse_mistakes(question: Question, counts: _Counts) -> None:
    op, params = question.op, question.params
    right = op.canonical(question.complete(question.want))
    if not all(finding.ok for finding in question.check_complete(right)):
        raise Broken("the reference doesn't agree with itself")
    _refuse_trainers(question, counts)
    for array, wrong in renamed(right):
        if _accepted(question, wrong):
            raise Broken(f"agreement accepts '{array}' under another name")
    tolerance = op.tolerance if op.tolerance_of is None else op.tolerance_of(params)
    unit = max((float(values.max(initial=0.0)) for values in question.scale.values()), default=1.0)
    for mutant in MUTANTS:
        for array, wrong in mutant.mistakes(right, replace(tolerance, atol=tolerance.atol * unit)):
            counts.applied.add(mutant.name)
            if same(_comparable(question, wrong), _comparable(question, right)):
                continue
            counts.different[mutant.name, array] += 1
            if not _accepted(question, wrong):
                counts.refused[mutant.name, array] += 1
            elif mutant.always:
                raise Broken(f"agreement accepts '{array}' {mutant.name}")


def _refuse_trainers(question: Question, counts: _Counts) -> None:
    """Try each wrong trainer on the first case where it makes a difference: a training takes long."""
    for wrong in possible(question.op, question.params, question.inputs):
        if wrong.name not in counts.trainers:
            counts.trainers.add(wrong.name)
            if all(finding.ok for finding in question.check_agreement(wrong.train(question.params, *question.inputs))):
                raise Broken(f"agreement accepts a trainer that {wrong.name}")


def _comparable(question: Question, output: Arrays) -> Arrays:
    """The output in the form in which agreement is checked."""
    canonical = question.op.canonical(output)
    return canonical if question.op.in_order(question.params) else sorted_rows(canonical)


def _accepted(question: Question, output: Arrays) -> bool:
    try:
        return all(finding.ok for finding in question.check_complete(output))
    except KeyError:  # the canonical form of an output asks for an array that isn't there
        return False


def reproducible(examples: int = EXAMPLES) -> settings:
    """Settings with which a check draws the same cases every time."""
    return settings(max_examples=examples, derandomize=True, database=None)


def _search(op: Op, framework: Framework, attempt: Callable[[Question], None], options: settings) -> None:
    failures: list[str] = []

    @settings(options, deadline=None, report_multiple_bugs=False, suppress_health_check=list(HealthCheck))
    @given(case=cases(op, framework.ops))
    def run(case: Case) -> None:
        with tempfile.TemporaryDirectory() as directory:
            try:
                attempt(ask(op, case, Path(directory)))
            except Exception as error:
                failures.append(_report(framework, op, case, error))
                raise

    try:
        run()
    except Exception as error:
        if not failures:
            raise
        raise Failure(failures[-1]) from error  # hypothesis ends with the smallest case


def _report(framework: Framework, op: Op, case: Case, error: Exception) -> str:
    if isinstance(error, Broken):
        what = str(error)
    else:
        lines = traceback.format_exception(error)
        what = f"{type(error).__name__}: {error}\n{''.join(lines)}"
    return f"{op.name} of {framework.name}: {what}\n\nThe smallest case:\n\n{_indented(paste(op, case))}\n"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.splitlines())
