"""A run in the terms that all trackers share: params, metrics, tags and files, of the whole run and of every cell.

The module of each tracker turns them into calls of its library, and computes no figures.
"""

from __future__ import annotations

import http.client
import itertools
import json
import math
import re
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from twinbench.errors import TwinbenchError
from twinbench.foreign import redacted
from twinbench.numbers.stats import Interval
from twinbench.results.summary import run
from twinbench.results.summary.run import CellSummary, PipelineSummary, RunSummary, StepSummary
from twinbench.store import export, mistakes
from twinbench.store.records import Cell, Status
from twinbench.store.store import Store
from twinbench.views import text, words
from twinbench.views.report import page

Value = TypeVar("Value")

ONE_RUN = ""
"""Cell name that stands for the whole run."""

QUANTILES = ("p50", "p95", "p99")

LONGEST = 300
"""Most characters of a tracker's message that are shown."""

ANSWER_S = 3.0
"""Longest time in seconds that a tracking server may take for its first answer."""

SYSTEM = {
    "load": ("system/load", 1.0),
    "available_bytes": ("system/available_memory_megabytes", 1e-6),
    "steal": ("system/steal_percentage", 100.0),
    "frequency_mhz": ("system/cpu_frequency_mhz", 1.0),
}
"""Metrics of the machine during the run: name and factor of the metric, by the name in the store."""


class TrackingError(TwinbenchError):
    """A tracker couldn't be reached, or failed. The results are in the store and can be sent later."""


@dataclass(frozen=True, slots=True)
class Point:
    """A value of a stepped metric."""

    metric: str
    step: int
    at_ms: int
    value: float


@dataclass(frozen=True, slots=True)
class TrackerRun:
    """One run in a tracker, which stands for a cell or for a whole run of twinbench."""

    cell: str
    """Stack and size, or `ONE_RUN`."""
    status: Status | str
    """Status of the cell, or of the run: ``running``, ``done``, ``interrupted`` or ``failed``."""
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    """Seconds, bytes and ratios by name, without absent figures."""
    points: Sequence[Point]
    """Points of the metrics that have a value at every step."""
    tags: Mapping[str, str]
    dataset: Mapping[str, Any]
    ended_ms: int
    """End, in milliseconds since 1970."""
    record: Cell | None
    """The cell in the store; None for the whole run."""


