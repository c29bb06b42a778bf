"""The jobs of a stack's workers: which steps each of them has, with which framework, and what they are given."""

from __future__ import annotations

from dataclasses import asdict

from twinbench import ops
from twinbench.frameworks import registry
from twinbench.frameworks.api import Framework
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.plan.stack import Stack
from twinbench.run.agree.reference import Reference
from twinbench.run.options import Options
from twinbench.usercode.function import Function
from twinbench.worker.job import Job, OwnStep, SavedValue, StepJob


def step_job(
    step: Step,
    framework: Framework,
    file: str | None = None,
    given: str | None = None,
    *,
    needed: bool = False,
    own: Function | None = None,
) -> StepJob:
    """Return the message for a step; the arguments are the fields of `StepJob`."""
    return StepJob(
        id=step.id,
        op=step.op.name,
        op_plugin=None if own is not None else ops.plugin_of(step.op.name),
        params=asdict(step.params),
        inputs=step.inputs,
        framework=framework.name,
        plugin=registry.plugin_of(framework.name),
        file=file,
        given=given,
        needed=needed,
        own=None if own is None else _own_step(step, own),
    )


def _own_step(step: Step, own: Function) -> OwnStep:
    op = step.op
    return OwnStep(
        file=own.file, function=own.name, digest=own.digest, inputs=op.inputs, output=op.output, role=op.role
    )


def jobs(pipeline: Pipeline, stack: Stack, reference: Reference, options: Options) -> dict[str | None, Job]:
    """Return the jobs of a stack's workers, by environment."""
    kinds = pipeline.kinds
    taken = {source for step in pipeline.steps for source in step.inputs}
    steps: dict[str | None, list[StepJob]] = {}
    values: dict[str | None, dict[str, SavedValue]] = {}
    for step in pipeline.steps:
        if step.id not in stack.steps:
            continue
        framework = stack.steps[step.id]
        own = values.setdefault(framework.environment, {})
        own |= {
            s: SavedValue(directory=reference.directory_of(s), kind=kinds[s])
            for s in step.inputs
            if s not in stack.steps
        }
        files = {"file": reference.files.get(step.id), "given": reference.given(step.id)}
        job = step_job(step, framework, **files, needed=step.id in taken, own=stack.own.get(step.id))
        steps.setdefault(framework.environment, []).append(job)
    return {
        environment: Job(threads=options.threads, device=options.device, steps=tuple(own), values=values[environment])
        for environment, own in steps.items()
    }
