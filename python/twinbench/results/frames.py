"""A stored run as data frames of pandas, for scripts and notebooks: what `twinbench.load` returns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twinbench import paths
from twinbench.numbers.stats import Interval, Ratio
from twinbench.results.decisions import compare
from twinbench.results.summary.disturbances import disturbed
from twinbench.results.summary.records import CellSummary, PipelineSummary, QualitySummary, RunSummary, StepSummary
from twinbench.results.summary.run import summarise
from twinbench.store import export
from twinbench.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

Row = dict[str, Any]

SHOWN = {
    "total_s": "total (s)",
    "ratio": "to fastest",
    "cold_start_s": "cold start (s)",
    "peak_rss_bytes": "memory (bytes)",
    "agreement_error": "agreement",
}
"""Titles by column of the cells that a notebook shows, after pipeline, size, stack, rank and status."""


class Run:
    """A stored run. Each attribute is a data frame, made when it is asked for; times are seconds.

    An interval is three columns: ``total_s``, ``total_s_low`` and ``total_s_high``. A figure that wasn't measured is
    missing, ``pandas.NA``.
    """

    def __init__(self, path: Path, run: str | None = None) -> None:
        """Read a run of the store at ``path`` by its id or the id's beginning; the newest run for None."""
        self._path = path
        with Store.open_to_read(path) as store:
            self.id: str = store.find_run(run).id
            self.summary: RunSummary = summarise(store, self.id)
            """All figures, as the other views have them."""

    @cached_property
    def cells(self) -> pd.DataFrame:
        """A row for each pipeline, size and stack: status, rank, times, memory, quality by metric, agreement."""
        return _frame(_cell(pipeline, cell) for pipeline in self.summary.pipelines for cell in pipeline.cells)

    @cached_property
    def steps(self) -> pd.DataFrame:
        """A row for each step of a cell: op, framework, times, boundary, share, agreement, memory."""
        return _frame(
            _of(pipeline, cell) | _figures(step)
            for pipeline in self.summary.pipelines
            for cell in pipeline.cells
            for step in cell.steps
        )

    @cached_property
    def samples(self) -> pd.DataFrame:
        """All samples, in the columns of ``twinbench export``: times are nanoseconds per evaluation."""
        return self._exported("samples")

    @cached_property
    def agreement(self) -> pd.DataFrame:
        """What each output's check against the reference gave, in the columns of ``twinbench export``."""
        return self._exported("agreement")

    @cached_property
    def facts(self) -> pd.DataFrame:
        """What workers and runner recorded beside the samples, in the columns of ``twinbench export``."""
        return self._exported("facts")

    @cached_property
    def environment(self) -> Mapping[str, Any]:
        """The machine, the versions and the settings of the run."""
        return self.summary.environment

    def compare(self, *stacks: str, steps: bool = False) -> pd.DataFrame:
        """Compare stacks with the first one named, as ``twinbench compare`` does; all of them if none is named.

        ``ratio`` above 1: the stack takes longer than ``base``. Raises BadInput for an unknown stack or fewer than two.
        """
        names = stacks or tuple(dict.fromkeys(cell.stack for p in self.summary.pipelines for cell in p.cells))
        with Store.open_to_read(self._path) as store:
            found = compare.stacks(store, self.id, names, steps=steps)
        return _frame(
            {
                **{"pipeline": change.pipeline, "size": change.size, "step": change.step},
                **{"base": change.a, "stack": change.b, "base_s": change.a_s, "stack_s": change.b_s},
                **_interval("ratio", change.ratio),
                **{"verdict": change.verdict, "detectable": change.ratio.resolvable},
            }
            for change in found.changes
        )

    def _exported(self, name: str) -> pd.DataFrame:
        with Store.open_to_read(self._path) as store:
            exported = export.table(name, store, store.cells(self.id), disturbed(self.summary.pipelines))
        frame: pd.DataFrame = exported.to_pandas()
        return frame

    def __repr__(self) -> str:
        return f"run {self.id} ({self.summary.status}) of {self._path}\n{self._overview().to_string(index=False)}"

    def _repr_html_(self) -> str:
        """Return the cells as an HTML table, with everything escaped."""
        from html import escape

        head = f"<p>run {escape(self.id)} ({escape(self.summary.status)}) of {escape(str(self._path))}</p>"
        warnings = "".join(f"<p>note: {escape(warning)}</p>" for warning in self.summary.warnings)
        cells: str = self._overview().to_html(index=False, escape=True, na_rep="", float_format="{:.4g}".format)
        return f"{head}{cells}{warnings}"

    def _overview(self) -> pd.DataFrame:
        shown = ["pipeline", "size", "stack", "rank", "status", *SHOWN]
        metrics = [name for name in self.cells if name.startswith("quality_") and not name.endswith(("_low", "_high"))]
        frame = self.cells.reindex(columns=[*shown, *metrics])
        return frame.rename(columns=SHOWN | {name: name.removeprefix("quality_") for name in metrics})


def load(run: str | None = None, store: str | Path | None = None) -> Run:
    """Load a run from a store. Raises BadInput where there is none.

    ``run`` is its id or the id's beginning; without it, the newest run is loaded. ``store`` is the store's file, by
    default that of ``twinbench run``.
    """
    return Run(paths.default_store() if store is None else Path(store), run)


def _frame(rows: Iterator[Row]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(list(rows)).convert_dtypes()


def _of(pipeline: PipelineSummary, cell: CellSummary) -> Row:
    return {"pipeline": pipeline.pipeline, "size": pipeline.size, "stack": cell.stack}


def _cell(pipeline: PipelineSummary, cell: CellSummary) -> Row:
    qualities = (_quality(name, quality) for name, quality in cell.quality.items())
    return _of(pipeline, cell) | _figures(cell) | {key: value for row in qualities for key, value in row.items()}


def _quality(name: str, quality: QualitySummary) -> Row:
    return {
        f"quality_{name}": quality.mean,
        f"quality_{name}_low": quality.low,
        f"quality_{name}_high": quality.high,
    }


def _figures(record: CellSummary | StepSummary) -> Row:
    """Return the fields of a record that are single values, and its intervals, which get a unit in their names."""
    row: Row = {}
    for field in fields(record):
        value = getattr(record, field.name)
        if field.name in ("steady", "total"):
            row |= _interval(f"{field.name}_s", value)
        elif field.name == "ratio":
            row |= _interval("ratio", value)
        elif value is None or isinstance(value, bool | int | float | str):
            row[field.name] = str(value) if field.name == "status" else value
    return row


def _interval(name: str, value: Interval | Ratio | None) -> Row:
    """Return an interval as three columns."""
    ends = (None, None, None) if value is None else (value.estimate, value.low, value.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), ends, strict=True))
