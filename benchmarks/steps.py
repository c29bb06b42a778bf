"""What the asv classes share: one step of a pipeline, on one framework, in this process.

asv starts a process for each benchmark and each set of parameters, so two frameworks never meet in one. Nothing heavy
is imported here at the top, because asv imports the suite in order to list it.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinbench.frameworks.api import Framework
    from twinbench.ops.contract import Kind
    from twinbench.plan.pipeline import Pipeline
    from twinbench.run.reference import Reference

PIPELINE = "flights-delay"

SIZES = os.environ.get("TWINBENCH_ASV_SIZES", "small").split(",")
"""Of the pipeline. asv keeps results by parameter, so that small ones stay comparable when larger ones are added."""

THREADS = 1


class Step(ABC):
    """A step, timed. The inputs are the reference's outputs, in the framework's native form."""

    param_names = ("framework", "size")
    params: Sequence[Sequence[str]]

    def __init__(self) -> None:
        self.call: Callable[[], Any] | None = None

    @property
    @abstractmethod
    def step(self) -> str:
        """The step's id in the pipeline."""

    def setup_cache(self) -> None:
        """Make the inputs, in a process of its own: what that costs is in no figure."""
        from twinbench.run import reference

        for size in SIZES:
            reference.prepare(pipeline(), size)

    setup_cache.timeout = 900  # type: ignore[attr-defined]

    def setup(self, framework: str, size: str) -> None:
        """Bind the step to its inputs, once: asv calls this before every sample."""
        from twinbench.worker import memory

        if self.call is None:
            self.call = bound(loaded(framework), self.step, size)
            self.call()  # the first call compiles; asv's --quick would take it for the time
        memory.reset_peak()

    def time_call(self, framework: str, size: str) -> None:
        """Native in, native out, as the harness times it."""
        assert self.call is not None
        self.call()


class RememberedStep(Step):
    """A step whose memory is of interest too."""

    def peakmem_call(self, framework: str, size: str) -> None:
        """What the process holds at most during the call, inputs and libraries included, but not their making."""
        self.time_call(framework, size)


def pipeline(name: str = PIPELINE) -> Pipeline:
    """The pipeline that a benchmark takes its steps from."""
    from twinbench.plan.pipeline import find
    from twinbench.run.job import directories

    return find(name, directories([]))


def loaded(name: str) -> Framework:
    """The framework, imported on one thread. Raises NotImplementedError, asv's way to skip, with the reason."""
    from twinbench.frameworks import registry
    from twinbench.plan.stack import unavailable
    from twinbench.run.environment import worker_environment

    framework = registry.get(name)
    reason = unavailable(framework)
    if reason is not None:
        raise NotImplementedError(reason)
    os.environ.update(worker_environment(THREADS))  # pools are sized when a library is imported
    framework.load(THREADS)
    return framework


def bound(framework: Framework, step: str, size: str) -> Callable[[], Any]:
    """The step as a call without arguments. A Julia call has its parameters converted once, as in a worker."""
    call = resolved(framework, step, size)
    bind = getattr(call.func, "bind", None)
    return call if bind is None else bind(*call.args)  # type: ignore[no-any-return]


def resolved(framework: Framework, step: str, size: str, name: str = PIPELINE) -> partial[Any]:
    """The implementation of a step with its parameters and native inputs."""
    from twinbench.ops import arrays
    from twinbench.run import reference

    plan = pipeline(name)
    known = reference.prepare(plan, size)
    this = next(candidate for candidate in plan.steps if candidate.id == step)
    kinds = [kind for kind in this.op.inputs if kind != "file"]
    values: list[Any] = [known.files[step]] if step in known.files else []
    values += [_native(framework, known, source, kind, size) for source, kind in zip(this.inputs, kinds, strict=True)]
    given = known.given(step)
    if given is not None:
        values.append(framework.prepare(arrays.load(Path(given)), "arrays"))
    return partial(framework.ops[this.op.name], this.params, *values)


def _native(framework: Framework, known: Reference, source: str, kind: Kind, size: str) -> Any:
    """A reference output in native form. A model has no neutral form, so the framework trains its own."""
    if kind == "model":
        return bound(framework, source, size)()
    from twinbench.ops import arrays

    return framework.prepare(arrays.load(Path(known.place(source))), kind)
