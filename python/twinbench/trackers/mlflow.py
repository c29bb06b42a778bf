"""A run in MLflow: an experiment per pipeline, a parent run per run, and a child run per cell.

A run can be sent at any time, and sending it again updates it. All calls are batched, because single calls take MLflow
a hundredth of a second per figure.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from twinbench import paths
from twinbench.foreign import HIDDEN, redacted
from twinbench.results.summary.run import PipelineSummary
from twinbench.store.records import Status
from twinbench.store.store import Store
from twinbench.trackers import local
from twinbench.trackers.tracking import (
    ONE_RUN,
    RunForTrackers,
    TrackerRun,
    TrackingError,
    check_reachable,
    ignored,
    shortened,
)
from twinbench.views import markdown, text, words

if TYPE_CHECKING:
    from mlflow import MlflowClient

SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Environment variables for MLflow, unless the user has set them: no telemetry, and short time-outs, so that a lost
server costs seconds, not minutes."""

RUN_TAG = "twinbench.run"
CELL_TAG = "twinbench.cell"
"""Tags by which the MLflow run of a run or cell is found when it is sent again. A parent run has an empty cell tag."""

BATCH_METRICS, BATCH_PARAMS = 800, 100
"""Numbers of metrics and params per call; MLflow accepts up to 1000 items, with up to 100 params among them."""

DIGEST_LENGTH = 36
"""Longest digest of a dataset that MLflow accepts; the whole checksum is sent as a param."""

TAG_LENGTH = 4000
"""Longest value of a tag that is sent; MLflow accepts up to 5000 characters."""

PAGE = 1000
"""Number of runs in one page of a search."""

STATUSES: Mapping[str, str] = {
    Status.DONE: "FINISHED",
    Status.FAILED: "FAILED",
    Status.DISAGREES: "FAILED",
    Status.TIMEOUT: "KILLED",
    Status.OOM: "KILLED",
    Status.RUNNING: "RUNNING",
    Status.PLANNED: "SCHEDULED",
    Status.UNAVAILABLE: "SCHEDULED",
    "interrupted": "KILLED",
}
"""MLflow's status for each status of a cell or run; an unavailable cell counts as scheduled, because it never ran."""


@dataclass(frozen=True, slots=True)
class SentToMlflow:
    """The result of sending a run to MLflow."""

    uri: str
    """Tracking URI, without credentials."""
    experiments: dict[str, str]
    """Experiment id by name."""
    runs: int
    """Number of MLflow runs that were written, parents included."""
    children: Mapping[int, str]
    """Id of the MLflow run, by cell id."""
    tracking_uri: str
    """Tracking URI as it was given, credentials included; never print it."""

    def __str__(self) -> str:
        """Return one line that ends with the address or the command that shows the runs."""
        where = f"{self.runs} run{'s' * (self.runs != 1)} in {', '.join(self.experiments)}"
        if self.uri.startswith("http"):
            first = next(iter(self.experiments.values()), "")
            return f"{where}; see {self.uri.rstrip('/')}/#/experiments/{first}"
        return f"{where}; see them with: mlflow ui --backend-store-uri {shlex.quote(self.uri)}"


def send(
    store: Store, run_id: str, tracking_uri: str | None = None, progress: Callable[[str], None] = ignored
) -> SentToMlflow:
    """Send a run, or send it again. Raises TrackingError within seconds if the server doesn't answer.

    Without ``tracking_uri``, the run is sent to ``MLFLOW_TRACKING_URI``, or to ``mlflow.db`` in the data directory.
    ``progress`` is called with the name of each cell that was sent.
    """
    source = RunForTrackers(store, run_id)
    with connected(tracking_uri) as (client, uri):
        return _Sending(source, client, uri, progress).all()


