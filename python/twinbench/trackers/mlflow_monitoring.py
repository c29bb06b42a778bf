"""What monitoring found, in MLflow: a run per call in the pipeline's experiment, so that MLflow charts it over time."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator

from twinbench.results.models.monitoring import Monitored
from twinbench.trackers.mlflow import BATCH_METRICS, TAG_LENGTH, Sent, connected, experiment_of, parts, shown
from twinbench.views import monitor

MONITOR_TAG = "twinbench.monitor"
"""Of such a run: the run whose model it looked at. A run that is sent again doesn't take it for one of its own."""


UNKNOWN = re.compile(r"[^\w :-]")
"""What is no character of a metric's name, or has a meaning there."""

NAME_LENGTH = 200


def send(found: Monitored, data: str, tracking_uri: str | None) -> Sent:
    """Log it. Raises TrackingError within seconds when the server is down."""
    now = int(time.time() * 1000)
    with connected(tracking_uri) as (client, uri):
        from mlflow.entities import Metric, Param, RunTag

        experiment = experiment_of(client, uri, found.pipeline)
        made = client.create_run(experiment, start_time=now, run_name=f"monitor {found.stack} {found.size}")
        run = str(made.info.run_id)
        tags = {MONITOR_TAG: found.run, "verdict": found.verdict, "answer": monitor.headline(found), "data": data}
        params = {"stack": found.stack, "size": found.size, "pipeline": found.pipeline, "run": found.run}
        client.log_batch(
            run,
            params=[Param(key, value) for key, value in params.items()],
            tags=[RunTag(key, value[:TAG_LENGTH]) for key, value in tags.items()],
        )
        for some in parts([Metric(key, value, now, 0) for key, value in metrics(found)], BATCH_METRICS):
            client.log_batch(run, metrics=some)
        client.log_text(run, json.dumps(found.as_json(), indent=1, allow_nan=False), "monitor.json")
        client.set_terminated(run)
    return Sent(shown(uri), {f"twinbench/{found.pipeline}": experiment}, 1, {}, uri)


def metrics(found: Monitored) -> Iterator[tuple[str, float]]:
    """Counts, indices and quality by name, in the characters that MLflow takes."""
    yield "monitor/rows", float(found.rows)
    yield "monitor/drifted", float(len(found.drifted))
    yield "monitor/psi_largest", max(shift.psi for shift in found.features)
    for shift in (*found.features, *found.scores):
        yield f"psi/{UNKNOWN.sub('_', shift.name)[:NAME_LENGTH]}", shift.psi
    for number, one in enumerate(found.classes):
        yield f"predicted/{number}", one.now
    if found.quality is not None:
        yield "quality/calibration_error", found.quality.calibration_error
        for change in found.quality.changes:
            yield f"quality/{change.metric}", change.now.estimate
            yield f"quality/{change.metric}_difference", change.difference.estimate
