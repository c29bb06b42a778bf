"""Stacks: which framework runs which step, and what is missing, and why."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from twinbench.errors import BadInput, JuliaUnavailable, nearest
from twinbench.frameworks import registry
from twinbench.frameworks.api import Deviation, Framework
from twinbench.julia import find as julia
from twinbench.launch import environments
from twinbench.plan.pipeline import Pipeline, Step
from twinbench.usercode import sources
from twinbench.usercode.function import Function
from twinbench.usercode.op import JULIA, PYTHON, OwnOp

SEPARATOR = "+"

NEUTRAL_FORM = {"python": PYTHON, "julia": JULIA}
"""By language, the framework that runs own functions on values in neutral form."""


@dataclass(frozen=True, slots=True)
class Missing:
    """A reason why a stack can't run: ``unavailable`` (not installed) or ``unsupported`` (no framework has the op)."""

    kind: str
    reason: str


@dataclass(frozen=True, slots=True)
class Stack:
    """The assignment of a pipeline's steps to frameworks. ``missing`` is None if the stack can run."""

    name: str
    steps: dict[str, Framework]
    """Framework by step id, in the pipeline's order; of independent steps, only those that the stack can run."""
    missing: Missing | None
    own: dict[str, Function] = field(default_factory=dict)
    """The user's functions by step id, where the step's op is an own one."""

    @property
    def frameworks(self) -> list[Framework]:
        """The stack's frameworks, in the order of their first step."""
        return list({framework.name: framework for framework in self.steps.values()}.values())

    @property
    def uses_julia(self) -> bool:
        """Whether a worker of this stack starts Julia."""
        return any(framework.language == "julia" for framework in self.frameworks)


def parse(name: str) -> list[Framework]:
    """Look up the frameworks that a stack's name lists. Raises BadInput, which suggests the nearest name."""
    by_name = {key.lower(): framework for key, framework in registry.frameworks().items()}
    retired = {key.lower(): words for key, words in registry.RETIRED.items()}
    frameworks = []
    for part in name.split(SEPARATOR):
        if part.strip().lower() in retired:
            raise BadInput(f"stack '{name}': {part.strip()} is no longer a framework: {retired[part.strip().lower()]}")
        if part.strip().lower() not in by_name:
            names = registry.frameworks()
            raise BadInput(f"stack '{name}': unknown framework '{part}'{nearest(part, names)}")
        frameworks.append(by_name[part.strip().lower()])
    return frameworks


def build(name: str, pipeline: Pipeline) -> Stack:
    """Give each step to the stack's first framework that has its op; what is bound to a framework stays there.

    An own op is run by the first framework that the op has a function for, or else in neutral form by the language of
    the first framework that it has a function in.

    A stack without the op of a step can't run a pipeline, unless the steps are independent: then the stack runs the
    others. Raises BadInput.
    """
    frameworks = parse(name)
    spelled = SEPARATOR.join(framework.name for framework in frameworks)
    steps: dict[str, Framework] = {}
    own: dict[str, Function] = {}
    for step in pipeline.steps:
        chosen = _chosen(step, pipeline, frameworks, steps)
        if chosen is not None and isinstance(step.op, OwnOp):
            own[step.id] = step.op.functions[chosen.name]
        if chosen is not None:
            steps[step.id] = chosen
        elif not pipeline.independent:
            reason = f"no framework of {spelled} implements {step.op.name}"
            return Stack(spelled, steps, Missing("unsupported", reason))
    if not steps:
        return Stack(spelled, steps, Missing("unsupported", f"no framework of {spelled} implements any of the steps"))
    unused = [framework.name for framework in frameworks if framework not in steps.values()]
    if unused:
        raise BadInput(f"stack '{spelled}': {', '.join(unused)} would run no step of {pipeline.name}; leave it out")
    used = list({framework.name: framework for framework in steps.values()}.values())
    reasons = [why for framework in used if (why := unavailable(framework)) is not None]
    missing = Missing("unavailable", "; ".join(dict.fromkeys(reasons))) if reasons else None
    return Stack(spelled, steps, missing, own)


def _chosen(
    step: Step, pipeline: Pipeline, frameworks: list[Framework], steps: dict[str, Framework]
) -> Framework | None:
    sources = [earlier.id for earlier in pipeline.steps if earlier.bound and earlier.id in step.inputs]
    makers = {steps[source].name: steps[source] for source in sources if source in steps}
    if sources and (len(makers) > 1 or any(source not in steps for source in sources)):
        return None
    able = list(makers.values()) if sources else frameworks
    return _able(step, able, bound=bool(sources))