@contextmanager
def connected(tracking_uri: str | None) -> Iterator[tuple[MlflowClient, str]]:
    """Yield a client and its URI. Every error inside of the context is raised as TrackingError."""
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        if uri.lower().startswith(("http:", "https:")):
            check_reachable(f"MLflow at {shown(uri)}", _health(uri))
        elif uri == default_uri():
            paths.make_private(paths.data_dir())
        yield _client(uri), uri
    except TrackingError:
        raise
    except Exception as error:  # MLflow raises errors of many kinds; the results stay in the store
        raise TrackingError(f"MLflow at {shown(uri)}: {shortened(error, uri)}") from error


def _client(uri: str) -> MlflowClient:
    """Return a client. Of an SQLite database, MLflow's tables are made by one process at a time."""
    from mlflow import MlflowClient

    database = uri.removeprefix("sqlite:///")
    if database == uri or database in ("", ":memory:"):
        return MlflowClient(tracking_uri=uri)
    with local.exclusive(Path(database)):
        client = MlflowClient(tracking_uri=uri)
        client.search_experiments(max_results=1)
    return client


def experiment_of(client: MlflowClient, uri: str, pipeline: str) -> str:
    """Return the id of a pipeline's experiment, which is created if it doesn't exist.

    Raises TrackingError for an experiment that was deleted: MLflow makes no other of its name.
    """
    from mlflow.exceptions import MlflowException

    name = f"twinbench/{pipeline}"
    experiment = client.get_experiment_by_name(name)
    if experiment is None:
        artifacts = (paths.data_dir() / "mlflow-artifacts" / name).as_uri() if uri == default_uri() else None
        try:
            return client.create_experiment(name, artifact_location=artifacts)
        except MlflowException as error:
            experiment = client.get_experiment_by_name(name)  # another run may just have made it
            if experiment is None:
                raise error
    if experiment.lifecycle_stage == "deleted":
        restore = f"mlflow experiments restore --experiment-id {experiment.experiment_id}"
        raise TrackingError(f"MLflow at {shown(uri)}: the experiment {name} was deleted; restore it with: {restore}")
    return str(experiment.experiment_id)


def _health(uri: str) -> str:
    """Return the address at which a server says whether it is healthy, without credentials."""
    return f"{shown(uri).partition('?')[0].rstrip('/')}/health"


def default_uri() -> str:
    """Return the URI of the SQLite file that is used if no tracking URI is given."""
    return f"sqlite:///{paths.data_dir() / 'mlflow.db'}"


