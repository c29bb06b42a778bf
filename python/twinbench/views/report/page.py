"""A run as one self-contained HTML file: it loads nothing, escapes every text, and can be read without JavaScript.

The sections of a large run are ``<template>`` elements until a filter selects them, so that the page opens quickly.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from twinbench.results.decisions.recommend import usual
from twinbench.results.decisions.recommend_records import Recommendation
from twinbench.results.summary.records import PipelineSummary, RunSummary
from twinbench.results.summary.run import summarise
from twinbench.store.mistakes import CellErrors
from twinbench.store.mistakes import of_run as mistakes_of_run
from twinbench.store.records import COMMAND, ORIGIN, SUBCOMMAND
from twinbench.store.store import Store
from twinbench.views import mistakes as mistaken
from twinbench.views import text, words
from twinbench.views.recommend import figures
from twinbench.views.report import charts, mistakes, svg

TEMPLATES = Path(__file__).with_name("templates")

OPEN_SECTIONS = 12
"""Largest number of sections that are laid out when the page opens; in larger runs, the reader selects sections."""

OPTIONS = {
    "threads": "--threads",
    "device": "--device",
    "budget_s": "--budget",
    "processes": "--processes",
    "seeds": "--seeds",
    "resolve": "--resolve",
    "timeout_s": "--timeout",
    "memory_limit": "--memory-limit",
}
"""Options of ``twinbench run`` by their names in stores that don't keep the command."""


@dataclass(frozen=True, slots=True)
class GrowthCharts:
    """The charts of how time grows with the amount of data, of one pipeline."""

    modality: str
    pipeline: str
    charts: list[tuple[str, Markup]]
    """Step ids with their charts; the id is empty for the total."""


def of_run(store: Store, run_id: str) -> str:
    """Return the page of a run, with the recommendations that the usual weights give."""
    summary = summarise(store, run_id)
    return render(store, summary, usual(summary))


def render(store: Store, summary: RunSummary, recommendations: Sequence[Recommendation]) -> str:
    """Return the whole page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"text": text, "words": words, "charts": charts, "svg": svg, "figures": figures}
    environment.globals |= {"mistakes": mistakes, "mistaken": mistaken}
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8")
    numbers = _numbers(summary)
    return environment.get_template("page.html").render(
        summary=summary,
        recommendations=recommendations,
        growing=list(_growing(summary, numbers)),
        numbers=numbers,
        errors=mistakes_of_run(store, summary.run_id),
        stacks=list(numbers),
        modalities=list(dict.fromkeys(p.modality for p in summary.pipelines)),
        names=list(dict.fromkeys(p.pipeline for p in summary.pipelines)),
        sizes=list(dict.fromkeys(p.size for p in summary.pipelines)),
        lazy=len(summary.pipelines) > OPEN_SECTIONS,
        most=OPEN_SECTIONS,
        machine=_machine(summary.environment, summary.arguments.get(ORIGIN)),
        versions=_versions(summary),
        datasets=list({p.dataset["name"]: p.dataset for p in summary.pipelines if "name" in p.dataset}.values()),
        command=command(summary),
        stderr={cell.id: cell.stderr for cell in store.cells(summary.run_id) if cell.stderr},
        style=Markup((TEMPLATES / "style.css").read_text(encoding="utf-8")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def pictures(summary: RunSummary, sizes: Sequence[PipelineSummary]) -> Iterator[tuple[str, str]]:
    """Yield the charts of a pipeline as names and SVG files."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    numbers = _numbers(summary)
    for pipeline in sizes:
        drawn = charts.quality(pipeline, numbers)
        if drawn is not None:
            yield f"quality-{pipeline.size}", svg.picture(drawn, style)
    for growing in _growing(summary, numbers):
        if growing.pipeline == sizes[0].pipeline:
            for step, drawn in growing.charts:
                yield f"growth{'-' * bool(step)}{step}", svg.picture(drawn, style)


def error_pictures(cell: CellErrors) -> Iterator[tuple[str, str]]:
    """Yield the charts of a cell's wrong predictions as names and SVG files."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    for name, drawn in mistakes.pictures(cell).items():
        yield name, svg.picture(drawn, style)


def _numbers(summary: RunSummary) -> dict[str, int]:
    """Assign a number to each stack; the number selects a stack's colour and mark."""
    stacks = dict.fromkeys(cell.stack for pipeline in summary.pipelines for cell in pipeline.cells)
    return {stack: number for number, stack in enumerate(stacks)}