def _able(step: Step, frameworks: Sequence[Framework], *, bound: bool = False) -> Framework | None:
    """Return the framework that runs a step, of frameworks in their order; None if none has its op."""
    if not isinstance(step.op, OwnOp):
        return next((framework for framework in frameworks if step.op.name in framework.ops), None)
    named = next((framework for framework in frameworks if framework.name in step.op.functions), None)
    if named is not None or bound:
        return named
    plain = (NEUTRAL_FORM[framework.language] for framework in frameworks)
    return next((registry.get(name) for name in plain if name in step.op.functions), None)


def _alone(framework: Framework, pipeline: Pipeline) -> bool:
    """Whether a framework can run a pipeline without others, or one of its independent steps."""
    runs = [_able(step, [framework]) for step in pipeline.steps]
    enough = any if pipeline.independent else all
    return framework in runs and enough(chosen is not None for chosen in runs)


def left_out(stack: Stack, pipeline: Pipeline) -> dict[str, str]:
    """Say why a stack runs some of the independent steps and not the others, by step; empty if it runs all or none."""
    reasons: dict[str, str] = {}
    for step in pipeline.steps:
        if stack.steps and step.id not in stack.steps:
            source = next((source for source in step.inputs if source in reasons), None)
            reasons[step.id] = (
                f"no framework of {stack.name} implements {step.op.name}"
                if source is None
                else f"{source} is held by no framework of {stack.name}"
            )
    return reasons


def stacks_of(pipeline: Pipeline, asked: list[str]) -> list[Stack]:
    """Build the stacks asked for, or else the pipeline's own, or else one of each framework that can run it alone."""
    names = asked or list(pipeline.stacks)
    if not names:
        names = [name for name, f in registry.frameworks().items() if name != "reference" and _alone(f, pipeline)]
    stacks = {stack.name: stack for stack in (build(name, pipeline) for name in names)}
    return list(stacks.values())


def unavailable(framework: Framework) -> str | None:
    """Say why a framework can't be used here, and what to do; None if it can. Imports nothing."""
    if framework.language == "julia":
        return _julia_unavailable(framework)
    if framework.environment is not None:
        reason = environments.unavailable(framework.environment)
        return f"{framework.name}: {reason}" if reason else None
    library = framework.packages[0]
    if _version(library) is not None:
        return None
    what = f"twinbench[{framework.extra}]" if framework.extra else library
    return f"{framework.name} is not installed; pip install '{what}'"


def _julia_unavailable(framework: Framework) -> str | None:
    try:
        return julia.unavailable(framework.packages)
    except JuliaUnavailable as error:
        return str(error)


def versions(framework: Framework) -> dict[str, str | None]:
    """Return the versions of a framework's packages; None for a package that isn't installed."""
    if framework.language == "julia":
        try:
            return dict(julia.package_versions(list(framework.packages)))
        except JuliaUnavailable:
            return dict.fromkeys(framework.packages)
    if framework.environment is not None:
        return environments.versions(framework.environment, framework.packages)
    return {name: _version(name) for name in framework.packages}


def _version(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except (importlib.metadata.PackageNotFoundError, ValueError, KeyError, OSError):
        return None  # it isn't installed, or its metadata are damaged


def deviation(framework: Framework, op: str) -> Deviation | None:
    """Return what a framework declares about an op, for the version that is installed."""
    declared = framework.deviations.get(op)
    if declared is None or not declared.before:
        return declared
    installed = versions(framework)[framework.packages[0]]
    return None if installed is not None and _numbers(installed) >= _numbers(declared.before) else declared


def _numbers(version: str) -> list[int]:
    """Return the numbers at the beginning of a version, without what follows them."""
    release = re.split(r"[^\d.]", version, maxsplit=1)[0]
    return [int(part) for part in release.split(".") if part]


def fingerprint(stack: Stack, device: str = "cpu") -> str:
    """Hash the code that is measured: the implementations' source, the user's, the packages' versions and the device.

    Results whose fingerprints differ come from different contenders and are not comparable.
    """
    digest = hashlib.sha256(b"" if device == "cpu" else device.encode())
    for framework in stack.frameworks:
        digest.update(json.dumps([framework.name, versions(framework)], sort_keys=True).encode())
        for path in sorted({path for function in framework.ops.values() for path in sources_of(function)}):
            digest.update(path.read_bytes())
    for step, function in stack.own.items():
        digest.update(f"{step} {function.text} {function.digest}".encode())
    return digest.hexdigest()[:16]


def sources_of(function: object) -> list[Path]:
    """List the source files of an implementation: its attribute ``source`` (Julia), or else the file of its module.

    Files that a Julia file includes count, and a built-in framework that is a folder counts as a whole.
    """
    source = getattr(function, "source", None)
    if isinstance(source, (str, Path)):
        return sources.files(Path(source))
    import inspect

    path = Path(inspect.getfile(function))  # type: ignore[arg-type]
    own = Path(registry.__file__).parent
    return sorted(path.parent.glob("*.py")) if path.parent.parent == own else [path]
