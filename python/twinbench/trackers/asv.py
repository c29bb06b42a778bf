"""A run among asv's results, through asv's own classes: ``asv publish`` shows it beside what asv measured.

A benchmark per step, and some per pipeline, with stack and size as parameters. Times go in as samples, and asv makes
its statistics of them. Sending a run again replaces it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import Any

from twinbench.errors import BadInput, TwinbenchError
from twinbench.results.summary.records import CellSummary, PipelineSummary, RunSummary
from twinbench.results.summary.run import summarise
from twinbench.store.records import Plan, Status
from twinbench.store.samples import Figures, figures
from twinbench.store.store import Store

ENVIRONMENT = "twinbench"
"""Among asv's environments; ours are made by nobody."""

PARAM_NAMES = ("stack", "size")

SKIPPED = (Status.UNAVAILABLE, Status.PLANNED, Status.RUNNING)
"""asv keeps what was skipped as NaN, and what failed as null."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was written, and where."""

    file: Path
    commit: str
    benchmarks: int

    def __str__(self) -> str:
        """One line that ends with how to look at it."""
        told = f"{self.benchmarks} benchmarks of commit {self.commit[:8]} in {self.file}"
        return f"{told}; see them with: asv publish && asv preview"


@dataclass(frozen=True, slots=True)
class _Cell:
    """All that is known of a stack at a size."""

    summary: CellSummary
    figures: Figures


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """One line of asv's site: what it is called, and what a cell says of it."""

    name: str
    kind: str
    unit: str
    work: Any
    """What it depends on: of another one the results are another benchmark's."""
    samples: Callable[[_Cell], list[float]]
    """Empty where there is none; of what is tracked the one value."""


def send(store: Store, run_id: str, config: Path, *, commit: str | None = None, machine: str | None = None) -> Sent:
    """Write a run into the results of the asv project that ``config`` describes (``asv.conf.json``).

    ``commit``: a name that the project's repository knows; the one in the run's record if left out. Raises BadInput
    where there is no such project or commit, TwinbenchError where asv refuses.
    """
    summary = summarise(store, run_id)
    name = commit or summary.environment.get("twinbench", {}).get("commit")
    if not name:
        raise BadInput(f"run {summary.run_id} doesn't know its commit; name one with --commit")
    if not config.is_file():
        raise BadInput(f"{config}: no such file; name the asv.conf.json of your project with --config")
    with _quiet(config):
        from asv.config import Config
        from asv.repo import get_repo

        settings = Config.load(str(config))
        results_dir = Path(settings.results_dir).absolute()
        repository = get_repo(settings)
        commit_hash = repository.get_hash_from_name(name)
        date = repository.get_date(commit_hash)
        return _written(store, summary, results_dir, commit_hash, date, machine)


def _written(store: Store, summary: RunSummary, results_dir: Path, commit: str, date: int, machine: str | None) -> Sent:
    from asv.results import Results

    owner = _machine(summary.environment, results_dir, machine)
    params = {**owner, "python": summary.environment.get("python", {}).get("version", "")}
    results = Results(params, {}, commit, date, params["python"], ENVIRONMENT, {})
    results.load_data(str(results_dir))
    known = _described(results_dir)
    count = 0
    for name, sizes in _by_pipeline(summary).items():
        plans = {plan.size: plan for plan in store.plans(summary.run_id) if plan.pipeline == name}
        cells = {
            (cell.stack, _size(size)): _Cell(cell, figures(store.samples(cell.cell_id)))
            for size in sizes
            for cell in size.cells
        }
        for benchmark in _benchmarks(sizes[0], plans[sizes[0].size]):
            entry = _entry(benchmark, known.get(benchmark.name), cells)
            results.add_result(entry, _result(benchmark, entry, cells), _time(summary.created), record_samples=True)
            known[benchmark.name] = entry
            count += 1
    results_dir.mkdir(parents=True, exist_ok=True)
    results.save(str(results_dir))
    _describe(results_dir, known)
    return Sent(results_dir / params["machine"] / f"{commit[:8]}-{ENVIRONMENT}.json", commit, count)


def _by_pipeline(summary: RunSummary) -> dict[str, list[PipelineSummary]]:
    found: dict[str, list[PipelineSummary]] = {}
    for pipeline in summary.pipelines:
        found.setdefault(pipeline.pipeline, []).append(pipeline)
    return found


def _benchmarks(pipeline: PipelineSummary, plan: Plan) -> Iterator[_Benchmark]:
    """Those of a pipeline: every step, and what only the whole has."""
    data = plan.dataset.get("sha256")
    whole = [plan.plan["steps"], data]
    for step in plan.plan["steps"]:
        name = step["id"]
        yield _Benchmark(_name(pipeline, f"time_{name}"), "time", "seconds", [step, data], _steady(name))
    if not pipeline.independent:
        steps = [step for step, _ in pipeline.steps]
        yield _Benchmark(_name(pipeline, "time_total"), "time", "seconds", whole, lambda cell: _total(cell, steps))
    tracked: list[tuple[str, str, Callable[[CellSummary], float | None]]] = [
        ("first_call", "seconds", lambda cell: cell.first_call_s),
        ("cold_start", "seconds", lambda cell: cell.cold_start_s),
        ("boundary", "seconds", lambda cell: cell.boundary_in_s + cell.boundary_out_s),
        ("agreement_error", "tolerances", lambda cell: cell.agreement_error),
    ]
    if pipeline.metric is not None:
        tracked.append(("quality", pipeline.metric, _quality(pipeline.metric)))
    for figure, unit, value in tracked:
        yield _Benchmark(_name(pipeline, f"track_{figure}"), "track", unit, whole, _one(value))
    yield _Benchmark(
        _name(pipeline, "peakmem_worker"), "peakmemory", "bytes", whole, _one(lambda cell: cell.peak_rss_bytes)
    )


