"""``twinbench errors``: show which predictions of a run are wrong."""

from __future__ import annotations

from typing import Annotated

import typer

from twinbench.cli.console import console, print_json
from twinbench.cli.options import AsJson, RunId, StoreFile
from twinbench.errors import BadInput, nearest


def errors(
    run: RunId = None,
    stack: Annotated[list[str] | None, typer.Option(help="Only this stack. Repeatable.")] = None,
    as_json: AsJson = False,
    store: StoreFile = None,
) -> None:
    """Show where predictions are wrong: by class, by slice, by confidence, and between the stacks.

    Example: twinbench errors 3f2a --stack pandas+torch
    """
    from twinbench.paths import default_store
    from twinbench.store.mistakes import of_run
    from twinbench.store.store import Store
    from twinbench.views import mistakes as view

    with Store.open_to_read(store or default_store()) as results:
        run_id = results.find_run(run).id
        mistakes = list(of_run(results, run_id).values())
    if not mistakes:
        raise BadInput(f"run {run_id} has no predictions: no stack reached the step that scores test rows")
    stacks = {of_stack.stack.lower(): of_stack.stack for of_stack in mistakes}
    asked = [name.lower() for name in stack or stacks]
    for name in asked:
        if name not in stacks:
            raise BadInput(f"--stack: no predictions of '{name}' in run {run_id}{nearest(name, stacks.values())}")
    shown = [of_stack for of_stack in mistakes if of_stack.stack.lower() in asked]
    if as_json:
        print_json([of_stack.as_json() for of_stack in shown])
    else:
        view.render(shown, console())
