"""A run in MLflow: an experiment per pipeline, a parent run per run, a child run per cell.

A view like any other: it can be sent again, which updates what is there, and it can be sent later.
Everything is batched: call by call, MLflow takes a hundredth of a second per figure.
"""

from __future__ import annotations

import json
import math
import os
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import groupby, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from twinbench import paths
from twinbench.errors import TwinbenchError
from twinbench.results import export, summary
from twinbench.results.records import Cell, Status
from twinbench.results.stats import Interval
from twinbench.results.store import Store
from twinbench.results.summary import CellSummary, PipelineSummary, RunSummary, StepSummary

if TYPE_CHECKING:
    from mlflow import MlflowClient

ANSWER_S = 3.0
"""How long a tracking server may take to say that it is there."""

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""For MLflow, unless the user has set them: no calls home, and a server that goes away costs seconds, not minutes."""

RUN_TAG = "twinbench.run"
CELL_TAG = "twinbench.cell"
"""How a run and a cell are found again. A parent run has an empty cell."""

BATCH_METRICS, BATCH_PARAMS = 800, 100
"""MLflow takes at most 1000 items in a call, and 100 params among them."""

DIGEST_LENGTH = 36
"""MLflow keeps so much of a dataset's digest; the whole checksum is a param."""

TAG_LENGTH = 4000

QUANTILES = ("p50", "p95", "p99")

STATUSES = {
    Status.DONE: "FINISHED",
    Status.FAILED: "FAILED",
    Status.DISAGREES: "FAILED",
    Status.TIMEOUT: "KILLED",
    Status.OOM: "KILLED",
    Status.RUNNING: "RUNNING",
    Status.PLANNED: "SCHEDULED",
    Status.UNAVAILABLE: "SCHEDULED",
}
"""MLflow's words for ours; an unavailable cell never started."""

RUN_STATUSES = {"done": "FINISHED", "interrupted": "KILLED", "running": "RUNNING"}


class TrackingError(TwinbenchError):
    """MLflow couldn't be reached, or refused. The results are in the store and can be sent later."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and where it is."""

    uri: str
    """Tracking URI, without credentials."""
    experiments: dict[str, str]
    """Id by name."""
    runs: int
    """MLflow runs written, parents included."""

    def __str__(self) -> str:
        """One line that ends with how to look at it."""
        where = f"{self.runs} runs in {', '.join(self.experiments)}"
        if self.uri.startswith("http"):
            first = next(iter(self.experiments.values()), "")
            return f"{where}; see {self.uri.rstrip('/')}/#/experiments/{first}"
        return f"{where}; see them with: mlflow ui --backend-store-uri {self.uri}"


def send(store: Store, run_id: str, tracking_uri: str | None = None) -> Sent:
    """Send a run, or send it again. Raises TrackingError within seconds when the server is down.

    Without ``tracking_uri`` it goes to ``MLFLOW_TRACKING_URI``, or to ``mlflow.db`` in the data directory.
    """
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri()
    _knock(uri)
    found = summary.summarise(store, run_id)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient

        return _Sending(store, found, MlflowClient(tracking_uri=uri), uri).all()
    except Exception as error:  # whatever goes wrong in there, the results are safe and the run goes on
        raise TrackingError(f"MLflow at {_shown(uri)}: {' '.join(str(error).split())[:300]}") from error


def default_uri() -> str:
    """The SQLite file that MLflow uses unless told otherwise."""
    paths.data_dir().mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{paths.data_dir() / 'mlflow.db'}"


