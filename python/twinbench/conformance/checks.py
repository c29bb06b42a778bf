"""What every call of an op must fulfil, one function for each promise; each takes a trial and raises `Broken`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from twinbench.conformance.trial import Trial, copied, other
from twinbench.frameworks.api import Framework
from twinbench.frameworks.neutral import other_form
from twinbench.ops.contract import Arrays, Op
from twinbench.ops.tables import Categorise
from twinbench.run.agree.agreement import check_agreement

CATEGORISE = "tables.categorise"
"""The op that holds strings as categories."""


class Broken(AssertionError):
    """A promise that a framework doesn't keep: what, where, and with which value."""


def agrees(trial: Trial) -> None:
    """The output is the reference's, within the tolerance of the op or the declared deviation."""
    findings = trial.question.check_agreement(trial.got, trial.framework)
    wrong = [f for f in findings if not f.ok and not f.declared]
    if wrong:
        raise Broken("; ".join(f"'{f.output}': {f.detail or f'error {f.error:.3g} of what is allowed'}" for f in wrong))


def fits(trial: Trial) -> None:
    """The neutral output has the names, order, dtypes and shapes of the contract; also what agreement leaves out."""
    question = trial.question
    got, want = trial.got, question.want
    if question.op.output == "saved":  # a file needn't hold what agreement leaves out
        got, want = question.op.canonical(got), question.op.canonical(want)
    if list(got) != list(want):
        raise Broken(f"the output holds {list(got)} instead of {list(want)}")
    for name, values in want.items():
        found = got[name]
        if found.dtype != values.dtype and not found.dtype.kind == values.dtype.kind == "U":
            raise Broken(f"'{name}' is {found.dtype} instead of {values.dtype}")
        no_images = "images" in (*question.kinds, question.op.output) and len(found) == len(values) == 0
        if found.shape != values.shape and not no_images:
            raise Broken(f"'{name}' has the shape {found.shape} instead of {values.shape}")


def repeats(trial: Trial) -> None:
    """A second call on the same prepared inputs gives the same answer, within the tolerance of the op.

    Not to the last bit: a vectorised loop may round otherwise where memory begins at another address.
    """
    first, second = trial.got, trial.call()
    question = trial.question
    wrong = [f for f in check_agreement(question.op, second, first, None, question.params, question.scale) if not f.ok]
    if wrong:
        raise Broken(f"the second call gives another answer: '{wrong[0].output}': {wrong[0].detail}")


def answers_anew(trial: Trial) -> None:
    """Calls on equal inputs have memory of their own: an answer that is handed out again comes from a memo."""
    if trial.question.op.output not in ("table", "arrays", "images"):
        return
    first, second = trial.call_anew(), trial.call_anew()
    same = first is second and first is not None
    arrays = [trial.framework.extract(output, trial.question.op.output) for output in (first, second)]
    if same or any(np.may_share_memory(values, arrays[1][name]) for name, values in arrays[0].items()):
        raise Broken("a second call on equal inputs returns the memory of the first: it answers from a memo")


def answers_others(trial: Trial) -> None:
    """A call on other rows of the same shapes, after the first call, is answered for those rows."""
    question = other(trial.question)
    if question is None:
        return
    _ = trial.got
    wrong = [f for f in question.check_agreement(Trial(trial.framework, question).got, trial.framework) if not f.ok]
    if any(not f.declared for f in wrong):
        raise Broken(f"a call on the same rows in another order is wrong: '{wrong[0].output}': {wrong[0].detail}")


def computes_at_once(trial: Trial) -> None:
    """A call returns a computed value, of the type that ``prepare`` makes, and needs no file any more."""
    kind = trial.question.op.output
    if trial.framework.language == "julia" or kind not in ("table", "arrays", "images"):
        return
    output = trial.call_anew()
    equal = trial.framework.prepare(copied(trial.framework.extract(output, kind)), kind)
    form = other_form(output, equal)
    if form:
        raise Broken(f"the call returns {form}, which prepare makes: what is timed may not be the whole work")