class RunForTrackers:
    """A run of twinbench in the terms that all trackers share."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store = store
        self.summary: RunSummary = run.summarise(store, run_id)
        self.cells = {cell.id: cell for cell in store.cells(self.summary.run_id)}
        self.begun_ms = milliseconds(self.summary.created)
        self.changed_ms = max((milliseconds(cell.changed) for cell in self.cells.values()), default=self.begun_ms)
        """Time stamp of all metrics; as it depends on the store only, sending an unchanged run again adds no points."""

    def pipelines(self) -> Iterator[tuple[str, list[PipelineSummary]]]:
        """Yield every pipeline with its sizes."""
        for name, sizes in groupby(self.summary.pipelines, key=lambda pipeline: pipeline.pipeline):
            yield name, list(sizes)

    def whole(self, sizes: Sequence[PipelineSummary]) -> TrackerRun:
        """Return the tracker's run for a pipeline as a whole."""
        return TrackerRun(
            cell=ONE_RUN,
            status=self.summary.status,
            params=self._options() | {"pipeline": sizes[0].pipeline},
            metrics={},
            points=list(self._system()),
            tags={"status": self.summary.status, "answer": "; ".join(f"{s.size}: {words.headline(s)}" for s in sizes)},
            dataset=sizes[0].dataset,
            ended_ms=self.changed_ms,
            record=None,
        )

    def each(self, sizes: Sequence[PipelineSummary]) -> Iterator[TrackerRun]:
        """Yield the tracker's run of every cell of a pipeline."""
        for pipeline in sizes:
            for cell in pipeline.cells:
                record = self.cells[cell.cell_id]
                yield TrackerRun(
                    cell=f"{cell.stack} {pipeline.size}",
                    status=cell.status,
                    params=self._options() | _params(pipeline, cell) | self._versions(cell),
                    metrics={name: value for name, value in _metrics(cell) if math.isfinite(value)},
                    points=list(_curve(cell, self.changed_ms)),
                    tags={
                        "equivalence": _equivalence(pipeline, cell),
                        "doubts": "; ".join(cell.doubts.values()),
                        "status": cell.status,
                        "kind": cell.kind,
                        "reason": cell.reason,
                        "reused": str(cell.reused).lower(),
                    },
                    dataset=pipeline.dataset,
                    ended_ms=milliseconds(record.changed),
                    record=record,
                )

    def write_files(self, tracked: TrackerRun, sizes: Sequence[PipelineSummary], directory: Path) -> None:
        """Write the files of a tracker's run: report and pictures of a whole run, or samples and errors of a cell."""
        if tracked.record is not None:
            _write(directory, "agreement.json", self._agreement(tracked.record))
            _write(directory, "stderr.txt", tracked.record.stderr)
            self._write_errors(tracked.record, directory)
            export.write(
                export.table("samples", self.store, [tracked.record]), directory / "samples.parquet", "parquet"
            )
            return
        _write(directory, "environment.json", dict(self.summary.environment))
        _write(directory, "summary.json", run.plain(self.summary))
        cells = [self.cells[cell.cell_id] for pipeline in sizes for cell in pipeline.cells]
        _write(directory, "agreement.json", [self._agreement(cell) for cell in cells])
        _write(directory, "report.html", self._report)
        for name, picture in page.pictures(self.summary, sizes):
            _write(directory / "pictures", re.sub(r"[^\w.-]", "_", f"{name}.svg"), picture)

    def _write_errors(self, cell: Cell, directory: Path) -> None:
        """Write the cell's wrong predictions as data and as pictures, if it predicted anything."""
        errors = mistakes.of_cell(self.store, cell)
        if errors is not None:
            _write(directory, "errors.json", errors.as_json())
            for name, picture in page.error_pictures(errors):
                _write(directory / "pictures", f"{name}.svg", picture)

    @cached_property
    def _report(self) -> str:
        return page.of_run(self.store, self.summary.run_id)

    def _system(self) -> Iterator[Point]:
        """Yield the state of the machine between the processes of the run."""
        for step, noise in enumerate(self.store.noise(self.summary.run_id)):
            for key, (metric, factor) in SYSTEM.items():
                value = noise.facts.get(key)
                if value is not None:
                    yield Point(metric, step, milliseconds(noise.at), factor * float(value))

    def _options(self) -> dict[str, Any]:
        options = self.summary.arguments.get("options", {})
        return {key: value for key, value in options.items() if value is not None}

    def _versions(self, cell: CellSummary) -> dict[str, str]:
        facts = {fact.key: fact.value for fact in self.store.facts(cell.cell_id) if fact.step == ""}
        versions = facts.get("versions", {}).values()
        return {f"version.{package}": str(version) for packages in versions for package, version in packages.items()}

    def _agreement(self, cell: Cell) -> dict[str, Any]:
        findings = [run.plain(finding) for finding in self.store.agreements(cell.id)]
        return {"stack": cell.stack, "size": cell.size, "findings": findings}


def ignored(cell: str) -> None:
    """Take note of a cell that was sent, and do nothing."""


def check_reachable(who: str, address: str) -> None:
    """Raise TrackingError if a server doesn't answer, sooner and with a shorter message than a tracker's library.

    Nothing secret is sent, and no certificate is checked: the library does so, as its own variables tell it.
    """
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    try:
        urllib.request.urlopen(address, timeout=ANSWER_S, context=unchecked).close()
    except urllib.error.HTTPError:
        return  # the server answers; the tracker's library will report what is wrong
    except (OSError, ValueError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        if isinstance(error, ssl.SSLError) or isinstance(cause, ssl.SSLError):
            return  # the server answers, and asks for a certificate
        reason = text.clean(redacted(str(cause)))[:LONGEST]
        raise TrackingError(f"{who} doesn't answer: {reason or type(error).__name__}") from error


def shortened(error: BaseException, *addresses: str) -> str:
    """Return a library's message on one line of up to 300 characters, without secrets; its type if it has none.

    ``addresses``: URLs whose secrets are removed wherever they stand, beside those of the environment.
    """
    message = " ".join(redacted(str(error), *addresses).split())
    return message[:LONGEST] or type(error).__name__


def milliseconds(timestamp: str) -> int:
    """Convert an ISO 8601 time to milliseconds since 1970."""
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)