class _Sending:
    """One run on its way. ``all`` is the outline."""

    def __init__(self, store: Store, found: RunSummary, client: MlflowClient, uri: str) -> None:
        self.store = store
        self.summary = found
        self.client = client
        self.uri = uri
        self.cells = {cell.id: cell for cell in store.cells(found.run_id)}
        self.begun_ms = _ms(found.created)
        self.changed_ms = max((_ms(cell.changed) for cell in self.cells.values()), default=self.begun_ms)
        """Time stamp of all metrics: sending again what hasn't changed adds no point."""

    def all(self) -> Sent:
        """Every pipeline, with its sizes, into its experiment."""
        experiments, runs = {}, 0
        for name, sizes in groupby(self.summary.pipelines, key=lambda pipeline: pipeline.pipeline):
            experiment = f"twinbench/{name}"
            experiments[experiment] = self._experiment(experiment)
            runs += self._pipeline(experiments[experiment], list(sizes))
        return Sent(_shown(self.uri), experiments, runs)

    def _experiment(self, name: str) -> str:
        known = self.client.get_experiment_by_name(name)
        if known is not None:
            return str(known.experiment_id)
        artifacts = (paths.data_dir() / "mlflow-artifacts" / name).as_uri() if self.uri == default_uri() else None
        return self.client.create_experiment(name, artifact_location=artifacts)

    def _pipeline(self, experiment: str, sizes: Sequence[PipelineSummary]) -> int:
        query = f"tags.`{RUN_TAG}` = '{self.summary.run_id}'"
        known = {run.data.tags[CELL_TAG]: run.info.run_id for run in self.client.search_runs([experiment], query)}
        parent = self._run(experiment, known.get(""), self.summary.run_id, {CELL_TAG: ""})
        self._parent(parent, sizes)
        cells = [(pipeline, cell) for pipeline in sizes for cell in pipeline.cells]
        for pipeline, cell in cells:
            name = f"{cell.stack} {pipeline.size}"
            child = self._run(experiment, known.get(name), name, {CELL_TAG: name, "mlflow.parentRunId": parent})
            self._child(child, pipeline, cell)
        return 1 + len(cells)

    def _run(self, experiment: str, known: str | None, name: str, tags: dict[str, str]) -> str:
        """The MLflow run that was made for this before, or a new one."""
        if known is not None:
            return known
        tags = tags | {RUN_TAG: self.summary.run_id, "mlflow.source.name": "twinbench"}
        made = self.client.create_run(experiment, start_time=self.begun_ms, run_name=name, tags=tags)
        return str(made.info.run_id)

    def _parent(self, run: str, sizes: Sequence[PipelineSummary]) -> None:
        params = _options(self.summary) | {"pipeline": sizes[0].pipeline}
        tags = {"status": self.summary.status, "mlflow.note.content": sizes[0].question}
        self._log(run, params, {}, tags)
        self._log_dataset(run, sizes[0].dataset)
        agreement = [_agreement(self.store, self.cells[cell.cell_id]) for size in sizes for cell in size.cells]
        self._log_files(run, {"summary.json": summary.plain(self.summary), "agreement.json": agreement})
        self.client.set_terminated(run, RUN_STATUSES[self.summary.status], self.changed_ms)

    def _child(self, run: str, pipeline: PipelineSummary, cell: CellSummary) -> None:
        record = self.cells[cell.cell_id]
        params = _options(self.summary) | _params(pipeline, cell) | self._versions(cell)
        tested = cell.quality[pipeline.metric or ""].equivalence if (pipeline.metric or "") in cell.quality else None
        tags: dict[str, str] = {"equivalence": tested.verdict if tested else ""}
        tags |= {"status": cell.status, "kind": cell.kind, "reason": cell.reason, "reused": str(cell.reused).lower()}
        self._log(run, params, dict(_metrics(cell)), tags)
        self._log_curve(run, cell)
        self._log_dataset(run, pipeline.dataset)
        self._log_files(run, {"agreement.json": _agreement(self.store, record), "stderr.txt": record.stderr}, record)
        self.client.set_terminated(run, STATUSES[cell.status], _ms(record.changed))

    def _log_curve(self, run: str, cell: CellSummary) -> None:
        """Loss and quality by epoch, as stepped metrics."""
        from mlflow.entities import Metric

        points = [
            Metric(f"curve/{name}", value, self.changed_ms, point.epoch)
            for point in cell.curve
            for name, value in {"loss": point.loss, "seconds": point.seconds, **point.metrics}.items()
            if math.isfinite(value)
        ]
        for some in _parts(points, BATCH_METRICS):
            self.client.log_batch(run, metrics=some)

    def _versions(self, cell: CellSummary) -> dict[str, str]:
        facts = {fact.key: fact.value for fact in self.store.facts(cell.cell_id) if fact.step == ""}
        versions = facts.get("versions", {}).values()
        return {f"version.{package}": str(version) for packages in versions for package, version in packages.items()}

    def _log(self, run: str, params: Mapping[str, Any], metrics: Mapping[str, float], tags: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        tagged = [RunTag(key, value[:TAG_LENGTH]) for key, value in tags.items()]
        points = [Metric(key, value, self.changed_ms, 0) for key, value in metrics.items() if math.isfinite(value)]
        given = [Param(key, str(value)) for key, value in params.items()]
        for some, others in zip_longest(_parts(points, BATCH_METRICS), _parts(given, BATCH_PARAMS), fillvalue=()):
            self.client.log_batch(run, some, others, tagged)

    def _log_dataset(self, run: str, dataset: Mapping[str, Any]) -> None:
        """The data by name and checksum; MLflow never sees the rows."""
        if "sha256" not in dataset:
            return
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = CodeDatasetSource(tags={key: str(value) for key, value in dataset.items()})
        described = MetaDataset(source, name=dataset["name"], digest=dataset["sha256"][:DIGEST_LENGTH])  # type: ignore[abstract]
        entry = DatasetInput(Dataset(**described.to_dict()), [InputTag("mlflow.data.context", "benchmark")])
        self.client.log_inputs(run, datasets=[entry])

    def _log_files(self, run: str, files: Mapping[str, Any], cell: Cell | None = None) -> None:
        """Text as it is, anything else as JSON; of a cell its samples too."""
        with TemporaryDirectory(prefix="twinbench-") as name:
            directory = Path(name)
            for file, content in {"environment.json": dict(self.summary.environment), **files}.items():
                if content:
                    written = content if isinstance(content, str) else json.dumps(content, indent=1)
                    (directory / file).write_text(written, encoding="utf-8")
            if cell is not None:
                export.write(export.table("samples", self.store, [cell]), directory / "samples.parquet", "parquet")
            self.client.log_artifacts(run, name)


def _options(found: RunSummary) -> dict[str, Any]:
    options = found.arguments.get("options", {})
    return {key: value for key, value in options.items() if value is not None}


def _params(pipeline: PipelineSummary, cell: CellSummary) -> dict[str, Any]:
    dataset = {"dataset": pipeline.dataset.get("name"), "dataset_sha256": pipeline.dataset.get("sha256")}
    return {
        "pipeline": pipeline.pipeline,
        "size": pipeline.size,
        "stack": cell.stack,
        "fingerprint": cell.fingerprint,
        **{key: value for key, value in dataset.items() if value is not None},
    }


def _metrics(cell: CellSummary) -> Iterator[tuple[str, float]]:
    """Seconds, bytes and ratios by name. What is absent has no metric."""
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
        "total/boundary_in_s": cell.boundary_in_s,
        "total/boundary_out_s": cell.boundary_out_s,
        "total/agreement_error": cell.agreement_error,
        "total/peak_rss_bytes": cell.peak_rss_bytes,
        "total/cpu_per_wall": cell.cpu_per_wall,
        "total/gc_share": cell.gc_share,
        "total/to_target_s": cell.to_target_s,
        **{f"import/{framework}_s": seconds for framework, seconds in cell.imports_s.items()},
        **{f"quality/{metric}": quality.mean for metric, quality in cell.quality.items()},
    }
    yield from ((name, float(value)) for name, value in figures.items() if value is not None)
    for step in cell.steps:
        yield from _step_metrics(step)


def _step_metrics(step: StepSummary) -> Iterator[tuple[str, float]]:
    name = f"step/{step.step}"
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


def _agreement(store: Store, cell: Cell) -> dict[str, Any]:
    findings = [asdict(finding) for finding in store.agreements(cell.id)]
    return {"stack": cell.stack, "size": cell.size, "findings": findings}


def _knock(uri: str) -> None:
    """Raise TrackingError when nobody answers: sooner, and in fewer words, than MLflow would."""
    if not uri.startswith(("http:", "https:")):
        return
    try:
        urllib.request.urlopen(f"{_shown(uri).rstrip('/')}/health", timeout=ANSWER_S).close()
    except urllib.error.HTTPError:
        return  # somebody is there; MLflow will say what it thinks of us
    except (OSError, ValueError) as error:
        raise TrackingError(f"MLflow at {_shown(uri)} doesn't answer: {getattr(error, 'reason', error)}") from error


def _shown(uri: str) -> str:
    """A URI without the credentials that it may carry."""
    parts = urllib.parse.urlsplit(uri)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri


def _ms(timestamp: str) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() * 1000)


def _parts(items: Sequence[Any], count: int) -> Iterator[Sequence[Any]]:
    return (items[start : start + count] for start in range(0, len(items), count))
