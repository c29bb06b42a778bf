"""``twinbench errors``: where the predictions of a run are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.console import console, print_json
from twinbench.errors import BadInput, nearest


def errors(
    run: Annotated[
        str | None, typer.Argument(metavar="RUN", help="A run's id, or the start of it; the latest run if left out.")
    ] = None,
    stack: Annotated[list[str] | None, typer.Option(help="Only this stack. Repeatable.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Show where predictions are wrong: by class, by slice, by confidence, and between the stacks.

    Example: twinbench errors 3f2a --stack pandas+torch
    """
    from twinbench.paths import default_store
    from twinbench.store.mistakes import of_run
    from twinbench.store.store import Store
    from twinbench.views import mistakes as view

    with Store.open(store or default_store(), create=False) as results:
        run_id = results.find_run(run).id
        found = list(of_run(results, run_id).values())
    if not found:
        raise BadInput(f"run {run_id} has no predictions: no stack got to the scoring of test rows")
    known = {one.stack.lower(): one.stack for one in found}
    asked = [name.lower() for name in stack or known]
    for name in asked:
        if name not in known:
            raise BadInput(f"--stack: no predictions of '{name}' in run {run_id}{nearest(name, known.values())}")
    shown = [one for one in found if one.stack.lower() in asked]
    if as_json:
        print_json([one.as_json() for one in shown])
    else:
        view.render(shown, console())
