"""Options and arguments that several commands share, each with its one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

RunId = Annotated[
    str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
]
StoreFile = Annotated[
    Path | None,
    typer.Option("--store", metavar="FILE", help="The SQLite file of results; the default if left out."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

ModelStack = Annotated[str, typer.Option("--stack", help="The stack that trained the model, such as pandas+torch.")]
PipelineOfRun = Annotated[
    str | None, typer.Option("--pipeline", metavar="PIPELINE", help="Which pipeline, if the run has several.")
]
SizeOfRun = Annotated[str | None, typer.Option("--size", metavar="SIZE", help="Which size, if the run has several.")]
TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        help="The MLflow server; if left out MLFLOW_TRACKING_URI, or else mlflow.db in twinbench's data directory.",
    ),
]

TRACK_S, LONG_TRACK_S = 30.0, 600.0
"""Usual longest time in seconds for what is sent to a tracker: beside a command's own work, and as the command's work,
with trained models."""

TrackTimeout = Annotated[
    float,
    typer.Option(
        "--track-timeout",
        metavar="SECONDS",
        envvar="TWINBENCH_TRACK_TIMEOUT",
        help="Longest time for all that is sent, whatever the server does; what wasn't sent is named.",
    ),
]

Threads = Annotated[int, typer.Option(help="Threads for every library and for Julia.")]
Device = Annotated[
    str,
    typer.Option(metavar="cpu|cuda", help="Device of the frameworks that support it; others use the processor."),
]
Timeout = Annotated[float, typer.Option(metavar="SECONDS", help="Longest wait for one answer of a worker.")]
MorePipelines = Annotated[
    list[Path] | None,
    typer.Option("--pipelines", metavar="DIR", help="A directory with more pipelines. Repeatable."),
]
Trust = Annotated[bool, typer.Option("--trust", help="Run the code of your files that a pipeline names.")]
