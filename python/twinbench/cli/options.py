"""Options that several commands have, word for word."""

from __future__ import annotations

from typing import Annotated

import typer

OfPipeline = Annotated[str | None, typer.Option("--pipeline", help="Where the run has several.")]
OfSize = Annotated[str | None, typer.Option("--size", help="Where the run has several.")]

TrackingUri = Annotated[
    str | None,
    typer.Option(
        "--tracking-uri",
        metavar="URI",
        help="Where to; if left out MLFLOW_TRACKING_URI, or else mlflow.db in twinbench's data directory.",
    ),
]
