"""``twinbench show``: print a run's results on the terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from twinbench.cli.console import console, print_json
from twinbench.cli.options import AsJson, RunId, StoreFile


def show(
    run: RunId = None,
    as_json: AsJson = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown, to paste into a document.")] = False,
    store: StoreFile = None,
) -> None:
    """Show the results of a run: the latest, or the run that is named.

    Example: twinbench show 3f2a
    """
    from twinbench.paths import default_store
    from twinbench.results.decisions.recommend import usual
    from twinbench.results.summary.run import plain, summarise
    from twinbench.store.store import Store
    from twinbench.views import terminal
    from twinbench.views.markdown import Document

    with Store.open_to_read(store or default_store()) as results:
        summary = summarise(results, results.find_run(run).id)
    if as_json:
        print_json(plain(summary))
    else:
        terminal.render(summary, Document() if markdown else console(), usual(summary))
