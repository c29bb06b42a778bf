"""A run in MLflow: an experiment per pipeline, a parent run per run, a child run per cell.

A view like any other: it can be sent again, which updates what is there, and it can be sent later.
Everything is batched: call by call, MLflow takes a hundredth of a second per figure.
"""

from __future__ import annotations

import os
import shlex
import urllib.parse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from twinbench import paths
from twinbench.results.summary.run import PipelineSummary
from twinbench.store.records import Status
from twinbench.store.store import Store
from twinbench.trackers.tracking import ONE_RUN, Telling, Tracked, TrackingError, knock
from twinbench.views import markdown, text, words

if TYPE_CHECKING:
    from mlflow import MlflowClient

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

PAGE = 1000
"""Runs in one answer of a search."""

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
"""MLflow's words for ours, of cells and of runs; an unavailable cell never started."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and where it is."""

    uri: str
    """Tracking URI, without credentials."""
    experiments: dict[str, str]
    """Id by name."""
    runs: int
    """MLflow runs written, parents included."""
    children: Mapping[int, str]
    """The MLflow run of each cell."""
    tracking_uri: str
    """As it was given, credentials and all: never shown."""

    def __str__(self) -> str:
        """One line that ends with how to look at it."""
        where = f"{self.runs} run{'s' * (self.runs != 1)} in {', '.join(self.experiments)}"
        if self.uri.startswith("http"):
            first = next(iter(self.experiments.values()), "")
            return f"{where}; see {self.uri.rstrip('/')}/#/experiments/{first}"
        return f"{where}; see them with: mlflow ui --backend-store-uri {shlex.quote(self.uri)}"


def send(store: Store, run_id: str, tracking_uri: str | None = None) -> Sent:
    """Send a run, or send it again. Raises TrackingError within seconds when the server is down.

    Without ``tracking_uri`` it goes to ``MLFLOW_TRACKING_URI``, or to ``mlflow.db`` in the data directory.
    """
    telling = Telling(store, run_id)
    with connected(tracking_uri) as (client, uri):
        return _Sending(telling, client, uri).all()


@contextmanager
def connected(tracking_uri: str | None) -> Iterator[tuple[MlflowClient, str]]:
    """A client, and the URI that it talks to. Whatever goes wrong inside is a TrackingError."""
    uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or default_uri()
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        if uri.startswith(("http:", "https:")):
            knock(f"MLflow at {shown(uri)}", f"{shown(uri).rstrip('/')}/health")
        elif uri == default_uri():
            paths.data_dir().mkdir(parents=True, exist_ok=True)
        from mlflow import MlflowClient

        yield MlflowClient(tracking_uri=uri), uri
    except TrackingError:
        raise
    except Exception as error:  # whatever goes wrong in there, the results are safe and the run goes on
        raise TrackingError(f"MLflow at {shown(uri)}: {' '.join(str(error).split())[:300]}") from error


def experiment_of(client: MlflowClient, uri: str, pipeline: str) -> str:
    """The id of a pipeline's experiment, which is made if need be."""
    name = f"twinbench/{pipeline}"
    known = client.get_experiment_by_name(name)
    if known is not None:
        return str(known.experiment_id)
    artifacts = (paths.data_dir() / "mlflow-artifacts" / name).as_uri() if uri == default_uri() else None
    return client.create_experiment(name, artifact_location=artifacts)


def default_uri() -> str:
    """The SQLite file that MLflow uses unless told otherwise."""
    return f"sqlite:///{paths.data_dir() / 'mlflow.db'}"


