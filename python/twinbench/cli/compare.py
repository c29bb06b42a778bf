"""``twinbench compare``: what became faster or slower, and whether that may fail a build."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twinbench.cli import values
from twinbench.cli.console import console, print_json
from twinbench.errors import OK, REGRESSED

if TYPE_CHECKING:
    from twinbench.results.decisions.compare_records import Comparison
    from twinbench.store.store import Store


def compare(
    run: Annotated[str, typer.Argument(metavar="RUN_A", help="The base: a run's id or its start; or a store file.")],
    other: Annotated[
        str | None, typer.Argument(metavar="RUN_B", help="What is judged: likewise. Of a file the newest run is meant.")
    ] = None,
    stack: Annotated[
        list[str] | None, typer.Option(help="Only this one; of a single run the base, then the others. Repeatable.")
    ] = None,
    control: Annotated[
        str | None,
        typer.Option(metavar="STACK", help="An unchanged stack of both runs: compare the others relative to it."),
    ] = None,
    steps: Annotated[bool, typer.Option("--steps", help="Compare every step, too.")] = False,
    margin: Annotated[str, typer.Option(metavar="PERCENT", help="Times closer than this are the same.")] = "2%",
    fail_on_regression: Annotated[
        str | None,
        typer.Option(metavar="PERCENT", help="End with exit code 4 if anything is slower by more, or broke."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    store: Annotated[Path | None, typer.Option(help="The store, if not the default one.")] = None,
) -> None:
    """Compare run B with run A, or the stacks of one run: ratios with intervals, and what may be said of them.

    Example: twinbench compare 3f2a 77b0 --fail-on-regression 5%
    """
    from twinbench.results.summary.run import plain
    from twinbench.views import compare as view

    limit = values.percent("--fail-on-regression", fail_on_regression) if fail_on_regression else None
    found = _found(run, other, stack or [], control or "", steps, values.percent("--margin", margin), store)
    if as_json:
        print_json(plain(found))
    else:
        view.render(found, console(), limit)
    regressed = limit is not None and (found.regressions(limit) or found.broken())
    raise typer.Exit(REGRESSED if regressed else OK)


def _found(
    run: str, other: str | None, stacks: list[str], control: str, steps: bool, margin: float, store: Path | None
) -> Comparison:
    from twinbench.results.decisions import compare as comparing

    with ExitStack() as opened:
        a = _opened(opened, run, store)
        if other is None:
            return comparing.stacks(*a, stacks, steps=steps, margin=margin)
        b = _opened(opened, other, store)
        return comparing.runs(a, b, stacks=stacks, control=control, steps=steps, margin=margin)


def _opened(opened: ExitStack, run: str, store: Path | None) -> tuple[Store, str]:
    """The store and the id of a run that is named by its id, or by a file that holds it."""
    from twinbench.paths import default_store
    from twinbench.store.store import Store

    is_file = Path(run).is_file()
    results = opened.enter_context(Store.open(Path(run) if is_file else store or default_store(), create=False))
    return results, results.find_run(None if is_file else run).id
