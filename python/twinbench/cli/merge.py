"""``twinbench merge``: copy runs from other stores into one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from twinbench.cli.options import StoreFile


def merge(
    sources: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="Stores to copy from, such as those of other machines.")
    ],
    store: StoreFile = None,
) -> None:
    """Copy the runs of other stores into one. A run that the store has already stays as it is.

    Example: twinbench merge server.db laptop.db
    """
    from twinbench.paths import default_store
    from twinbench.store.merge import merge
    from twinbench.store.store import Store

    with Store.open(store or default_store()) as results:
        for source in sources:
            merged = merge(source, results)
            print(f"{source}: {len(merged.copied)} run(s) copied, {len(merged.present)} there already")
            for run in merged.copied:
                print(f"  {run}")
