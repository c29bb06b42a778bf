"""What the asv classes share: one step of a pipeline, on one framework, in this process.

asv starts a process for each benchmark and each set of parameters, so two frameworks never meet in one. Nothing heavy
is imported here at the top, because asv imports the suite in order to list it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinbench.frameworks.api import Framework
    from twinbench.ops.contract import Kind
    from twinbench.plan.pipeline import Pipeline, Step

SIZES = os.environ.get("TWINBENCH_ASV_SIZES", "small").split(",")
"""Sizes of a pipeline that asv measures; the first size of a pipeline that has none of these. asv keeps results by
parameter, so that small sizes stay comparable when larger sizes are added."""

PIPELINE = "flights-delay"
"""Size from which the harness's own figures are taken."""

THREADS = 1

OURS = ("probe", "reference")
"""Modalities and frameworks that only serve to measure the harness itself."""

PREPARE = "import sys; from benchmarks import steps; steps.prepare(*sys.argv[1:])"


class _Step:
    """A step, timed and tracked. The inputs are the reference's outputs, in the framework's native form."""

    param_names = ("framework", "size")
    plan: str
    """The pipeline's name."""
    step: str
    """The step's id."""

    def __init__(self) -> None:
        self.bound: Bound | None = None

    def setup(self, framework: str, size: str) -> None:
        """Bind the step to its inputs, once: asv calls this before every sample."""
        from twinbench.worker import memory

        if self.bound is None:
            prepared(self.plan, size)
            self.bound = Bound(loaded(framework), pipeline(self.plan), self.step, size)
        memory.reset_peak()

    def time_call(self, framework: str, size: str) -> None:
        """Execute the step on native inputs, as the harness times it."""
        self.bound.call()

    def peakmem_call(self, framework: str, size: str) -> None:
        """Return the process's peak memory during the call, with inputs and libraries, but not while they are made."""
        self.bound.call()

    def track_first_call(self, framework: str, size: str) -> float:
        """Time the first execution in a fresh process, which includes compilation."""
        return self.bound.first_call_s

    def track_boundary(self, framework: str, size: str) -> float:
        """Time the conversion of the inputs into native form and of the output back."""
        return self.bound.boundary_s()

    def track_agreement_error(self, framework: str, size: str) -> float:
        """The largest distance from the reference, in tolerances: 1 is the edge."""
        return self.bound.error()

    track_first_call.unit = "seconds"
    track_boundary.unit = "seconds"
    track_agreement_error.unit = "tolerances"


class Bound:
    """A step with its parameters and native inputs, executed once: asv's --quick would take what that compiles for
    the time."""

    def __init__(self, framework: Framework, plan: Pipeline, step: str, size: str) -> None:
        from twinbench.run.agree import reference

        self.framework, self.plan, self.size = framework, plan, size
        self.known = reference.prepare(plan, size)
        self.step = next(candidate for candidate in plan.steps if candidate.id == step)
        call = resolved(framework, step, size, plan.name)
        bind = getattr(call.func, "bind", None)  # a Julia call has its parameters converted once, as in a worker
        self.call: Callable[[], Any] = call if bind is None else bind(*call.args)
        start = time.perf_counter()
        self.call()
        self.first_call_s = time.perf_counter() - start

    def boundary_s(self) -> float:
        """Convert inputs and output once each, then time both conversions."""
        self._cross()
        result = self.call()
        self.framework.extract(result, self.step.op.output)
        start = time.perf_counter()
        self._cross()
        self.framework.extract(result, self.step.op.output)
        return time.perf_counter() - start

    def error(self) -> float:
        """Return the largest distance of any output, in tolerances."""
        from twinbench.run.agree import agreement

        got = self.framework.extract(self.call(), self.step.op.output)
        return max(
            f.error
            for f in agreement.check_agreement(
                self.step.op,
                got,
                self.known.output(self.step.id),
                None,
                self.step.params,
                self.known.scale(self.step.id),
                self.known.inputs(self.step),
            )
        )

    def _cross(self) -> None:
        """Bring all inputs but models into the framework's form."""
        kinds = [kind for kind in self.step.op.inputs if kind != "file"]
        for source, kind in zip(self.step.inputs, kinds, strict=True):
            if kind != "model":
                native(self.framework, self.plan, source, kind, self.size)


