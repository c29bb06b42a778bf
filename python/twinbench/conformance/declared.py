"""What a framework declares, checked against the library: versions, sources, imports, threads and ops."""

from __future__ import annotations

from collections.abc import Callable

from twinbench import ops
from twinbench.conformance.checks import Broken
from twinbench.conformance.spec import in_fresh_process, top_level
from twinbench.frameworks.api import Framework
from twinbench.julia.find import find
from twinbench.julia.start import environment
from twinbench.launch.variables import worker_environment
from twinbench.plan.stack import sources_of, versions


def names_ops(framework: Framework, spec: str, position: int) -> None:
    """Every op exists, and what is noted or declared is about an op that the framework has."""
    known = {op.name for op in ops.all_ops()}
    if not framework.ops:
        raise Broken(f"{framework.name} has no ops")
    unknown = [name for name in framework.ops if name not in known]
    if unknown:
        raise Broken(f"{framework.name} has {unknown[0]}, which is not an op; 'twinbench list' shows the ops")
    for what, names in (("notes", framework.notes), ("deviations", framework.deviations)):
        without = [name for name in names if name not in framework.ops]
        if without:
            raise Broken(f"the {what} of {framework.name} are about {without[0]}, which it doesn't have")


def has_bounds(framework: Framework, spec: str, position: int) -> None:
    """Each deviation says what it means for a user, and has a bound that a wrong answer exceeds."""
    for name, deviation in framework.deviations.items():
        if deviation.unbounded:
            raise Broken(f"the deviation of {name} of {framework.name}: {deviation.unbounded}")
        if not deviation.effect:
            raise Broken(
                f"the deviation of {name} of {framework.name} doesn't say what it means for a user: add effect"
            )


def has_versions(framework: Framework, spec: str, position: int) -> None:
    """There are packages, and each has a version that is recorded with the results."""
    if not framework.packages:
        raise Broken(f"{framework.name} declares no packages: results couldn't say which version was measured")
    missing = [name for name, version in versions(framework).items() if version is None]
    if missing:
        raise Broken(f"{framework.name}: {missing[0]} has no version here; declare the name of an installed package")


def has_sources(framework: Framework, spec: str, position: int) -> None:
    """The source of every implementation is there: its hash says whether two results come from the same code."""
    for name, function in framework.ops.items():
        try:
            sources = sources_of(function)
        except TypeError as error:
            raise Broken(f"{name}: {error}; write a function, or set its attribute 'source' to the file") from error
        absent = [path for path in sources if not path.is_file()]
        if absent:
            raise Broken(f"{name}: its source {absent[0]} is not there")


def imports_late(framework: Framework, spec: str, position: int) -> None:
    """Importing the module imports no library: the import is what ``load`` is timed for."""
    packages = () if framework.language == "julia" else framework.packages
    found = in_fresh_process(spec, position, None, worker_environment(1))
    early = sorted((top_level(packages) | {"juliacall"}) & set(found["modules"]))
    if early:
        raise Broken(f"importing {spec.partition(':')[0]} imports {', '.join(early)}; import it in load")


def reads_threads(framework: Framework, spec: str, position: int) -> None:
    """``threads`` reads back from the live library what ``load`` was asked for, in fresh processes."""
    for threads in (1, 2):
        found = in_fresh_process(spec, position, threads, worker_environment(threads, _extra(framework, threads)))
        wrong = {pool: count for pool, count in found["threads"].items() if count != threads}
        if wrong:
            raise Broken(f"after load({threads}), threads() is {found['threads']}: another number than the run's")


def _extra(framework: Framework, threads: int) -> dict[str, str]:
    return dict(environment(find(), threads)) if framework.language == "julia" else {}


DECLARATIONS: dict[str, Callable[[Framework, str, int], None]] = {
    check.__name__: check for check in (names_ops, has_bounds, has_versions, has_sources, imports_late, reads_threads)
}
"""Every check of a framework as a whole, by the name under which pytest shows it."""
