"""A run written into asv's results with asv's own classes, so that ``asv publish`` shows it beside asv's benchmarks.

There is a benchmark per step, and some per pipeline, with stack and size as parameters. Times are written as samples,
from which asv computes its statistics. Sending a run again replaces it.
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
from twinbench.store.records import PlannedPipeline, Status
from twinbench.store.samples import Figures, figures
from twinbench.store.store import Store
from twinbench.trackers.tracking import shortened

ASV_ENVIRONMENT = "twinbench"
"""Environment name reported to asv; twinbench doesn't create asv environments."""

PARAM_NAMES = ("stack", "size")

SKIPPED = (Status.UNAVAILABLE, Status.PLANNED, Status.RUNNING)
"""Statuses that asv stores as skipped (NaN); a cell that failed is stored as null."""


@dataclass(frozen=True, slots=True)
class SentToAsv:
    """The result of sending a run to asv."""

    file: Path
    commit: str
    benchmarks: int

    def __str__(self) -> str:
        """Return one line that ends with the command that shows the results."""
        written = f"{self.benchmarks} benchmarks of commit {self.commit[:8]} in {self.file}"
        return f"{written}; see them with: asv publish && asv preview"


@dataclass(frozen=True, slots=True)
class _Cell:
    """The summary and the samples of a stack at a size."""

    summary: CellSummary
    figures: Figures


@dataclass(frozen=True, slots=True)
class _Benchmark:
    """A benchmark of asv, with the function that takes its values from a cell."""

    name: str
    kind: str
    unit: str
    work: Any
    """JSON data of the steps and data that are measured; results for other work belong to another version."""
    samples: Callable[[_Cell], list[float]]
    """Function that returns the samples of a time, or the single value of a tracked figure; empty if there is none."""


def send(
    store: Store, run_id: str, config: Path, *, commit: str | None = None, machine: str | None = None
) -> SentToAsv:
    """Write a run into the results of the asv project that ``config`` describes (``asv.conf.json``).

    ``commit`` is a name in the project's repository; by default the commit in the run's record. Raises BadInput if
    there is no such project or commit, TwinbenchError if asv fails.
    """
    summary = summarise(store, run_id)
    name = commit or summary.environment.get("twinbench", {}).get("commit")
    if not name:
        raise BadInput(f"run {summary.run_id} has no commit in its record; name a commit with --commit")
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


def _written(
    store: Store, summary: RunSummary, results_dir: Path, commit: str, date: int, machine: str | None
) -> SentToAsv:
    from asv.results import Results

    owner = _machine(summary.environment, results_dir, machine)
    params = {**owner, "python": summary.environment.get("python", {}).get("version", "")}
    results = Results(params, {}, commit, date, params["python"], ASV_ENVIRONMENT, {})
    results.load_data(str(results_dir))
    entries = _described(results_dir)
    count = 0
    for name, sizes in _by_pipeline(summary).items():
        planned_by_size = {planned.size: planned for planned in store.pipelines(summary.run_id) if planned.name == name}
        cells = {
            (cell.stack, _size(size)): _Cell(cell, figures(store.samples(cell.cell_id)))
            for size in sizes
            for cell in size.cells
        }
        for benchmark in _benchmarks(sizes[0], planned_by_size[sizes[0].size]):
            entry = _entry(benchmark, entries.get(benchmark.name), cells)
            results.add_result(entry, _result(benchmark, entry, cells), _time(summary.created), record_samples=True)
            entries[benchmark.name] = entry
            count += 1
    results_dir.mkdir(parents=True, exist_ok=True)
    results.save(str(results_dir))
    _describe(results_dir, entries)
    return SentToAsv(results_dir / params["machine"] / f"{commit[:8]}-{ASV_ENVIRONMENT}.json", commit, count)


def _by_pipeline(summary: RunSummary) -> dict[str, list[PipelineSummary]]:
    by_name: dict[str, list[PipelineSummary]] = {}
    for pipeline in summary.pipelines:
        by_name.setdefault(pipeline.pipeline, []).append(pipeline)
    return by_name


