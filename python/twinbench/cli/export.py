"""``twinbench export``: write a run's figures to files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import RunId, StoreFile
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
    store: StoreFile = None,
) -> None:
    """Write a run's cells, samples, agreement and quality to Parquet or CSV.

    Example: twinbench export 3f2a --format csv -o results
    """
    from twinbench.paths import default_store
    from twinbench.results.summary.disturbances import disturbed
    from twinbench.results.summary.run import summarise
    from twinbench.store import export as tables
    from twinbench.store.store import Store

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        contradicted = disturbed(summarise(results, run_id).pipelines)
        for path in tables.export(results, run_id, output, format_, contradicted):
            typer.echo(path)
