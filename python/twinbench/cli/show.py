"""``twinbench show``: a run's results on the terminal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import console, print_json


def show(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, for a document.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Show a run: the latest one, or the one named.

    Example: twinbench show 3f2a
    """
    from twinbench.paths import default_store
    from twinbench.results.decisions.recommend import usual
    from twinbench.results.summary.run import plain, summarise
    from twinbench.store.store import Store
    from twinbench.views import terminal
    from twinbench.views.markdown import Document

    with Store.open(store or default_store(), create=False) as results:
        summary = summarise(results, results.find_run(run).id)
    if as_json:
        print_json(plain(summary))
    else:
        terminal.render(summary, Document() if markdown else console(), usual(summary))