class _Sending:
    """The sending of one run: `all` is the outline."""

    def __init__(self, source: RunForTrackers, client: MlflowClient, uri: str, progress: Callable[[str], None]) -> None:
        self.progress = progress
        self.source = source
        self.client = client
        self.uri = uri

    def all(self) -> SentToMlflow:
        """Send every pipeline, with its sizes, to its experiment."""
        experiments, runs = {}, 0
        self.children: dict[int, str] = {}
        for name, sizes in self.source.pipelines():
            experiment = f"twinbench/{name}"
            experiments[experiment] = experiment_of(self.client, self.uri, name)
            runs += self._pipeline(experiments[experiment], sizes)
        return SentToMlflow(shown(self.uri), experiments, runs, self.children, self.uri)

    def _pipeline(self, experiment: str, sizes: Sequence[PipelineSummary]) -> int:
        query = f"tags.`{RUN_TAG}` = '{self.source.summary.run_id}'"
        earlier = {run.data.tags[CELL_TAG]: run.info.run_id for run in self._search(experiment, query)}
        whole = self.source.whole(sizes)
        parent = self._run(experiment, earlier.get(ONE_RUN), self.source.summary.run_id, {CELL_TAG: ONE_RUN})
        children: dict[str, str] = {}
        for cell in self.source.each(sizes):
            tags = {CELL_TAG: cell.cell, "mlflow.parentRunId": parent}
            children[cell.cell] = self._run(experiment, earlier.get(cell.cell), cell.cell, tags)
            self._send(children[cell.cell], cell, sizes, {"mlflow.parentRunId": parent})  # it may be a new parent
            self.progress(cell.cell)
            if cell.record is not None:
                self.children[cell.record.id] = children[cell.cell]
        self._send(parent, whole, sizes, {"mlflow.note.content": _note(experiment, sizes, children)})
        return 1 + len(children)

    def _search(self, experiment: str, query: str) -> Iterator[Any]:
        """Yield the runs of all pages of a search."""
        token: str | None = ""
        while token is not None:
            page = self.client.search_runs([experiment], query, max_results=PAGE, page_token=token or None)
            yield from page
            token = page.token or None

    def _run(self, experiment: str, earlier: str | None, name: str, tags: dict[str, str]) -> str:
        """Return the id of the MLflow run that was created earlier, or of a new one."""
        if earlier is not None:
            return earlier
        tags = tags | {RUN_TAG: self.source.summary.run_id, "mlflow.source.name": "twinbench"}
        created = self.client.create_run(experiment, start_time=self.source.begun_ms, run_name=name, tags=tags)
        return str(created.info.run_id)

    def _send(self, run: str, tracked: TrackerRun, sizes: Sequence[PipelineSummary], tags: Mapping[str, str]) -> None:
        self._log(run, tracked, {**tracked.tags, **tags})
        self._log_dataset(run, tracked.dataset)
        with TemporaryDirectory(prefix="twinbench-") as directory:
            self.source.write_files(tracked, sizes, Path(directory))
            self.client.log_artifacts(run, directory)
        self.client.set_terminated(run, STATUSES[tracked.status], tracked.ended_ms)

    def _log(self, run: str, tracked: TrackerRun, tags: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        tagged = [RunTag(key, value[:TAG_LENGTH]) for key, value in tags.items()]
        points = [Metric(key, value, self.source.changed_ms, 0) for key, value in tracked.metrics.items()]
        points += [Metric(point.metric, point.value, point.at_ms, point.step) for point in tracked.points]
        given = [Param(key, str(value)) for key, value in tracked.params.items()]
        for some, others in zip_longest(parts(points, BATCH_METRICS), parts(given, BATCH_PARAMS), fillvalue=()):
            self.client.log_batch(run, some, others, tagged)

    def _log_dataset(self, run: str, dataset: Mapping[str, Any]) -> None:
        """Log the name and the checksum of the data; the rows are never sent to MLflow."""
        if "sha256" not in dataset:
            return
        from mlflow.data.code_dataset_source import CodeDatasetSource
        from mlflow.data.meta_dataset import MetaDataset
        from mlflow.entities import Dataset, DatasetInput, InputTag

        source = CodeDatasetSource(tags={key: str(value) for key, value in dataset.items()})
        name, digest = dataset.get("name", "data"), dataset["sha256"][:DIGEST_LENGTH]
        described = MetaDataset(source, name=name, digest=digest)  # type: ignore[abstract]  # mypy takes it for one
        entry = DatasetInput(Dataset(**described.to_dict()), [InputTag("mlflow.data.context", "benchmark")])
        self.client.log_inputs(run, datasets=[entry])


def _note(experiment: str, sizes: Sequence[PipelineSummary], children: Mapping[str, str]) -> str:
    """Return the question, the answer, and a link to every cell, as Markdown for MLflow."""
    lines = [markdown.plain(sizes[0].question)]
    for size in sizes:
        lines += ["", f"**{markdown.plain(size.size)}**: {markdown.plain(words.headline(size))}", ""]
        for cell in size.cells:
            link = f"#/experiments/{experiment}/runs/{children[f'{cell.stack} {size.size}']}"
            rank = f"rank {cell.rank}" if cell.rank else cell.status
            total = f", {text.interval(cell.total)}" if cell.total else ""
            lines.append(f"- [{markdown.plain(cell.stack)}]({link}): {rank}{total}")
    return "\n".join(lines)


def shown(uri: str) -> str:
    """Return a URI without its credentials, and without the user's name where the rest is an address of its own."""
    return redacted(uri, uri).replace(f"{HIDDEN}@", "", 1) if uri.lower().startswith("http") else redacted(uri, uri)


def parts(items: Sequence[Any], count: int) -> Iterator[Sequence[Any]]:
    """Split items into parts of up to ``count`` items."""
    return (items[start : start + count] for start in range(0, len(items), count))
