"""The times of functions that agree: a run of one pipeline, with the functions as stacks and the inputs as steps.

Measured by the protocol of every run, stored and shown as every run. Labelled inputs are steps of their own.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from threading import Lock
from typing import Any

from twinbench.pair.inputs import Input
from twinbench.pair.judge import Judge
from twinbench.pair.session import Function, Outcome
from twinbench.pair.timed import Case, Cases, Timed
from twinbench.pair.verdict import Verdict
from twinbench.run import environment
from twinbench.run.measuring import Measuring, now
from twinbench.run.options import Options
from twinbench.run.request import enter
from twinbench.run.watch import Watch
from twinbench.store.records import COMMAND, SUBCOMMAND, PlannedPipeline
from twinbench.store.store import Store

MODALITY = "pair"
"""Modality of own functions."""

SIZE = "given"
"""Name of the only size: the inputs as they were given."""

SIZE_LABEL = re.compile(r"(?:(?P<word>[^\W\d]\w*) ?= ?)?(?P<amount>\d[\d_]{0,14}(?:\.\d{1,9})?(?:[eE]\+?\d)?)")
"""Pattern of an input's label that is its size. Where all labels are, the growth of time with it is fitted."""

OP = "call"
"""Name of what each step does."""

CALLS = 3
"""Calls of a slow function that one request may make: two to calibrate and warm up, and one that is discarded."""


def run(
    verdict: Verdict, judge: Judge, options: Options, store: Store, watch: Watch, command: Sequence[str] = ()
) -> str | None:
    """Measure functions that agree. Returns the run's id, or None if the reference raises on every given input.

    ``command`` is stored: the arguments that ask for this again. An interrupt, or an error of twinbench's own, leaves
    the run as interrupted.
    """
    cases = Cases(tuple(cases_of(verdict.answers)))
    if not cases.steps:
        return None
    functions = list(verdict.functions.values())
    planned = plan(functions, cases)
    run_id = start(verdict, options, store, command)
    try:
        _measured(planned, functions, cases, verdict, judge, options, store, run_id, watch)
    except BaseException:
        store.finish_run(run_id, "interrupted")
        raise
    store.finish_run(run_id, "done")
    return run_id


def start(verdict: Verdict, options: Options, store: Store, command: Sequence[str]) -> str:
    """Enter a run of these functions into the store. Returns its id."""
    asked = {"request": {"stacks": list(verdict.functions)}, SUBCOMMAND: "pair", COMMAND: list(command)}
    return enter(store, asked, options, {name: code.versions for name, code in verdict.code.items()})


def add_cell(verdict: Verdict, name: str, planned: PlannedPipeline, store: Store, run_id: str) -> int:
    """Enter a function as a stack of the run. Returns the cell's id."""
    code = verdict.code[name]
    steps = {step["id"]: name for step in planned.spec["steps"]}
    cell = store.add_cell(run_id, planned.name, name, SIZE, steps, code.fingerprint)
    store.add_fact(cell, "", "versions", {name: dict(code.versions)})
    store.add_fact(cell, "", "files", dict(code.files))
    return cell


def usual_options(timeout_s: float, **options: Any) -> Options:
    """Return the options of a run, with the time for one call instead of that for one request."""
    return Options(timeout_s=CALLS * timeout_s, seed=secrets.randbelow(2**32), **options)


def cases_of(answers: Iterable[tuple[Input, Outcome]]) -> Iterator[Case]:
    """Yield the inputs that the reference answers; one on which it raises an exception isn't timed."""
    taken: set[str] = set()
    for example, answer in answers:
        if answer.raised is None:
            label = _unique(example.label, taken)
            taken.add(label)
            yield Case(label, example, answer)


def _unique(label: str, taken: Iterable[str]) -> str:
    """Return a label in the form of a step's name: in one line, and with a number where it is taken."""
    plain = "".join(letter if letter.isprintable() else " " for letter in label).strip()[:100] or "unlabelled"
    names = (plain if number == 1 else f"{plain} ({number})" for number in range(1, 1_000_000))
    return next(name for name in names if name not in taken)


def pipeline_name(functions: Iterable[Function]) -> str:
    """Return the name of the pipeline: that of the function, or all names where they differ."""
    names = dict.fromkeys(function.target.function.rpartition(".")[2] for function in functions)
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", "-".join(names)).strip("-_")
    return plain[:100].rstrip("-_") or "pair"


def plan(functions: Sequence[Function], cases: Cases) -> PlannedPipeline:
    """Return the run's only pipeline: a step for each case."""
    sums = {case.id: hashlib.sha256(case.example.encoded()).hexdigest() for case in cases.steps}
    steps = [{"id": id, "op": OP, "params": {"sha256": checksum[:16]}, "inputs": []} for id, checksum in sums.items()]
    spec = {
        "modality": MODALITY,
        "independent": cases.independent,
        "question": f"Which is faster: {' or '.join(function.name for function in functions)}?",
        "metric": None,
        "steps": steps,
    }
    count = len(sums)
    dataset = {
        "name": "the given input" if count == 1 else f"{count} given inputs",
        "sha256": hashlib.sha256("".join(sums.values()).encode()).hexdigest(),
    }
    return PlannedPipeline(pipeline_name(functions), SIZE, spec, dataset | amounts(list(sums)))


def amounts(labels: Sequence[str]) -> dict[str, Any]:
    """Return the amount of data by input, and their unit, where all labels are sizes such as ``n=1000`` or ``1e6``."""
    matches = {label: SIZE_LABEL.fullmatch(label) for label in labels}
    words = {match["word"] or "size" for match in matches.values() if match}
    by_label = {label: float(match["amount"].replace("_", "")) for label, match in matches.items() if match}
    if len(by_label) < len(labels) or len(words) > 1 or len({*by_label.values()}) < 2 or not all(by_label.values()):
        return {}
    return {"unit": words.pop(), "amounts": by_label}


def _measured(
    planned: PlannedPipeline,
    functions: Sequence[Function],
    cases: Cases,
    verdict: Verdict,
    judge: Judge,
    options: Options,
    store: Store,
    run_id: str,
    watch: Watch,
) -> None:
    environment.noise()  # rates are over the time since this call
    store.add_pipeline(run_id, planned)
    judging = Lock()
    contenders = []
    for function in functions:
        contenders.append(
            Timed(
                cell=add_cell(verdict, function.name, planned, store, run_id),
                store=store,
                options=options,
                function=function,
                cases=cases,
                judge=judge,
                judging=judging,
            )
        )
    watch.planned(planned.name, SIZE, [contender.name for contender in contenders])
    measuring = Measuring(cases, contenders, options, store, run_id, watch)
    try:
        measuring.all()
    finally:
        for contender in contenders:
            contender.stop()
    warnings = environment.warnings(store.find_run(run_id).environment, measuring.noises)
    store.add_noise(run_id, now(), {"warnings": [*verdict.notes, *warnings]})
