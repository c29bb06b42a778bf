"""A user's request for a run, and its translation into parts to measure: pipelines, sizes, stacks."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from twinbench import paths
from twinbench.errors import REQUIRED_UNAVAILABLE, BadInput, TwinbenchError
from twinbench.numbers.spreads import Spreads
from twinbench.plan import pipeline as pipelines
from twinbench.plan import stack, trusted
from twinbench.run import environment
from twinbench.run.options import Options
from twinbench.run.runner import Part
from twinbench.store.records import COMMAND, FAILURE, ORIGIN, Run
from twinbench.store.store import Store


class Required(TwinbenchError):
    """A framework that ``--require`` names is unavailable."""

    exit_code = REQUIRED_UNAVAILABLE


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """The request of a run. Without sizes, each pipeline has its first; without stacks, its own stacks."""

    pipelines: tuple[str, ...]
    sizes: tuple[str, ...] = ()
    stacks: tuple[str, ...] = ()
    directories: tuple[Path, ...] = ()
    """Further directories of pipelines, as absolute paths, so that the run can be resumed from any directory."""
    required: tuple[str, ...] = ()
    """Frameworks without which the run is refused."""

    def as_json(self) -> dict[str, Any]:
        """Return the request as the store has it, and as `resume` compares it."""
        return {
            "pipelines": list(self.pipelines),
            "sizes": list(self.sizes),
            "stacks": list(self.stacks),
            "directories": [str(path) for path in self.directories],
        }

    def as_arguments(self) -> list[str]:
        """Return the arguments of ``twinbench run`` that give this request again."""
        options = {
            "--size": self.sizes,
            "--stack": self.stacks,
            "--pipelines": map(str, self.directories),
            "--require": self.required,
        }
        return [
            *self.pipelines,
            *(word for name, values in options.items() for value in values for word in (name, value)),
        ]


def directories(extra: Sequence[Path]) -> list[Path]:
    """Return the directories that are searched for pipelines: the user's first, then twinbench's."""
    return [*extra, paths.resource("pipelines")]


def parts(request: Request, *, trust: bool = False) -> list[Part]:
    """Return the parts of a request. Raises BadInput for an unknown pipeline, size or stack.

    Also raises BadInput for a pipeline that has code of the user's, unless it is trusted, or ``trust`` is true.
    """
    parts = []
    for name in request.pipelines:
        pipeline = pipelines.find(name, directories(request.directories))
        trusted.require(pipeline, allowed=trust)
        stacks = stack.stacks_of(pipeline, list(request.stacks))
        for size in request.sizes or (next(iter(pipeline.sizes)),):
            pipeline.amount(size)
            parts.append(Part(pipeline, size, stacks))
    return parts


def require(request: Request) -> None:
    """Check that the required frameworks are available. Raises Required, or BadInput for an unknown name."""
    for name in request.required:
        for framework in stack.parse(name):
            reason = stack.unavailable(framework)
            if reason is not None:
                raise Required(f"required framework {framework.name} is unavailable: {reason}")


def new_run(store: Store, request: Request, options: Options) -> str:
    """Enter a new run into the store, with the machine's record. Returns the run's id."""
    command = [*request.as_arguments(), *options.as_arguments()]
    return enter(store, {"request": request.as_json(), COMMAND: command}, options)


def enter(
    store: Store, asked: Mapping[str, Any], options: Options, versions: Mapping[str, Mapping[str, str]] | None = None
) -> str:
    """Enter a new run into the store, with the machine's record. Returns the run's id.

    ``asked`` is what was asked for, and ``versions`` those of the packages by what runs them; without, those of all
    frameworks.
    """
    now = datetime.now(UTC)
    run_id = f"{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    store.new_run(
        run_id,
        created=now.isoformat(timespec="seconds"),
        arguments={**asked, "options": options.as_json(), "harness": _harness()},
        environment=environment.record(options.threads, options.device, versions) | _selftest(),
    )
    return run_id


def resume(store: Store, request: Request, device: str) -> tuple[str, Options]:
    """Resume the newest unfinished run of this request on this device, with the options that the run began with.

    Returns the run's id and its options. Raises BadInput where no such run exists, or another process measures it.
    """
    for run in store.runs():
        if run.arguments.get("request") != request.as_json() or run.status == "done":
            continue
        if run.arguments["options"].get("device", "cpu") != device or ORIGIN in run.arguments:
            continue  # a run copied from another store may be another machine's
        store.resume_run(run.id, _resumed_arguments)
        return run.id, Options(**run.arguments["options"])
    raise BadInput("nothing to resume: no unfinished run of these pipelines, sizes, stacks and device in this store")


def _resumed_arguments(run: Run) -> dict[str, Any]:
    """Return a run's arguments with this process as its harness. Raises BadInput while another process measures it."""
    if run.status == "running" and _at_work(run):
        raise BadInput(f"run {run.id} is still being measured by process {run.arguments['harness']['pid']}")
    return {key: value for key, value in run.arguments.items() if key != FAILURE} | {"harness": _harness()}


def _selftest() -> dict[str, Any]:
    """Return the results of the selftest here, by "selftest"; empty without a readable one."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        result = json.loads(paths.selftest_file().read_text(encoding="utf-8"))
        Spreads.of(dict(result))
        return {"selftest": result}
    return {}


def _harness() -> dict[str, float]:
    return {"pid": os.getpid(), "started": psutil.Process().create_time()}


def _at_work(run: Run) -> bool:
    harness = run.arguments.get("harness", {})
    try:
        return bool(psutil.Process(int(harness["pid"])).create_time() == harness["started"])
    except (psutil.NoSuchProcess, KeyError):
        return False