def resolved(framework: Framework, step: str, size: str, name: str = PIPELINE) -> partial[Any]:
    """The implementation of a step with its parameters and native inputs."""
    from twinbench.ops import arrays
    from twinbench.run.agree import reference

    plan = pipeline(name)
    known = reference.prepare(plan, size)
    this = next(candidate for candidate in plan.steps if candidate.id == step)
    kinds = [kind for kind in this.op.inputs if kind != "file"]
    values: list[Any] = [known.files[step]] if step in known.files else []
    values += [native(framework, plan, source, kind, size) for source, kind in zip(this.inputs, kinds, strict=True)]
    given = known.given(step)
    if given is not None:
        values.append(framework.prepare(arrays.load(Path(given)), "arrays"))
    return partial(framework.ops[this.op.name], this.params, *values)


def native(framework: Framework, plan: Pipeline, source: str, kind: Kind, size: str) -> Any:
    """A reference output in native form. A model has no neutral form, so the framework trains its own."""
    if kind == "model":
        return Bound(framework, plan, source, size).call()
    from twinbench.ops import arrays
    from twinbench.run.agree import reference

    return framework.prepare(arrays.load(Path(reference.prepare(plan, size).directory_of(source))), kind)


def classes() -> Iterator[tuple[str, type[_Step]]]:
    """A class for every op of every pipeline, named after it: the step that is the first to use it."""
    from twinbench.frameworks import registry

    seen: set[str] = set()
    for plan in pipelines():
        for step in plan.steps:
            can = tuple(name for name, f in registry.frameworks().items() if step.op.name in f.ops and _here(f))
            if can and step.op.name not in seen:
                seen.add(step.op.name)
                modality, _, op = step.op.name.partition(".")
                name = "".join(part.capitalize() for part in (modality, *op.split("_")))
                params = (can, sizes(plan))
                yield (
                    name,
                    type(name, (_Step,), _attributes(plan, step) | {"params": params, "__doc__": step.op.summary}),
                )


def _here(framework: Framework) -> bool:
    """Check whether a framework runs in asv's own process, without an environment that only the harness makes."""
    return framework.environment is None and framework.name not in OURS


def _attributes(plan: Pipeline, step: Step) -> dict[str, Any]:
    """``version``: what asv compares before it puts two results into one line. Other work is another benchmark."""
    work = json.dumps([plan.name, step.as_json()], sort_keys=True, default=str)
    return {"plan": plan.name, "step": step.id, "version": hashlib.sha256(work.encode()).hexdigest()}


def pipelines() -> list[Pipeline]:
    """Return every pipeline that ships with twinbench, by name."""
    from twinbench import paths
    from twinbench.plan.pipeline import discover, load

    found = [load(path) for _, path in sorted(discover([paths.resource("pipelines")]).items())]
    return [plan for plan in found if plan.modality not in OURS]


def pipeline(name: str) -> Pipeline:
    """Return the shipped pipeline of this name."""
    return next(plan for plan in pipelines() if plan.name == name)


def sizes(plan: Pipeline) -> Sequence[str]:
    """Return the pipelines to measure."""
    return tuple(size for size in SIZES if size in plan.sizes) or (next(iter(plan.sizes)),)


def prepared(plan: str, size: str) -> None:
    """Make a pipeline's inputs in a process of their own, unless they are there: what that costs is in no figure."""
    subprocess.run([sys.executable, "-c", PREPARE, plan, size], cwd=Path(__file__).parents[1], check=True)


def prepare(plan: str, size: str) -> None:
    """What `prepared` does, in this process."""
    from twinbench.run.agree import reference

    reference.prepare(pipeline(plan), size)


def loaded(name: str) -> Framework:
    """The framework, imported on one thread. Raises NotImplementedError, asv's way to skip, with the reason."""
    from twinbench.frameworks import registry
    from twinbench.launch.variables import worker_environment
    from twinbench.plan.stack import unavailable

    framework = registry.get(name)
    reason = unavailable(framework)
    if reason is not None:
        raise NotImplementedError(reason)
    os.environ.update(worker_environment(THREADS))  # pools are sized when a library is imported
    framework.load(THREADS)
    return framework
