"""The check of a step's output against the reference's, and what a check that can't be made costs."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import inf
from pathlib import Path

from twinbench.errors import TwinbenchError, in_one_line
from twinbench.launch import saved
from twinbench.launch.process import STDERR_TAIL, Ask, WorkerFailure, scratch
from twinbench.plan.pipeline import Step
from twinbench.plan.stack import Stack
from twinbench.plan.stack import deviation as deviation_of
from twinbench.run.agree import divergence
from twinbench.run.agree.agreement import check_agreement
from twinbench.run.agree.reference import Reference
from twinbench.store.records import Agreement
from twinbench.worker import protocol


def check_output(ask: Ask, step: Step, stack: Stack, reference: Reference, directory: Path) -> list[Agreement]:
    """Check that a step's output, saved in ``directory``, agrees with the reference's; one finding per array.

    An isolated step is executed once more by the worker, on the reference's inputs, and that output is checked.
    Raises WorkerFailure if the output can't be checked, and if it is a model whose training diverged.
    """
    want, scale, values = reference.output(step.id), reference.scale(step.id), reference.inputs(step)
    deviation = deviation_of(stack.steps[step.id], step.op.name)
    with scratch() as isolated, costs_its_cell_only(step):
        if step.isolated:
            directory = Path(isolated)
            inputs = [reference.directory_of(source) for source in step.inputs]
            ask(protocol.ISOLATED, step=step.id, inputs=inputs, directory=isolated)
        got = saved.output(step.id, directory)
        if diverged := divergence.reason(step.op, got):
            raise WorkerFailure("training", f"{step.id}: {diverged}")
        findings = check_agreement(step.op, got, want, deviation, step.params, scale, values)
    if not all(finding.ok or finding.declared for finding in findings):
        reference.require_intact()
    return [replace(finding, step=step.id) for finding in findings]


def held_as_input(step: Step, held: Mapping[str, Mapping[str, str]]) -> list[Agreement]:
    """Return a finding if an op for how a table is held returns a table that is held as its input is.

    ``held``: how the outputs of the steps are held, by step and column; empty where a framework doesn't say.
    """
    source, facts = step.inputs[0] if step.inputs else "", held.get(step.id)
    if not step.op.keeps_framework or not facts or held.get(source) != facts:
        return []
    columns = ", ".join(f"{name} {how}" for name, how in facts.items())
    return [different(step.id, "", f"the table is held as its input is: {columns}")]


def different(step: str, output: str, detail: str) -> Agreement:
    """Return a finding that isn't a distance."""
    return Agreement(step, output, "different", inf, inf, False, detail)


@contextmanager
def costs_its_cell_only(step: Step) -> Iterator[None]:
    """Turn the exception of a check into the failure of its cell, so that an unusable output doesn't end the run."""
    try:
        yield
    except (WorkerFailure, TwinbenchError, OSError):
        raise
    except MemoryError as error:
        raise WorkerFailure("memory", f"{step.id}: the output is too large to be checked") from error
    except Exception as error:
        reason = f"{step.id}: the output can't be checked: {in_one_line(error)}"
        raise WorkerFailure("wrong answer", reason, traceback.format_exc()[-STDERR_TAIL:]) from error