def _benchmarks(pipeline: PipelineSummary, planned: PlannedPipeline) -> Iterator[_Benchmark]:
    """Yield the benchmarks of a pipeline: one per step, and those of the whole pipeline."""
    data = planned.dataset.get("sha256")
    whole = [planned.spec["steps"], data]
    for step in planned.spec["steps"]:
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
        yield _Benchmark(_name(pipeline, f"track_{figure}"), "track", unit, whole, _single(value))
    yield _Benchmark(
        _name(pipeline, "peakmem_worker"), "peakmemory", "bytes", whole, _single(lambda cell: cell.peak_rss_bytes)
    )


def _size(pipeline: PipelineSummary) -> str:
    """Return a size as a parameter; it includes the amount of data, so that another amount is another line in asv."""
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


def _single(value: Callable[[CellSummary], float | None]) -> Callable[[_Cell], list[float]]:
    def samples(cell: _Cell) -> list[float]:
        figure = value(cell.summary)
        return [] if figure is None or not math.isfinite(figure) else [float(figure)]

    return samples


def _entry(
    benchmark: _Benchmark, earlier: Mapping[str, Any] | None, cells: Mapping[tuple[str, str], _Cell]
) -> dict[str, Any]:
    """Return asv's description of a benchmark, which keeps the stacks and sizes of earlier runs."""
    work = json.dumps([benchmark.name, benchmark.work], sort_keys=True, default=str)
    version = hashlib.sha256(work.encode()).hexdigest()
    old = earlier["params"] if earlier is not None and earlier["version"] == version else [[], []]
    new = [[repr(key[index]) for key in cells] for index in range(len(PARAM_NAMES))]
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
    """Return asv's result: one value for every pair of parameters, in the order of their product."""
    from asv.runner import BenchmarkResult

    values: list[float | None] = []
    samples: list[list[float] | None] = []
    by_repr = {(repr(stack), repr(size)): cell for (stack, size), cell in cells.items()}
    for key in product(*entry["params"]):
        cell = by_repr.get(key)
        measured = benchmark.samples(cell) if cell is not None else []
        values.append(measured[0] if measured else _absent(cell))
        samples.append(measured if measured and benchmark.kind == "time" else None)
    number = [1 if taken else None for taken in samples]
    return BenchmarkResult(values, samples, number, 0, "", None)


def _absent(cell: _Cell | None) -> float | None:
    return math.nan if cell is None or cell.summary.status in SKIPPED else None


def _described(results_dir: Path) -> dict[str, dict[str, Any]]:
    """Return the benchmarks that the asv project has so far, by name."""
    from asv import util
    from asv.benchmarks import Benchmarks

    path = Benchmarks.get_benchmark_file_path(str(results_dir))
    if not os.path.isfile(path):
        return {}
    entries = util.load_json(path, api_version=Benchmarks.api_version)
    return {name: entry for name, entry in entries.items() if name != "version"}


def _describe(results_dir: Path, entries: Mapping[str, Any]) -> None:
    from asv import util
    from asv.benchmarks import Benchmarks

    util.write_json(Benchmarks.get_benchmark_file_path(str(results_dir)), dict(entries), Benchmarks.api_version)


def _machine(environment: Mapping[str, Any], results_dir: Path, name: str | None) -> dict[str, str]:
    """Return asv's record of a machine: the stored record of that name, or a new one from the run's environment."""
    from asv import util
    from asv.machine import Machine

    machine = Machine()
    named = name or Machine.get_unique_machine_name()
    stored = results_dir / named / "machine.json"
    if stored.is_file():
        fields = util.load_json(str(stored), api_version=Machine.api_version)
        return {field: str(fields.get(field, "")) for field, _ in Machine.fields}
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
    """Work in the asv project's directory, to which asv's paths are relative.

    asv's output is discarded, and its errors are raised as TwinbenchError.
    """
    output = io.StringIO()
    before = Path.cwd()
    os.chdir(config.resolve().parent)
    try:
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            yield
    except TwinbenchError:
        raise
    except Exception as error:
        raise TwinbenchError(f"asv at {config}: {shortened(error)}") from error
    finally:
        os.chdir(before)
