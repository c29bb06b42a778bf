"""``twinbench list``: pipelines, stacks, frameworks, ops and datasets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from twinbench.cli.console import console, print_json, print_table
from twinbench.cli.data import size
from twinbench.cli.options import AsJson, MorePipelines
from twinbench.errors import BAD_INPUT, TwinbenchError

if TYPE_CHECKING:
    from twinbench.plan.pipeline import Pipeline

Entry = dict[str, Any]


def list_(
    as_json: AsJson = False,
    pipelines: MorePipelines = None,
) -> None:
    """Show pipelines, stacks, frameworks, ops and datasets.

    A pipeline file with a mistake in it is shown with the mistake, and makes the exit code 2.

    Example: twinbench list --json
    """
    entries = collect(pipelines or [])
    if as_json:
        print_json(entries)
    else:
        _show(entries)
    broken = [entry for entry in entries["pipelines"] if entry["error"]]
    for entry in broken:
        typer.echo(f"twinbench: error: {entry['error']}", err=True)
    if broken:
        raise typer.Exit(BAD_INPUT)


def collect(directories: Sequence[Path] = ()) -> dict[str, list[Entry]]:
    """Collect what ``list`` shows as JSON data. Reads pipeline files and package metadata; imports no framework."""
    from twinbench.paths import resource
    from twinbench.plan.pipeline import discover

    files = discover([*directories, resource("pipelines")])
    entries, stacks = [], []
    for name, path in sorted(files.items()):
        entry, its_stacks = _pipeline(name, path)
        entries.append(entry)
        stacks += its_stacks
    return {
        "pipelines": entries,
        "stacks": stacks,
        "frameworks": _frameworks(),
        "ops": _ops(),
        "datasets": _datasets(),
    }


def _pipeline(name: str, path: Path) -> tuple[Entry, list[Entry]]:
    from twinbench.plan.pipeline import load

    try:
        pipeline = load(path)
        stacks = _stacks(pipeline)
    except TwinbenchError as error:
        return {"name": name, "file": str(path), "error": str(error)}, []
    entry = {
        "name": pipeline.name,
        "modality": pipeline.modality,
        "dataset": pipeline.dataset.name if pipeline.dataset else None,
        "question": pipeline.question,
        "sizes": dict(pipeline.sizes),
        "stacks": [stack["name"] for stack in stacks],
        "steps": [step.op.name for step in pipeline.steps],
        "file": str(path),
        "error": None,
    }
    return entry, stacks


def _stacks(pipeline: Pipeline) -> list[Entry]:
    from twinbench.plan.stack import stacks_of

    return [
        {
            "name": stack.name,
            "pipeline": pipeline.name,
            "available": stack.missing is None,
            "reason": stack.missing.reason if stack.missing else None,
        }
        for stack in stacks_of(pipeline, [])
    ]


def _frameworks() -> list[Entry]:
    from twinbench.frameworks import registry
    from twinbench.plan.stack import unavailable, versions

    return [
        {
            "name": framework.name,
            "language": framework.language,
            "summary": framework.summary,
            "version": next(iter(versions(framework).values()), None),
            "installed": (reason := unavailable(framework)) is None,
            "reason": reason,
            "ops": list(framework.ops),
        }
        for framework in registry.frameworks().values()
    ]


def _ops() -> list[Entry]:
    from twinbench import ops
    from twinbench.frameworks import registry
    from twinbench.ops.parameters import described

    frameworks = registry.frameworks().values()
    return [
        {
            "name": op.name,
            "modality": op.modality,
            "summary": op.summary,
            "semantics": op.semantics,
            "parameters": described(op.params),
            "inputs": list(op.inputs),
            "output": op.output,
            "tolerance": op.tolerance.level,
            "rtol": op.tolerance.rtol,
            "atol": op.tolerance.atol,
            "levels": op.tolerance.levels,
            "source": op.source,
            "frameworks": [framework.name for framework in frameworks if op.name in framework.ops],
        }
        for op in ops.all_ops()
    ]


def _datasets() -> list[Entry]:
    from twinbench.data.describe import facts
    from twinbench.data.registry import DATASETS

    return [facts(dataset) for dataset in DATASETS.values()]


def _show(entries: dict[str, list[Entry]]) -> None:
    out = console()
    print_table(
        out,
        "Pipelines",
        ("name", "modality", "dataset", "sizes", "question"),
        (
            (p["name"], p["modality"], p["dataset"], ", ".join(p["sizes"]), p["question"])
            if p["error"] is None
            else (p["name"], None, None, None, "has a mistake; see below")
            for p in entries["pipelines"]
        ),
    )
    print_table(
        out,
        "Stacks",
        ("name", "pipeline", "can run here"),
        ((s["name"], s["pipeline"], "yes" if s["available"] else f"no: {s['reason']}") for s in entries["stacks"]),
    )
    print_table(
        out,
        "Frameworks",
        ("name", "version", "ops", "summary"),
        (
            (f["name"], f["version"] if f["installed"] else "not installed", len(f["ops"]), f["summary"])
            for f in entries["frameworks"]
        ),
    )
    print_table(
        out,
        "Ops",
        ("name", "inputs", "output", "tolerance", "frameworks"),
        (
            (o["name"], ", ".join(o["inputs"]) or None, o["output"], o["tolerance"], len(o["frameworks"]))
            for o in entries["ops"]
        ),
    )
    print_table(
        out,
        "Datasets",
        ("name", "modality", "size", "here", "licence", "summary"),
        (
            (d["name"], d["modality"], size(d), "no" if d["missing"] else "yes", d["licence"], d["summary"])
            for d in entries["datasets"]
        ),
    )
