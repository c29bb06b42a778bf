"""A run as one self-contained HTML file: nothing is loaded, everything is escaped, and it can be read without scripts.

Sections of a large run wait in templates until a filter asks for them, so that the page opens at once.
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
from twinbench.store.records import COMMAND, ORIGIN
from twinbench.store.store import Store
from twinbench.views import mistakes as mistaken
from twinbench.views import text, words
from twinbench.views.recommend import figures
from twinbench.views.report import charts, mistakes, svg

TEMPLATES = Path(__file__).with_name("templates")

OPEN_SECTIONS = 12
"""So many sections are laid out at once; a reader of more of them picks."""

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
class Growing:
    """A pipeline at several sizes, or one of its steps."""

    modality: str
    pipeline: str
    charts: list[tuple[str, Markup]]
    """By step; empty for the total."""


def of_run(store: Store, run_id: str) -> str:
    """The page of a run, with the recommendations that the usual weights give."""
    summary = summarise(store, run_id)
    return render(store, summary, usual(summary))


def render(store: Store, summary: RunSummary, recommendations: Sequence[Recommendation]) -> str:
    """The whole page."""
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
    """The charts of a pipeline as SVG files, by name."""
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
    """The charts of a cell's wrong predictions as SVG files, by name."""
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    for name, drawn in mistakes.pictures(cell).items():
        yield name, svg.picture(drawn, style)


def _numbers(summary: RunSummary) -> dict[str, int]:
    """Every stack's colour."""
    stacks = dict.fromkeys(cell.stack for pipeline in summary.pipelines for cell in pipeline.cells)
    return {stack: number for number, stack in enumerate(stacks)}


def command(summary: RunSummary) -> str:
    """What makes the run again, on the same code."""
    arguments = summary.arguments.get(COMMAND)
    words = ["twinbench", "run", *(_words(summary) if arguments is None else map(str, arguments))]
    return shlex.join(words).encode("utf-8", "replace").decode()  # a path need not be Unicode


def _words(summary: RunSummary) -> list[str]:
    """The same from what a store holds that was written before the command was kept."""
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


def _growing(summary: RunSummary, numbers: Mapping[str, int]) -> Iterator[Growing]:
    ordered = sorted(summary.pipelines, key=lambda p: p.pipeline)
    exponents = {name: list(found) for name, found in groupby(summary.growth, key=lambda one: one.pipeline)}
    for name, sizes in groupby(ordered, key=lambda p: p.pipeline):
        found = list(sizes)
        if name in exponents:
            steps = list(dict.fromkeys(one.step for one in exponents[name]))
            drawn = [(step, charts.growth(found, step, exponents[name], numbers)) for step in steps]
            yield Growing(found[0].modality, name, [(step, chart) for step, chart in drawn if chart is not None])


def _machine(environment: Mapping[str, Any], origin: str | None) -> list[tuple[str, str]]:
    """What the run's record says, as far as it says something."""
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
    if tested:
        found = f"{text.percent(tested['false_alarms'])} false alarms, {text.percent(tested['smallest'])} can be told"
        facts.append(("selftest", f"{found} ({tested['comparisons']} comparisons)"))
    return [(name, str(value)) for name, value in facts if value not in (None, "")]


def _joined(record: Mapping[str, Any], *parts: tuple[str, str]) -> str:
    return ", ".join(form.format(record[key]) for key, form in parts if record.get(key) is not None)


def _versions(summary: RunSummary) -> list[tuple[str, str, str]]:
    """Framework, package and version of whatever took part; what isn't installed is left out."""
    used = {name for pipeline in summary.pipelines for cell in pipeline.cells for name in cell.frameworks}
    return [
        (framework, package, version)
        for framework, packages in summary.environment.get("frameworks", {}).items()
        for package, version in packages.items()
        if version is not None and framework in used
    ]