def _write(directory: Path, name: str, content: Any) -> None:
    """Write text unchanged and anything else as JSON; write no file for empty content."""
    if content:
        directory.mkdir(exist_ok=True)
        (directory / name).write_text(
            content if isinstance(content, str) else json.dumps(content, indent=1, allow_nan=False), encoding="utf-8"
        )


def _params(pipeline: PipelineSummary, cell: CellSummary) -> dict[str, Any]:
    dataset = {"dataset": pipeline.dataset.get("name"), "dataset_sha256": pipeline.dataset.get("sha256")}
    return {
        "pipeline": pipeline.pipeline,
        "size": pipeline.size,
        "stack": cell.stack,
        "fingerprint": cell.fingerprint,
        **{key: value for key, value in dataset.items() if value is not None},
    }


def _equivalence(pipeline: PipelineSummary, cell: CellSummary) -> str:
    """Return whether the cell's quality is equivalent to the best stack's; empty if that wasn't tested."""
    quality = cell.quality.get(pipeline.metric or "")
    return quality.equivalence.verdict if quality is not None and quality.equivalence is not None else ""


def _curve(cell: CellSummary, at_ms: int) -> Iterator[Point]:
    """Yield loss, seconds of training and quality by epoch."""
    for point in cell.curve:
        for name, value in {"loss": point.loss, "seconds": point.seconds, **point.metrics}.items():
            if math.isfinite(value):
                yield Point(f"curve/{name}", point.epoch, at_ms, value)


def _metrics(cell: CellSummary) -> Iterator[tuple[str, float]]:
    """Yield seconds, bytes and ratios with their names, without absent figures."""
    yield from _interval("total", cell.total)
    if cell.ratio is not None:
        yield from (
            ("ratio/median", cell.ratio.estimate),
            ("ratio/low", cell.ratio.low),
            ("ratio/high", cell.ratio.high),
        )
    figures = {
        "total/rank": cell.rank,
        "total/first_call_s": cell.first_call_s,
        "total/cold_start_s": cell.cold_start_s,
        "total/to_target_s": cell.to_target_s,
        "total/boundary_in_s": cell.boundary_in_s,
        "total/boundary_out_s": cell.boundary_out_s,
        "total/agreement_error": cell.agreement_error,
        "total/peak_rss_bytes": cell.peak_rss_bytes,
        "total/cpu_per_wall": cell.cpu_per_wall,
        "total/gc_share": cell.gc_share,
        **{f"import/{name}_s": seconds for name, seconds in _named(cell.imports_s)},
        **{f"quality/{metric}": quality.mean for metric, quality in cell.quality.items()},
    }
    yield from ((name, float(value)) for name, value in figures.items() if value is not None)
    for name, step in _named({step.step: step for step in cell.steps}):
        yield from _step_metrics(f"step/{name}", step)


def _named(figures: Mapping[str, Value]) -> Iterator[tuple[str, Value]]:
    """Yield values with their names as parts of a metric's name.

    A step that is an input of a pair, and a function of one, have names that a person chose: in a metric's name MLflow
    takes letters, digits and few other characters, and no part that consists of dots.
    """
    taken: set[str] = set()
    for name, value in figures.items():
        plain = re.sub(r"[^\w :.-]|^\.+$", "_", name)
        numbered = (plain if number == 1 else f"{plain} {number}" for number in itertools.count(1))
        unique = next(each for each in numbered if each not in taken)
        taken.add(unique)
        yield unique, value


def _step_metrics(name: str, step: StepSummary) -> Iterator[tuple[str, float]]:
    yield from _interval(name, step.steady)
    figures = {
        "first_call_s": step.first_call_s,
        "boundary_in_s": step.boundary_in_s,
        "boundary_out_s": step.boundary_out_s,
        "rss_increase_bytes": step.rss_increase_bytes,
        "agreement_error": step.error,
        "examples_per_second": step.per_second,
        "saved_bytes": step.saved_bytes,
        **({} if step.latency is None else {f"latency_{p}_s": getattr(step.latency, f"{p}_s") for p in QUANTILES}),
    }
    yield from ((f"{name}/{figure}", float(value)) for figure, value in figures.items() if value is not None)


def _interval(name: str, interval: Interval | None) -> Iterator[tuple[str, float]]:
    if interval is not None:
        yield f"{name}/median_s", interval.estimate
        yield f"{name}/low_s", interval.low
        yield f"{name}/high_s", interval.high
