"""The check that the run's device is available: it is tried in a worker, before anything is measured."""

from __future__ import annotations

from collections.abc import Sequence

from twinbench.errors import REQUIRED_UNAVAILABLE, TwinbenchError
from twinbench.frameworks.api import Framework
from twinbench.launch.process import START_TIMEOUT_S, Worker, WorkerFailure
from twinbench.launch.variables import variables_of_worker
from twinbench.plan.pipeline import Step
from twinbench.run.jobs import step_job
from twinbench.run.options import Options
from twinbench.run.runner import Part
from twinbench.worker import protocol
from twinbench.worker.job import Job


class DeviceUnavailable(TwinbenchError):
    """A stack can't compute on the device that ``--device`` names."""

    exit_code = REQUIRED_UNAVAILABLE


def require(parts: Sequence[Part], options: Options) -> None:
    """Check that every stack can use the run's device. Raises DeviceUnavailable, with the framework's reason."""
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
    """Load a framework in a worker like those of the run. Raises DeviceUnavailable if that fails."""
    variables = variables_of_worker(options.threads, options.device, uses_julia=framework.language == "julia")
    job = Job(
        threads=options.threads,
        device=options.device,
        steps=(step_job(step, framework),),
        values={},
    )
    try:
        worker = Worker(job, variables, environment=framework.environment)
        try:
            worker.ask(protocol.LOAD, START_TIMEOUT_S)
        finally:
            worker.kill()
    except WorkerFailure as failure:
        reason = failure.reason.removeprefix("RuntimeError: ")
        raise DeviceUnavailable(f"--device {options.device}: {framework.name}: {reason}") from None
