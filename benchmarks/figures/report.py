"""How long the report of a run of 10,000 cells takes, from the store to a page."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.figures.figure import Figure

LIBRARIES = ("jinja2",)
CELLS = 10_000
LIMIT_S = 10.0


def measure() -> Iterator[Figure]:
    """Seconds and megabytes."""
    from benchmarks.figures import large_store
    from twinbench.store.store import Store
    from twinbench.views.report import page

    with TemporaryDirectory(prefix="twinbench-") as directory:
        run = large_store.make(Path(directory) / "large.db", CELLS)
        with Store.open(Path(directory) / "large.db") as store:
            start = time.perf_counter()
            html = page.of_run(store, run)
            seconds = time.perf_counter() - start
    yield Figure("rendering the report of 10,000 cells", seconds, "s", "<=", LIMIT_S)
    yield Figure("size of its page", len(html.encode()) / 1e6, "MB")