def command(summary: RunSummary) -> str:
    """Return the command line that repeats the run, given the same code."""
    arguments = summary.arguments.get(COMMAND)
    made_by = str(summary.arguments.get(SUBCOMMAND, "run"))
    words = ["twinbench", made_by, *(_words(summary) if arguments is None else map(str, arguments))]
    return shlex.join(words).encode("utf-8", "replace").decode()  # a path need not be Unicode


def _words(summary: RunSummary) -> list[str]:
    """Return the words of the command from a store that was written before the command was kept."""
    request: Mapping[str, Any] = summary.arguments.get("request", {})
    options: Mapping[str, Any] = summary.arguments.get("options", {})
    words = [*request.get("pipelines", [])]
    for key, option in (("sizes", "--size"), ("stacks", "--stack"), ("directories", "--pipelines")):
        words += [word for value in request.get(key, []) for word in (option, str(value))]
    for key, option in OPTIONS.items():
        value = options.get(key)
        if value is not None and (key, value) != ("device", "cpu"):
            words += [option, f"{100 * value:.12g}%" if key == "resolve" else str(value).removesuffix(".0")]
    return words


def _growing(summary: RunSummary, numbers: Mapping[str, int]) -> Iterator[GrowthCharts]:
    ordered = sorted(summary.pipelines, key=lambda p: p.pipeline)
    exponents = {name: list(group) for name, group in groupby(summary.growth, key=lambda growth: growth.pipeline)}
    for name, group in groupby(ordered, key=lambda p: p.pipeline):
        sizes = list(group)
        if name in exponents:
            steps = list(dict.fromkeys(growth.step for growth in exponents[name]))
            drawn = [(step, charts.growth(sizes, step, exponents[name], numbers)) for step in steps]
            yield GrowthCharts(sizes[0].modality, name, [(step, chart) for step, chart in drawn if chart is not None])


def _machine(environment: Mapping[str, Any], origin: str | None) -> list[tuple[str, str]]:
    """Return names and values of the environment record that aren't empty."""
    cpu, memory = environment.get("cpu", {}), environment.get("memory", {})
    twin = environment.get("twinbench", {})
    commit = twin.get("commit")
    tested = environment.get("selftest", {})
    facts = [
        ("from", origin),
        ("processor", cpu.get("model")),
        ("cores", _joined(cpu, ("physical", "{} physical"), ("logical", "{} logical"), ("usable", "{} usable"))),
        ("governor", cpu.get("governor")),
        ("virtual machine", "yes" if cpu.get("hypervisor") else None),
        ("container", environment.get("container")),
        ("memory", text.size(memory["total_bytes"]) if "total_bytes" in memory else None),
        ("system", environment.get("os", {}).get("description")),
        ("Python", environment.get("python", {}).get("version")),
        ("threads", environment.get("threads")),
        ("twinbench", twin.get("version")),
        ("commit", f"{commit}{' with changes' if twin.get('modified') else ''}" if commit else None),
        ("load before the run", ", ".join(f"{load:.2f}" for load in environment.get("load", ()))),
    ]
    if {"smallest", "false_alarms", "comparisons"} <= tested.keys():
        smallest = f"smallest detectable change {text.percent(tested['smallest'])}"
        result = f"{text.percent(tested['false_alarms'])} false alarms, {smallest}"
        facts.append(("selftest", f"{result} ({tested['comparisons']} comparisons)"))
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _joined(record: Mapping[str, Any], *parts: tuple[str, str]) -> str:
    return ", ".join(form.format(record[key]) for key, form in parts if record.get(key) is not None)


def _versions(summary: RunSummary) -> list[tuple[str, str, str]]:
    """Return framework, package and version of all frameworks that took part; packages that are absent are left out."""
    used = {name for pipeline in summary.pipelines for cell in pipeline.cells for name in cell.frameworks}
    return [
        (framework, package, version)
        for framework, packages in summary.environment.get("frameworks", {}).items()
        for package, version in packages.items()
        if version is not None and framework in used
    ]
