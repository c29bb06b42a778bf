"""The agreement check without timing: every stack's steps run once, and outputs are checked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from twinbench.launch.process import START_TIMEOUT_S, WorkerFailure, scratch
from twinbench.launch.team import Team
from twinbench.launch.variables import variables_of_worker
from twinbench.ops.contract import Arrays
from twinbench.plan.stack import left_out
from twinbench.run import recheck
from twinbench.run.agree import reference
from twinbench.run.agree.apart import computed_apart
from twinbench.run.agree.reference import Reference
from twinbench.run.jobs import jobs
from twinbench.run.options import Options
from twinbench.run.outputs import check_output, held_as_input
from twinbench.run.runner import Part
from twinbench.store.records import Agreement
from twinbench.worker import protocol
from twinbench.worker.protocol import Reply, Request


@dataclass(frozen=True, slots=True)
class Checked:
    """A stack's findings by step. ``reason`` says why the check of the stack ended early; empty if it didn't."""

    stack: str
    findings: dict[str, list[Agreement]]
    reason: str = ""
    available: bool = True
    unsupported: Mapping[str, str] = field(default_factory=dict)
    """Why the stack leaves out steps, while it runs others, by step."""
    parts_at: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Step from which on trainings that differ by roundings part, and number of steps, by step of the pipeline."""

    @property
    def ok(self) -> bool:
        """Whether every output is inside its op's tolerance, or inside the deviation that its framework declares."""
        return not self.reason and not self.wrong

    @property
    def wrong(self) -> list[Agreement]:
        """The findings outside the tolerance that the framework doesn't declare."""
        return [f for findings in self.findings.values() for f in findings if not (f.ok or f.declared)]


def check(part: Part, options: Options) -> Iterator[Checked]:
    """Check the stacks of a part, one after the other."""
    with computed_apart(options.timeout_s, options.memory_limit) as compute:
        try:
            references = reference.prepare(part.pipeline, part.size, options.device, compute)
        except WorkerFailure as failure:
            for stack in part.stacks:
                yield Checked(stack.name, {}, f"{failure.kind}: the reference: {failure.reason}")
            return
        yield from _check(part, options, references)


def _check(part: Part, options: Options, references: Reference) -> Iterator[Checked]:
    parted = {step.id: at for step in part.pipeline.steps if (at := references.parts_at(step)) is not None}
    for stack in part.stacks:
        if stack.missing is not None:
            yield Checked(stack.name, {}, stack.missing.reason, available=False)
            continue
        findings: dict[str, list[Agreement]] = {}
        held: dict[str, Mapping[str, str]] = {}
        variables = variables_of_worker(options.threads, options.device, uses_julia=stack.uses_julia)
        try:
            team = Team(jobs(part.pipeline, stack, references, options), variables, options.memory_limit)
        except WorkerFailure as failure:
            yield Checked(stack.name, findings, f"{failure.kind}: {failure.reason}")
            continue

        def ask(request: Request[Reply], team: Team = team, **arguments: Any) -> Reply:
            return team.ask(request, options.timeout_s, **arguments)

        try:
            team.ask(protocol.LOAD, START_TIMEOUT_S)
            with scratch() as directory:
                rechecks: dict[str, Arrays | None] = {}
                for step in part.pipeline.steps:
                    if step.id in stack.steps:
                        held[step.id] = ask(protocol.FIRST, step=step.id).facts
                        target = Path(directory) / step.id
                        ask(protocol.EXTRACT, step=step.id, directory=str(target))
                        findings[step.id] = check_output(ask, step, stack, references, target)
                        findings[step.id] += held_as_input(step, held)
                        rechecks |= recheck.planned(step, findings[step.id], target)
                        shutil.rmtree(target, ignore_errors=True)
                for finding in recheck.recheck(ask, part.pipeline, stack, references, rechecks):
                    findings[finding.step].append(finding)
            yield Checked(stack.name, findings, unsupported=left_out(stack, part.pipeline), parts_at=parted)
        except WorkerFailure as failure:
            yield Checked(stack.name, findings, f"{failure.kind}: {failure.reason}")
        finally:
            team.kill()
