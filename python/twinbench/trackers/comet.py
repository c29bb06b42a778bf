"""A run in Comet: a project per pipeline, an experiment per cell and one for the whole.

With ``COMET_API_KEY`` it goes online, otherwise into archives in the data directory, which ``comet upload``
sends later. The same is sent as to MLflow, and sending it again replaces it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twinbench import paths
from twinbench.errors import TwinbenchError
from twinbench.results.summary.run import PipelineSummary
from twinbench.store.store import Store
from twinbench.trackers.tracking import ONE_RUN, Telling, Tracked, TrackingError, knock

DEFAULT_URL = "https://www.comet.com/clientlib/"

SETTINGS = {
    "COMET_LOGGING_CONSOLE": "ERROR",
    "COMET_ERROR_TRACKING_ENABLE": "false",
    "COMET_INTERNAL_SENTRY_DSN": "",
}
"""For Comet, unless the user has set them: no chatter, and no calls home beside the ones that were asked for."""

NOTHING_BY_ITSELF = {
    "log_code": False,
    "log_graph": False,
    "parse_args": False,
    "log_git_metadata": False,
    "log_git_patch": False,
    "log_env_details": False,
    "auto_output_logging": False,
    "auto_param_logging": False,
    "auto_metric_logging": False,
    "auto_log_co2": False,
    "display_summary_level": 0,
}
"""Comet would record this process, which measured nothing: the run has a record of its own."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent, and where it is."""

    projects: tuple[str, ...]
    experiments: int
    directory: Path | None
    """Of the archives; None where they went online."""

    def __str__(self) -> str:
        """One line that ends with how to look at it."""
        where = f"{self.experiments} experiments in {', '.join(self.projects)}"
        if self.directory is None:
            return where
        return f"{where}; send them with: comet upload {shlex.quote(str(self.directory))}/*.zip"


def send(store: Store, run_id: str) -> Sent:
    """Send a run, or write its archives. Raises TrackingError where Comet isn't installed, or refuses."""
    telling = Telling(store, run_id)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import comet_ml
    except ImportError:
        raise TrackingError("Comet's library is not installed; pip install 'twinbench[comet]'") from None
    key = os.environ.get("COMET_API_KEY") or None
    if key:
        knock("Comet", os.environ.get("COMET_URL_OVERRIDE") or DEFAULT_URL)
    directory = None if key else paths.data_dir() / "comet" / telling.summary.run_id
    projects, experiments = [], 0
    try:
        for name, sizes in telling.pipelines():
            projects.append(f"twinbench-{name}")
            for told in (telling.whole(sizes), *telling.each(sizes)):
                _experiment(comet_ml, telling, told, sizes, projects[-1], directory)
                experiments += 1
    except TwinbenchError:
        raise
    except Exception as error:  # whatever goes wrong in there, the results are safe
        raise TrackingError(f"Comet: {' '.join(str(error).split())[:300] or type(error).__name__}") from error
    return Sent(tuple(projects), experiments, directory)


def key_of(run_id: str, pipeline: str, cell: str) -> str:
    """Comet's key of an experiment: the same whenever the same is sent."""
    return hashlib.sha256("\n".join((run_id, pipeline, cell)).encode()).hexdigest()[:40]


def _experiment(
    comet: Any, telling: Telling, told: Tracked, sizes: Sequence[PipelineSummary], project: str, directory: Path | None
) -> None:
    run_id = telling.summary.run_id
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / f"{key_of(run_id, sizes[0].pipeline, told.cell)}.zip").unlink(missing_ok=True)
    experiment = comet.start(
        project_name=project,
        experiment_key=key_of(run_id, sizes[0].pipeline, told.cell),
        mode="create" if directory else "get_or_create",
        online=directory is None,
        experiment_config=comet.ExperimentConfig(
            name=told.cell or run_id,
            tags=[str(told.status), "run" if told.cell == ONE_RUN else "cell"],
            offline_directory=str(directory) if directory else None,
            **NOTHING_BY_ITSELF,
        ),
    )
    with TemporaryDirectory(prefix="twinbench-") as files:
        telling.write_files(told, sizes, Path(files))
        _log(experiment, told, {"twinbench.run": run_id, "twinbench.dataset": _dataset(told.dataset)}, Path(files))
        experiment.end()  # which sends the files, so they must still be there


def _log(experiment: Any, told: Tracked, others: Mapping[str, str], files: Path) -> None:
    experiment.log_parameters({key: str(value) for key, value in told.params.items()}, nested_support=False)
    experiment.log_metrics(dict(told.metrics))
    for point in told.points:
        experiment.log_metric(point.metric, point.value, step=point.step)
    experiment.log_others({**others, **{key: value for key, value in told.tags.items() if value}})
    for file in sorted(path for path in files.rglob("*") if path.is_file()):
        experiment.log_asset(str(file), file_name=file.relative_to(files).as_posix())


def _dataset(dataset: Mapping[str, Any]) -> str:
    """Name and checksum; Comet never sees the rows."""
    return " ".join(str(dataset[key]) for key in ("name", "sha256") if key in dataset)