def takes_categories(trial: Trial) -> None:
    """Tables whose strings are held as categories have the answer that they have as strings; so has the first alone."""
    question, framework = trial.question, trial.framework
    tables = [number for number, kind in enumerate(question.kinds) if kind == "table"]
    for numbers in {tuple(tables), tuple(tables[:1])}:
        native = [
            _categorised(framework, question.inputs[number], value) if number in numbers else value
            for number, value in enumerate(trial.native)
        ]
        output = framework.ops[question.op.name](question.params, *native)
        got = framework.extract(output, question.op.output)
        wrong = [f for f in question.check_agreement(got, framework) if not f.ok and not f.declared]
        if wrong:
            raise Broken(f"the answer is wrong where strings are categories: '{wrong[0].output}': {wrong[0].detail}")


def _categorised(framework: Framework, table: Arrays, native: Any) -> Any:
    """Hold the strings of a table as categories. The framework's facts must say so."""
    texts = tuple(name for name, values in table.items() if values.dtype.kind == "U")
    if not texts:
        return native
    held = framework.ops[CATEGORISE](Categorise(columns=texts), native)
    before, after = (framework.facts(value, "table") for value in (native, held))
    for name in texts:
        if name in before and before[name] == after.get(name):
            raise Broken(f"'{name}' is held as {before[name]} before and after {CATEGORISE}")
    return held


def leaves_inputs(trial: Trial) -> None:
    """The inputs are after a call what they were before it: the prepared ones, and the arrays given to ``prepare``."""
    before = trial.arrived
    _ = trial.got
    for (position, values), (_, after) in zip(before, trial.neutral(), strict=True):
        difference = unequal(after, values)
        if difference:
            raise Broken(f"the call changes input {position}: {difference}")
    for position, (values, after) in enumerate(zip(trial.before, trial.question.inputs, strict=True)):
        difference = "" if isinstance(values, str) else unequal(after, values)
        if difference:
            raise Broken(f"the call changes the array under input {position}: {difference}")


def round_trips(trial: Trial) -> None:
    """``extract`` after ``prepare`` gives every input back, to the last bit."""
    question = trial.question
    for position, values in trial.arrived:
        if position == len(question.op.inputs):
            continue  # givens are prepared, and never extracted
        want = question.inputs[position]
        if question.kinds[position] == "images":  # a list of no images has no size
            values, want = (({n: v if len(v) else v.reshape(0) for n, v in each.items()}) for each in (values, want))
        difference = unequal(values, want)
        if difference:
            raise Broken(f"input {position} doesn't come back from prepare and extract: {difference}")


CHECKS: dict[str, Callable[[Trial], None]] = {
    check.__name__: check
    for check in (
        *(round_trips, leaves_inputs, agrees, fits, repeats, takes_categories),
        *(answers_others, answers_anew, computes_at_once),
    )
}
"""Every check of an op on a drawn case, by the name under which pytest shows it.

On one trial they run in this order: inputs are looked at before the first call.
"""


def checks_of(framework: Framework, op: Op) -> dict[str, Callable[[Trial], None]]:
    """Return the checks that concern an op of a framework: not every one holds strings as categories."""
    with_categories = CATEGORISE in framework.ops and "table" in op.inputs
    return {name: check for name, check in CHECKS.items() if with_categories or check is not takes_categories}


def unequal(got: Arrays, want: Arrays) -> str:
    """The first difference between two values that must be equal to the last bit; empty where there is none."""
    if list(got) != list(want):
        return f"names {list(got)} instead of {list(want)}"
    for name, values in want.items():
        other = got[name]
        text = other.dtype.kind == values.dtype.kind == "U"
        if other.shape != values.shape or (other.dtype != values.dtype and not text):
            return f"'{name}' is {other.dtype} {other.shape} instead of {values.dtype} {values.shape}"
        equal = (
            other == values
            if values.dtype.kind not in "fc"
            else (other == values) | (np.isnan(other) & np.isnan(values))
        )
        if not equal.all():
            index = tuple(int(i) for i in np.argwhere(~equal)[0])
            return f"'{name}' at {index[0] if len(index) == 1 else index}: {other[index]} instead of {values[index]}"
    return ""
