"""``twinbench report``: write a run as one HTML file."""

from __future__ import annotations

import sys
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import RunId, StoreFile
from twinbench.errors import TwinbenchError


def report(
    run: RunId = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file to write; twinbench-RUN.html if left out."),
    ] = None,
    show: Annotated[bool, typer.Option("--open", help="Open the report in a browser.")] = False,
    store: StoreFile = None,
) -> None:
    """Write a run as one HTML file that works offline: tables, charts, failures, the machine, how to reproduce it.

    Example: twinbench report 3f2a -o report.html --open
    """
    from twinbench.paths import default_store
    from twinbench.store.store import Store
    from twinbench.views.report import page

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        html = page.of_run(results, run_id)
    path = output or Path(f"twinbench-{run_id}.html")
    try:
        path.write_text(html, encoding="utf-8")
    except OSError as error:
        raise TwinbenchError(f"{path}: can't be written: {error.strerror}") from error
    print(path)
    if show and not webbrowser.open(path.resolve().as_uri()):
        print(f"{path}: not opened, because no browser was found", file=sys.stderr)
