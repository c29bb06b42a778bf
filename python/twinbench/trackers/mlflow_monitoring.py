"""Results of monitoring in MLflow: a run per call in the pipeline's experiment, which MLflow can chart over time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from twinbench.results.models.monitoring import Monitored
from twinbench.trackers.mlflow import BATCH_METRICS, TAG_LENGTH, SentToMlflow, connected, experiment_of, parts, shown
from twinbench.views import monitor

MONITOR_TAG = "twinbench.monitor"
"""Tag with the id of the run whose model was monitored. It differs from `mlflow.RUN_TAG`, so that sending the run again
doesn't overwrite the results of monitoring."""

INVALID_CHARACTER = re.compile(r"[^\w :-]")
"""A character that MLflow doesn't allow in a metric's name, or that has a meaning there."""

NAME_LENGTH = 200
"""Longest name of a feature in a metric's name."""


@dataclass(frozen=True, slots=True)
class Record:
    """A result of monitoring as MLflow gets it: plain data, which can be handed to another process."""

    pipeline: str
    name: str
    """Name of the run in MLflow."""
    params: Mapping[str, str]
    tags: Mapping[str, str]
    metrics: Mapping[str, float]
    figures: Mapping[str, Any]
    """Everything, for the file ``monitor.json``."""


def record(result: Monitored, data: str) -> Record:
    """Return the record of a result; ``data`` is the name of the file with the rows."""
    return Record(
        pipeline=result.pipeline,
        name=f"monitor {result.stack} {result.size}",
        params={"stack": result.stack, "size": result.size, "pipeline": result.pipeline, "run": result.run},
        tags={MONITOR_TAG: result.run, "verdict": result.verdict, "answer": monitor.headline(result), "data": data},
        metrics=dict(metrics(result)),
        figures=result.as_json(),
    )


def send(logged: Record, tracking_uri: str | None) -> SentToMlflow:
    """Log a result of monitoring. Raises TrackingError within seconds if the server doesn't answer."""
    now = int(time.time() * 1000)
    with connected(tracking_uri) as (client, uri):
        from mlflow.entities import Metric, Param, RunTag

        experiment = experiment_of(client, uri, logged.pipeline)
        run = str(client.create_run(experiment, start_time=now, run_name=logged.name).info.run_id)
        client.log_batch(
            run,
            params=[Param(key, value) for key, value in logged.params.items()],
            tags=[RunTag(key, value[:TAG_LENGTH]) for key, value in logged.tags.items()],
        )
        for some in parts([Metric(key, value, now, 0) for key, value in logged.metrics.items()], BATCH_METRICS):
            client.log_batch(run, metrics=some)
        client.log_text(run, json.dumps(logged.figures, indent=1, allow_nan=False), "monitor.json")
        client.set_terminated(run)
    return SentToMlflow(shown(uri), {f"twinbench/{logged.pipeline}": experiment}, 1, {}, uri)


def metrics(result: Monitored) -> Iterator[tuple[str, float]]:
    """Yield counts, stability indices and quality, with names that MLflow allows."""
    yield "monitor/rows", float(result.rows)
    yield "monitor/drifted", float(len(result.drifted))
    yield "monitor/psi_largest", max(shift.psi for shift in result.features)
    for shift in (*result.features, *result.scores):
        yield f"psi/{INVALID_CHARACTER.sub('_', shift.name)[:NAME_LENGTH]}", shift.psi
    for number, share in enumerate(result.classes):
        yield f"predicted/{number}", share.now
    if result.quality is not None:
        yield "quality/calibration_error", result.quality.calibration_error
        for change in result.quality.changes:
            yield f"quality/{change.metric}", change.now.estimate
            yield f"quality/{change.metric}_difference", change.difference.estimate