class _Sending:
    """One run on its way. ``all`` is the outline."""

    def __init__(self, telling: Telling, client: MlflowClient, uri: str) -> None:
        self.telling = telling
        self.client = client
        self.uri = uri

    def all(self) -> Sent:
        """Every pipeline, with its sizes, into its experiment."""
        experiments, runs = {}, 0
        self.children: dict[int, str] = {}
        for name, sizes in self.telling.pipelines():
            experiment = f"twinbench/{name}"
            experiments[experiment] = experiment_of(self.client, self.uri, name)
            runs += self._pipeline(experiments[experiment], sizes)
        return Sent(shown(self.uri), experiments, runs, self.children, self.uri)

    def _pipeline(self, experiment: str, sizes: Sequence[PipelineSummary]) -> int:
        query = f"tags.`{RUN_TAG}` = '{self.telling.summary.run_id}'"
        known = {run.data.tags[CELL_TAG]: run.info.run_id for run in self._found(experiment, query)}
        whole = self.telling.whole(sizes)
        parent = self._run(experiment, known.get(ONE_RUN), self.telling.summary.run_id, {CELL_TAG: ONE_RUN})
        children: dict[str, str] = {}
        for cell in self.telling.each(sizes):
            tags = {CELL_TAG: cell.cell, "mlflow.parentRunId": parent}
            children[cell.cell] = self._run(experiment, known.get(cell.cell), cell.cell, tags)
            self._send(children[cell.cell], cell, sizes, {})
            if cell.record is not None:
                self.children[cell.record.id] = children[cell.cell]
        self._send(parent, whole, sizes, {"mlflow.note.content": _note(experiment, sizes, children)})
        return 1 + len(children)

    def _found(self, experiment: str, query: str) -> Iterator[Any]:
        """All pages of a search."""
        token: str | None = ""
        while token is not None:
            found = self.client.search_runs([experiment], query, max_results=PAGE, page_token=token or None)
            yield from found
            token = found.token or None

    def _run(self, experiment: str, known: str | None, name: str, tags: dict[str, str]) -> str:
        """The MLflow run that was made for this before, or a new one."""
        if known is not None:
            return known
        tags = tags | {RUN_TAG: self.telling.summary.run_id, "mlflow.source.name": "twinbench"}
        made = self.client.create_run(experiment, start_time=self.telling.begun_ms, run_name=name, tags=tags)
        return str(made.info.run_id)

    def _send(self, run: str, told: Tracked, sizes: Sequence[PipelineSummary], tags: Mapping[str, str]) -> None:
        self._log(run, told, {**told.tags, **tags})
        self._log_dataset(run, told.dataset)
        with TemporaryDirectory(prefix="twinbench-") as directory:
            self.telling.write_files(told, sizes, Path(directory))
            self.client.log_artifacts(run, directory)
        self.client.set_terminated(run, STATUSES[told.status], told.ended_ms)

    def _log(self, run: str, told: Tracked, tags: Mapping[str, str]) -> None:
        from mlflow.entities import Metric, Param, RunTag

        tagged = [RunTag(key, value[:TAG_LENGTH]) for key, value in tags.items()]
        points = [Metric(key, value, self.telling.changed_ms, 0) for key, value in told.metrics.items()]
        points += [Metric(point.metric, point.value, point.at_ms, point.step) for point in told.points]
        given = [Param(key, str(value)) for key, value in told.params.items()]
        for some, others in zip_longest(parts(points, BATCH_METRICS), parts(given, BATCH_PARAMS), fillvalue=()):
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


def _note(experiment: str, sizes: Sequence[PipelineSummary], children: Mapping[str, str]) -> str:
    """The question, the answer, and a link to every cell, in MLflow's Markdown."""
    lines = [markdown.plain(sizes[0].question)]
    for size in sizes:
        lines += ["", f"**{markdown.plain(size.size)}**: {markdown.plain(words.headline(size))}", ""]
        for cell in size.cells:
            place = f"#/experiments/{experiment}/runs/{children[f'{cell.stack} {size.size}']}"
            rank = f"rank {cell.rank}" if cell.rank else cell.status
            total = f", {text.interval(cell.total)}" if cell.total else ""
            lines.append(f"- [{markdown.plain(cell.stack)}]({place}): {rank}{total}")
    return "\n".join(lines)


def shown(uri: str) -> str:
    """A URI without the credentials that it may carry."""
    try:
        parts = urllib.parse.urlsplit(uri)
    except ValueError:  # no URI at all
        return uri.rpartition("@")[2]
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts.netloc else uri


def parts(items: Sequence[Any], count: int) -> Iterator[Sequence[Any]]:
    """So many at a time."""
    return (items[start : start + count] for start in range(0, len(items), count))
