"""Whether what a run asks for can be had: the device is tried in a worker, before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twinbench.errors import REQUIRED_UNAVAILABLE, TwinbenchError
from twinbench.frameworks.api import Framework
from twinbench.julia.find import find
from twinbench.julia.start import environment
from twinbench.launch.process import START_TIMEOUT_S, Worker, WorkerFailure, scratch
from twinbench.launch.variables import worker_environment
from twinbench.plan.pipeline import Step
from twinbench.run.options import Options
from twinbench.run.runner import Part


class DeviceUnavailable(TwinbenchError):
    """A stack can't compute on the device that ``--device`` names."""

    exit_code = REQUIRED_UNAVAILABLE


def require(parts: Sequence[Part], options: Options) -> None:
    """Raises DeviceUnavailable, with the framework's reason, unless every stack has something on the run's device."""
    if options.device == "cpu":
        return
    tried: set[str] = set()
    for part in parts:
        for stack in part.stacks:
            if stack.missing is not None:
                continue
            able = {f.name: s for s, f in stack.steps.items() if f.cuda is not None}
            if not able:
                raise DeviceUnavailable(
                    f"--device {options.device}: no framework of {stack.name} can use it; leave the stack out"
                )
            steps = {step.id: step for step in part.pipeline.steps}
            for name, step in able.items():
                if name not in tried:
                    _try(stack.steps[step], steps[step], options)
                    tried.add(name)


def _try(framework: Framework, step: Step, options: Options) -> None:
    """Load a framework as a worker of the run would."""
    extra = environment(find(), options.threads) if framework.language == "julia" else {}
    variables = worker_environment(options.threads, extra, options.device)
    with scratch() as directory:
        told: dict[str, Any] = {"framework": framework.name, "file": None, "given": None, "kept": False}
        job = {"threads": options.threads, "device": options.device, "values": {}}
        job |= {"handovers": directory, "steps": [step.as_json() | told]}
        try:
            worker = Worker(job, variables, place=framework.environment)
            try:
                worker.ask("load", START_TIMEOUT_S)
            finally:
                worker.kill()
        except WorkerFailure as failure:
            reason = failure.reason.removeprefix("RuntimeError: ")
            raise DeviceUnavailable(f"--device {options.device}: {framework.name}: {reason}") from None
