"""``twinbench export``: write a run's figures to files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import PipelineOfRun, RunId, SizeOfRun, StoreFile
from twinbench.store.export import Format


def export(
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A directory for all tables, or a .parquet or .csv file for the samples.",
        ),
    ],
    run: RunId = None,
    format_: Annotated[Format | None, typer.Option("--format", help="The file format; parquet if left out.")] = None,
    model: Annotated[
        str | None,
        typer.Option(metavar="STACK", help="Write the files of this stack's trained model to a directory instead."),
    ] = None,
    pipeline: PipelineOfRun = None,
    size: SizeOfRun = None,
    store: StoreFile = None,
) -> None:
    """Write a run's cells, samples, agreement and quality to Parquet or CSV, or the files of a trained model.

    Example: twinbench export 3f2a --format csv -o results
    """
    from twinbench.handover.cells import model_of
    from twinbench.paths import default_store
    from twinbench.results.summary.disturbances import disturbed
    from twinbench.results.summary.run import summarise
    from twinbench.store import export as tables
    from twinbench.store.store import Store

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        if model is not None:
            typer.echo(model_of(results, run_id, model, pipeline, size).unpack(results, output))
            return
        contradicted = disturbed(summarise(results, run_id).pipelines)
        for path in tables.export(results, run_id, output, format_, contradicted):
            typer.echo(path)
