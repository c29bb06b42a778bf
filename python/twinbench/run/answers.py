"""What a step of a pipeline computes: the reference's answer, or a stack's, as arrays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from twinbench.errors import BadInput, nearest
from twinbench.launch import saved
from twinbench.launch.process import START_TIMEOUT_S, WorkerFailure, scratch
from twinbench.launch.team import Team
from twinbench.launch.variables import variables_of_worker
from twinbench.ops.contract import Arrays
from twinbench.plan.pipeline import Step
from twinbench.plan.stack import Stack
from twinbench.run.agree import reference
from twinbench.run.agree.apart import computed_apart
from twinbench.run.agree.reference import Reference
from twinbench.run.jobs import jobs
from twinbench.run.options import Options
from twinbench.run.runner import Part
from twinbench.worker import protocol

REFERENCE = "reference"
"""Name under which the reference's answer is shown."""


def step_of(part: Part, name: str) -> Step:
    """Return a step of a pipeline by its id. Raises BadInput, with the nearest id."""
    steps = {step.id: step for step in part.pipeline.steps}
    if name not in steps:
        raise BadInput(f"{part.pipeline.path}: no step '{name}'{nearest(name, steps)}")
    return steps[name]


def answers(part: Part, step: Step, options: Options, *, of_reference: bool) -> Iterator[tuple[str, Arrays | str]]:
    """Yield names and answers: the reference's, if asked for, and each stack's, or the reason why it has none."""
    with computed_apart(options.timeout_s, options.memory_limit) as compute:
        try:
            references = reference.prepare(part.pipeline, part.size, options.device, compute)
        except WorkerFailure as failure:
            yield REFERENCE, f"{failure.kind}: {failure.reason}"
            return
    if of_reference:
        yield REFERENCE, references.output(step.id)
    for stack in part.stacks:
        if stack.missing is not None or step.id not in stack.steps:
            yield stack.name, stack.missing.reason if stack.missing is not None else f"it doesn't have {step.op.name}"
            continue
        try:
            yield stack.name, _answer(part, stack, step, references, options)
        except WorkerFailure as failure:
            yield stack.name, f"{failure.kind}: {failure.reason}"


def _answer(part: Part, stack: Stack, step: Step, references: Reference, options: Options) -> Arrays:
    variables = variables_of_worker(options.threads, options.device, uses_julia=stack.uses_julia)
    team = Team(jobs(part.pipeline, stack, references, options), variables, options.memory_limit)
    try:
        team.ask(protocol.LOAD, START_TIMEOUT_S)
        for earlier in part.pipeline.steps:
            if earlier.id in stack.steps:
                team.ask(protocol.FIRST, options.timeout_s, step=earlier.id)
            if earlier.id == step.id:
                break
        with scratch() as directory:
            team.ask(protocol.EXTRACT, options.timeout_s, step=step.id, directory=directory)
            return saved.output(step.id, Path(directory), mapped=False)
    finally:
        team.kill()