def _size(pipeline: PipelineSummary) -> str:
    """A size as a parameter. With the amount in it: of another one the results are another line's."""
    amount, unit = pipeline.dataset.get("amount"), pipeline.dataset.get("unit")
    return pipeline.size if amount is None else f"{pipeline.size} ({amount:.12g} {unit})"


def _name(pipeline: PipelineSummary, figure: str) -> str:
    return f"twinbench.{pipeline.pipeline}.{figure}"


def _steady(step: str) -> Callable[[_Cell], list[float]]:
    return lambda cell: [time for times in cell.figures.steady.get(step, {}).values() for time in times]


def _total(cell: _Cell, steps: Sequence[str]) -> list[float]:
    return [total for (total,) in cell.figures.totals(steps).values()]


def _quality(metric: str) -> Callable[[CellSummary], float | None]:
    return lambda cell: cell.quality[metric].mean if metric in cell.quality else None


def _one(value: Callable[[CellSummary], float | None]) -> Callable[[_Cell], list[float]]:
    def samples(cell: _Cell) -> list[float]:
        found = value(cell.summary)
        return [] if found is None or not math.isfinite(found) else [float(found)]

    return samples


def _entry(
    benchmark: _Benchmark, known: Mapping[str, Any] | None, cells: Mapping[tuple[str, str], _Cell]
) -> dict[str, Any]:
    """Asv's description of a benchmark. Stacks and sizes that earlier runs had stay in it."""
    work = json.dumps([benchmark.name, benchmark.work], sort_keys=True, default=str)
    version = hashlib.sha256(work.encode()).hexdigest()
    old = known["params"] if known is not None and known["version"] == version else [[], []]
    new = [[repr(key[place]) for key in cells] for place in range(2)]
    return {
        "name": benchmark.name,
        "type": benchmark.kind,
        "unit": benchmark.unit,
        "params": [list(dict.fromkeys([*before, *after])) for before, after in zip(old, new, strict=True)],
        "param_names": list(PARAM_NAMES),
        "version": version,
        "code": f"# measured by twinbench\n{json.dumps(benchmark.work, indent=2, default=str)}",
        "timeout": None,
    }


def _result(benchmark: _Benchmark, entry: Mapping[str, Any], cells: Mapping[tuple[str, str], _Cell]) -> Any:
    """Asv's result: one value for every pair of parameters, in the order of their product."""
    from asv.runner import BenchmarkResult

    values: list[float | None] = []
    samples: list[list[float] | None] = []
    by_repr = {(repr(stack), repr(size)): cell for (stack, size), cell in cells.items()}
    for key in product(*entry["params"]):
        cell = by_repr.get(key)
        found = benchmark.samples(cell) if cell is not None else []
        values.append(found[0] if found else _absent(cell))
        samples.append(found if found and benchmark.kind == "time" else None)
    number = [1 if taken else None for taken in samples]
    return BenchmarkResult(values, samples, number, 0, "", None)


def _absent(cell: _Cell | None) -> float | None:
    return math.nan if cell is None or cell.summary.status in SKIPPED else None


def _described(results_dir: Path) -> dict[str, dict[str, Any]]:
    """The benchmarks that asv knows there."""
    from asv import util
    from asv.benchmarks import Benchmarks

    path = Benchmarks.get_benchmark_file_path(str(results_dir))
    if not os.path.isfile(path):
        return {}
    found = util.load_json(path, api_version=Benchmarks.api_version)
    return {name: entry for name, entry in found.items() if name != "version"}


def _describe(results_dir: Path, known: Mapping[str, Any]) -> None:
    from asv import util
    from asv.benchmarks import Benchmarks

    util.write_json(Benchmarks.get_benchmark_file_path(str(results_dir)), dict(known), Benchmarks.api_version)


def _machine(environment: Mapping[str, Any], results_dir: Path, name: str | None) -> dict[str, str]:
    """Asv's record of a machine: the one that it has under that name, or one from the run's own record."""
    from asv import util
    from asv.machine import Machine

    machine = Machine()
    named = name or Machine.get_unique_machine_name()
    kept = results_dir / named / "machine.json"
    if kept.is_file():
        found = util.load_json(str(kept), api_version=Machine.api_version)
        return {field: str(found.get(field, "")) for field, _ in Machine.fields}
    cpu = environment.get("cpu", {})
    machine.__dict__ |= {
        "machine": named,
        "os": environment.get("os", {}).get("description", ""),
        "arch": cpu.get("architecture", ""),
        "cpu": cpu.get("model", ""),
        "num_cpu": str(cpu.get("logical", "")),
        "ram": str(environment.get("memory", {}).get("total_bytes", "")),
    }
    machine.save(str(results_dir))
    return dict(machine.__dict__)


def _time(created: str) -> datetime:
    return datetime.fromisoformat(created)


@contextlib.contextmanager
def _quiet(config: Path) -> Iterator[None]:
    """In the project's directory, which asv's paths start from; without its chatter, and with its errors as ours."""
    said = io.StringIO()
    before = Path.cwd()
    os.chdir(config.resolve().parent)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            yield
    except TwinbenchError:
        raise
    except Exception as error:
        told = " ".join(str(error).split())[:300] or type(error).__name__
        raise TwinbenchError(f"asv at {config}: {told}") from error
    finally:
        os.chdir(before)
