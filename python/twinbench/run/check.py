"""Checking agreement without timing anything: every stack's steps once, each held against the reference."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinbench.julia.find import find
from twinbench.julia.start import environment
from twinbench.launch.process import START_TIMEOUT_S, WorkerFailure, scratch
from twinbench.launch.team import Team
from twinbench.launch.variables import worker_environment
from twinbench.run.agree import agreement, reference
from twinbench.run.contender import compared, jobs
from twinbench.run.options import Options
from twinbench.run.runner import Part


@dataclass(frozen=True, slots=True)
class Checked:
    """A stack's findings by step. ``reason`` is there when it couldn't be checked to the end."""

    stack: str
    findings: dict[str, list[agreement.Finding]]
    reason: str = ""
    available: bool = True

    @property
    def ok(self) -> bool:
        """Whether every output is inside its tolerance, or no further outside than its framework declares."""
        return not self.reason and all(f.ok or f.declared for findings in self.findings.values() for f in findings)


def check(part: Part, options: Options) -> Iterator[Checked]:
    """Each stack of a part, one after the other."""
    known = reference.prepare(part.pipeline, part.size)
    for stack in part.stacks:
        if stack.missing is not None:
            yield Checked(stack.name, {}, stack.missing.reason, available=False)
            continue
        extra = environment(find(), options.threads) if stack.uses_julia else {}
        findings: dict[str, list[agreement.Finding]] = {}
        variables = worker_environment(options.threads, extra, options.device)
        try:
            team = Team(jobs(part.pipeline, stack, known, options), variables, options.memory_limit)
        except WorkerFailure as failure:
            yield Checked(stack.name, findings, f"{failure.kind}: {failure.reason}")
            continue

        def ask(do: str, team: Team = team, **arguments: Any) -> Any:
            return team.ask(do, options.timeout_s, **arguments)

        try:
            team.ask("load", START_TIMEOUT_S)
            with scratch() as directory:
                for step in part.pipeline.steps:
                    if step.id in stack.steps:
                        ask("first", step=step.id)
                        target = Path(directory) / step.id
                        if not step.isolated:
                            ask("extract", step=step.id, directory=str(target))
                        findings[step.id] = compared(ask, step, stack, known, target)
                        shutil.rmtree(target, ignore_errors=True)
            yield Checked(stack.name, findings)
        except WorkerFailure as failure:
            yield Checked(stack.name, findings, f"{failure.kind}: {failure.reason}")
        finally:
            team.kill()
