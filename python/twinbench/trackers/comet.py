"""A run in Comet: a project per pipeline, with an experiment per cell and one for the whole run.

With an API key, in ``COMET_API_KEY`` or ``.comet.config``, the run is sent online, otherwise it is written to archives
in the data directory, which ``comet upload`` sends later. Comet gets the same figures as MLflow, and sending a run
again replaces it.
"""

from __future__ import annotations

import hashlib
import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from twinbench import paths
from twinbench.errors import TwinbenchError
from twinbench.foreign import HIDDEN
from twinbench.results.summary.run import PipelineSummary
from twinbench.store.store import Store
from twinbench.trackers.tracking import (
    ONE_RUN,
    RunForTrackers,
    TrackerRun,
    TrackingError,
    check_reachable,
    ignored,
    shortened,
)

DEFAULT_URL = "https://www.comet.com/clientlib/"

SETTINGS = {
    "COMET_LOGGING_CONSOLE": "ERROR",
    "COMET_ERROR_TRACKING_ENABLE": "false",
    "COMET_INTERNAL_SENTRY_DSN": "",
}
"""Environment variables for Comet, unless the user has set them: no console output, and no error reports to Comet."""

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
"""Settings that stop Comet from recording this process, which measured nothing."""


@dataclass(frozen=True, slots=True)
class SentToComet:
    """The result of sending a run to Comet."""

    projects: tuple[str, ...]
    experiments: int
    directory: Path | None
    """Directory of the archives; None if the run was sent online."""

    def __str__(self) -> str:
        """Return one line that ends with the command that sends the archives, if there are any."""
        where = f"{self.experiments} experiments in {', '.join(self.projects)}"
        if self.directory is None:
            return where
        return f"{where}; send them with: comet upload {shlex.quote(str(self.directory))}/*.zip"


def send(store: Store, run_id: str, progress: Callable[[str], None] = ignored) -> SentToComet:
    """Send a run, or write its archives. Raises TrackingError if Comet isn't installed, or fails.

    ``progress`` is called with the name of each cell that was sent.
    """
    source = RunForTrackers(store, run_id)
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        import comet_ml
        from comet_ml.config import get_config  # type: ignore[attr-defined]  # it is not in the list of names
    except ImportError:
        raise TrackingError("Comet's library is not installed; pip install 'twinbench[comet]'") from None
    settings = get_config()  # the environment, and the files .comet.config here and in the home directory
    key = settings["comet.api_key"] or None
    if key:
        check_reachable("Comet", settings["comet.url_override"] or DEFAULT_URL)
    directory = None if key else paths.data_dir() / "comet" / source.summary.run_id
    projects, experiments = [], 0
    try:
        for name, sizes in source.pipelines():
            projects.append(f"twinbench-{name}")
            for tracked in (source.whole(sizes), *source.each(sizes)):
                _experiment(comet_ml, source, tracked, sizes, projects[-1], directory)
                experiments += 1
                if tracked.cell != ONE_RUN:
                    progress(tracked.cell)
    except TwinbenchError:
        raise
    except Exception as error:  # Comet raises errors of many kinds; the results stay in the store
        message = shortened(error)
        raise TrackingError(f"Comet: {message.replace(key, HIDDEN) if key else message}") from error
    return SentToComet(tuple(projects), experiments, directory)


def key_of(run_id: str, pipeline: str, cell: str) -> str:
    """Return Comet's key of an experiment, which is the same each time the same cell is sent."""
    return hashlib.sha256("\n".join((run_id, pipeline, cell)).encode()).hexdigest()[:40]


def _experiment(
    comet: Any,
    source: RunForTrackers,
    tracked: TrackerRun,
    sizes: Sequence[PipelineSummary],
    project: str,
    directory: Path | None,
) -> None:
    run_id = source.summary.run_id
    if directory is not None:
        paths.make_private(directory)
        (directory / f"{key_of(run_id, sizes[0].pipeline, tracked.cell)}.zip").unlink(missing_ok=True)
    experiment = comet.start(
        project_name=project,
        experiment_key=key_of(run_id, sizes[0].pipeline, tracked.cell),
        mode="create" if directory else "get_or_create",
        online=directory is None,
        experiment_config=comet.ExperimentConfig(
            name=tracked.cell or run_id,
            tags=[str(tracked.status), "run" if tracked.cell == ONE_RUN else "cell"],
            offline_directory=str(directory) if directory else None,
            **NOTHING_BY_ITSELF,
        ),
    )
    with TemporaryDirectory(prefix="twinbench-") as files:
        source.write_files(tracked, sizes, Path(files))
        _log(
            experiment, tracked, {"twinbench.run": run_id, "twinbench.dataset": _dataset(tracked.dataset)}, Path(files)
        )
        experiment.end()  # sends the files, which must still exist


def _log(experiment: Any, tracked: TrackerRun, others: Mapping[str, str], files: Path) -> None:
    experiment.log_parameters({key: str(value) for key, value in tracked.params.items()}, nested_support=False)
    experiment.log_metrics(dict(tracked.metrics))
    for point in tracked.points:
        experiment.log_metric(point.metric, point.value, step=point.step)
    experiment.log_others({**others, **{key: value for key, value in tracked.tags.items() if value}})
    for file in sorted(path for path in files.rglob("*") if path.is_file()):
        experiment.log_asset(str(file), file_name=file.relative_to(files).as_posix())


def _dataset(dataset: Mapping[str, Any]) -> str:
    """Return the name and the checksum of the data; the rows are never sent to Comet."""
    return " ".join(str(dataset[key]) for key in ("name", "sha256") if key in dataset)
