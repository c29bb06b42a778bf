"""``twinbench export``: a run's figures as files for other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.store.export import Format


def export(
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="PATH", help="A directory; or one file of samples (.parquet, .csv)."),
    ],
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    format_: Annotated[Format | None, typer.Option("--format", help="Parquet if left out.")] = None,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Write a run's cells, samples, agreement and quality to Parquet or CSV.

    Example: twinbench export 3f2a --format csv -o results
    """
    from twinbench.paths import default_store
    from twinbench.store import export as tables
    from twinbench.store.store import Store

    with Store.open(store or default_store(), create=False) as results:
        for path in tables.export(results, results.find_run(run).id, output, format_):
            typer.echo(path)
