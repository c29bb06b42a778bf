"""The store: a run writes its results to it as they arrive, and every view reads them.

Append-only in spirit, safe against ``kill -9`` (every write is one synced transaction) and against two runs at once.
The store knows nothing about how results are made, and computes nothing from them.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twinbench.errors import BadInput, StoreError, nearest
from twinbench.foreign import redacted
from twinbench.store import run_rows, validation
from twinbench.store.database import Database, Writing
from twinbench.store.encoding import as_json, as_real, as_text
from twinbench.store.records import (
    FAILURE,
    TRANSITIONS,
    Agreement,
    Baseline,
    Cell,
    Fact,
    Noise,
    PlannedPipeline,
    Quality,
    Run,
    Sample,
    Status,
)


class Store:
    """One file of results. Use a store as a context manager, in one thread; other processes may have the file open too.

    Every method raises StoreError if the file can't be read or written; a write that fails changes nothing.
    """

    def __init__(self, database: Database) -> None:
        self._db = database

    @classmethod
    def open(cls, path: Path, *, create: bool = True) -> Self:
        """Open the store at ``path``; with ``create``, make the file and its directory if they are missing."""
        return cls(Database.open(path, create=create))

    @classmethod
    def open_to_read(cls, path: Path) -> Self:
        """Open the store at ``path`` to read it. No file is made or changed, and the directory may be read-only."""
        return cls(Database.open_to_read(path))

    @property
    def path(self) -> Path:
        """The path of the file."""
        return self._db.path

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    # Runs

    def new_run(self, run_id: str, *, created: str, arguments: dict[str, Any], environment: dict[str, Any]) -> None:
        """Begin a run. ``created`` is ISO 8601 in UTC."""
        self._db.write(
            "INSERT INTO runs (id, created, arguments, environment) VALUES (?, ?, ?, ?)",
            *(run_id, created, as_json(arguments), as_json(environment)),
        )

    def finish_run(self, run_id: str, status: str) -> None:
        """Set a run's status: ``running``, ``done`` or ``interrupted``.

        Raises StoreError if the run is remembered, and the file has lost some of it.
        """
        self._db.require_remembered()
        self._db.write("UPDATE runs SET status = ? WHERE id = ?", status, run_id)

    def fail_run(self, run_id: str, reason: str) -> None:
        """Set a run, and its cells that haven't ended, to ``failed``, for an error that isn't a stack's."""
        run = next(run for run in self.runs() if run.id == run_id)
        changed = as_json(run.arguments | {FAILURE: reason})
        self._db.write("UPDATE runs SET status = 'interrupted', arguments = ? WHERE id = ?", changed, run_id)
        for cell in self.cells(run_id):
            if not cell.status.ended:
                self.set_status(cell.id, Status.FAILED, kind="exception", reason=reason)

    def resume_run(self, run_id: str, arguments: Callable[[Run], dict[str, Any]]) -> None:
        """Set a run to ``running``, with the arguments that ``arguments`` returns for the run as the store has it.

        An exception of ``arguments`` leaves the run unchanged. All happens in one transaction: of two processes that
        resume a run at once, the second process sees what the first wrote.
        """
        with self._db.transaction() as db:
            changed = as_json(arguments(self.find_run(run_id)))
            db.execute("UPDATE runs SET status = 'running', arguments = ? WHERE id = ?", (changed, run_id))

    def runs(self) -> list[Run]:
        """Return all runs, the newest first: in the reverse order of writing, whatever the clock was set to."""
        rows = self._db.select("runs", "id, created, arguments, environment, status", "ORDER BY rowid DESC")
        return [_run(*row) for row in rows]

    def find_run(self, prefix: str | None = None) -> Run:
        """Return the run whose id starts with ``prefix``, or the newest run.

        Raises BadInput if no run matches, or several.
        """
        runs = self.runs()
        if not runs:
            raise BadInput(f"{self.path}: no runs in it yet; make one with `twinbench run`")
        if prefix is None:
            return runs[0]
        matches = [run for run in runs if run.id == prefix] or [run for run in runs if run.id.startswith(prefix)]
        if not matches:
            raise BadInput(f"{self.path}: no run '{prefix}'{nearest(prefix, (run.id for run in runs))}")
        if len(matches) > 1:
            raise BadInput(f"run '{prefix}' is ambiguous: {', '.join(run.id for run in matches)}")
        return matches[0]

    def add_pipeline(self, run_id: str, planned: PlannedPipeline) -> None:
        """Keep a pipeline of a run, with its data. A pipeline of the same name and size that is there already stays."""
        self._db.write(
            "INSERT INTO plans VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            *(run_id, planned.name, planned.size, as_json(planned.spec), as_json(planned.dataset)),
        )

    def pipelines(self, run_id: str) -> list[PlannedPipeline]:
        """Return the pipelines of a run, in the order in which they were added."""
        columns = "pipeline, size, plan, dataset"
        rows = self._db.select("plans", columns, "WHERE run_id = ? ORDER BY rowid", run_id, about=f"run {run_id}")
        return [PlannedPipeline(*row) for row in rows]

    # Cells

    def add_cell(
        self,
        run_id: str,
        pipeline: str,
        stack: str,
        size: str,
        steps: dict[str, str],
        fingerprint: str,
        variant: str = "",
    ) -> int:
        """Add a planned cell and return its id. If the store has the cell already, only its id is returned."""
        key = (run_id, pipeline, stack, size, variant)
        query = "SELECT id FROM cells WHERE run_id = ? AND pipeline = ? AND stack = ? AND size = ? AND variant = ?"
        with self._db.transaction() as db:
            present = db.first(query, key)
            if present is not None:
                return int(present[0])
            (last,) = db.first("SELECT coalesce(max(id), 0) FROM cells") or (0,)
            db.execute(
                "INSERT INTO cells (id, run_id, pipeline, stack, size, variant, steps, fingerprint, changed)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (last + 1, *key, as_json(steps), fingerprint, _now()),
            )
            return int(last) + 1

    def set_status(self, cell_id: int, status: Status, *, kind: str = "", reason: str = "", stderr: str = "") -> None:
        """Set the status of a cell, with the reason. ``kind`` is one of `records.KINDS`. Secrets in texts are removed.

        Raises StoreError for a change that isn't in `records.TRANSITIONS`.
        """
        with self._db.transaction() as db:
            row = db.first("SELECT status, pipeline, size, stack FROM cells WHERE id = ?", (cell_id,))
            if row is None:
                raise StoreError(f"{self.path}: no cell {cell_id} in it")
            before, *names = row
            if status not in TRANSITIONS[Status(before)]:
                raise StoreError(f"{self.path}: cell {cell_id} ({' '.join(names)}) can't go from {before} to {status}")
            db.execute(
                "UPDATE cells SET status = ?, kind = ?, reason = ?, stderr = ?, changed = ? WHERE id = ?",
                (str(status), kind, as_text(redacted(reason)), as_text(redacted(stderr)), _now(), cell_id),
            )

    def cells(self, run_id: str) -> list[Cell]:
        """Return the cells of a run, in the order in which they were planned."""
        columns = "id, run_id, pipeline, stack, size, steps, fingerprint, status, kind, reason, stderr, changed"
        where = "WHERE run_id = ? ORDER BY id"
        rows = self._db.select("cells", f"{columns}, variant", where, run_id, about=f"run {run_id}")
        planned = {(pipeline.name, pipeline.size) for pipeline in self.pipelines(run_id)} if rows else set()
        cells = [replace(cell, status=Status(cell.status)) for cell in (Cell(*row) for row in rows)]
        for cell in cells:
            if (cell.pipeline, cell.size) not in planned:
                what = f"cells: id {cell.id}: the run has no pipeline {cell.pipeline} of size {cell.size}"
                raise StoreError(f"{self.path}: {what}; {validation.DAMAGED}")
        return cells

    # Measurements of a cell

    def add_samples(self, cell_id: int, samples: Iterable[Sample]) -> None:
        """Write samples in one synced transaction: all of them or none.

        All samples of one process, block, step, kind and detail belong in one call: writing a burst a second time is
        refused with StoreError.
        """
        ordinals: Counter[tuple[int, int, str, str, str]] = Counter()
        rows = []
        for s in samples:
            key = (s.process, s.block, s.step, s.kind, s.detail)
            rows.append((cell_id, *key, ordinals[key], s.wall_ns, s.evals, s.cpu_ns, s.gc_ns, s.collector_ns))
            ordinals[key] += 1
        with self._db.transaction() as db:
            db.executemany(f"INSERT INTO samples VALUES ({', '.join('?' * 12)})", rows)

    def samples(self, cell_id: int) -> list[Sample]:
        """Return the samples of a cell by process, block, step and kind, each burst in the order of measuring."""
        rows = self._of_cell(
            "samples",
            "process, block, step, kind, wall_ns, evals, cpu_ns, gc_ns, detail, collector_ns",
            cell_id,
            "process, block, step, kind, detail, seq",
        )
        return [Sample(*row) for row in rows]

    def add_agreement(self, cell_id: int, agreement: Agreement) -> None:
        """Keep the agreement of an output of a step. It replaces an earlier agreement of the same output."""
        self.add_agreements(cell_id, [agreement])

    def add_agreements(self, cell_id: int, agreements: Iterable[Agreement]) -> None:
        """Keep agreements in one synced transaction. They replace earlier agreements of the same outputs."""
        rows = [
            (cell_id, a.step, a.output, a.level, a.error, a.max_abs, int(a.ok), a.detail, a.psnr_db, a.declared)
            for a in agreements
        ]
        with self._db.transaction() as db:
            db.executemany(f"INSERT OR REPLACE INTO agreements VALUES ({', '.join('?' * 10)})", rows)

    def agreements(self, cell_id: int) -> list[Agreement]:
        """Return the agreement of every checked output of a cell, in the order of checking."""
        columns = "step, output, level, error, max_abs, ok, detail, psnr_db, declared"
        rows = self._of_cell("agreements", columns, cell_id, "rowid")
        return [
            Agreement(step, output, level, as_real(error), as_real(max_abs), bool(ok), *others)
            for step, output, level, error, max_abs, ok, *others in rows
        ]

    def add_quality(self, cell_id: int, metric: str, value: float, seed: int = 0) -> None:
        """Keep a metric of the predictions for one seed. It replaces an earlier value of the same metric and seed."""
        self._db.replace("qualities", cell_id, metric, value, seed)

    def qualities(self, cell_id: int) -> list[Quality]:
        """Return the metrics of a cell, ordered by metric and seed."""
        rows = self._of_cell("qualities", "metric, value, seed", cell_id, "metric, seed")
        return [Quality(metric, as_real(value), seed) for metric, value, seed in rows]

    def add_fact(self, cell_id: int, step: str, key: str, value: Any) -> None:
        """Keep a fact of a step, or of the whole cell (``step=""``), as JSON. It replaces an earlier value."""
        self._db.replace("facts", cell_id, step, key, as_json(value))

    def facts(self, cell_id: int) -> list[Fact]:
        """Return the facts of a cell, ordered by step and key."""
        return [Fact(*row) for row in self._of_cell("facts", "step, key, value", cell_id, "step, key")]

    def add_file(self, cell_id: int, name: str, content: bytes) -> None:
        """Keep a file of a cell, such as its scores or its model, in place of an earlier file of the same name."""
        self._db.replace("files", cell_id, name, content, hashlib.sha256(content).hexdigest())

    def files(self, cell_id: int) -> list[str]:
        """Return the names of a cell's files: relative paths without ``..``."""
        return [name for (name,) in self._of_cell("files", "name", cell_id, "name")]

    def file(self, cell_id: int, name: str) -> bytes | None:
        """Return the content of a cell's file; None if the cell has no file of that name.

        Raises StoreError if the content is not what was stored, by its SHA-256.
        """
        where, about = "WHERE cell_id = ? AND name = ?", f"cell {cell_id}"
        rows = self._db.select("files", "name, content, sha256", where, cell_id, name, about=about)
        if not rows:
            return None
        ((_, content, sha256),) = rows
        if sha256 and hashlib.sha256(content).hexdigest() != sha256:
            what = f"files: {about}, name {name!r}: the content has another SHA-256 than when it was stored"
            raise StoreError(f"{self.path}: {what}; {validation.DAMAGED}, or run the pipeline again")
        return bytes(content)

    def unchecked(self, cell_id: int) -> bool:
        """Whether a cell has files whose SHA-256 isn't known, as an earlier version of twinbench stored them."""
        return any(sha256 == "" for (sha256,) in self._of_cell("files", "sha256", cell_id, "name"))

    # Records of the run as a whole

    def add_baseline(self, run_id: str, pipeline: str, size: str, name: str, metric: str, value: float) -> None:
        """Keep the metric of a baseline. It replaces an earlier value."""
        self._db.replace("baselines", run_id, pipeline, size, name, metric, value)

    def baselines(self, run_id: str) -> list[Baseline]:
        """Return the baselines of a run, in the order in which they were added."""
        columns = "pipeline, size, name, metric, value"
        rows = self._db.select("baselines", columns, "WHERE run_id = ? ORDER BY rowid", run_id, about=f"run {run_id}")
        return [Baseline(pipeline, size, name, metric, as_real(value)) for pipeline, size, name, metric, value in rows]

    def add_noise(self, run_id: str, at: str, facts: dict[str, Any]) -> None:
        """Keep a disturbance of the machine at a time (ISO 8601, UTC)."""
        self._db.write("INSERT INTO noise (run_id, at, facts) VALUES (?, ?, ?)", run_id, at, as_json(facts))

    def noise(self, run_id: str) -> list[Noise]:
        """Return the disturbances of the machine during a run, in the order in which they were recorded."""
        where = "WHERE run_id = ? ORDER BY id"
        rows = self._db.select("noise", "id, at, facts", where, run_id, about=f"run {run_id}")
        return [Noise(at, facts) for _, at, facts in rows]

    # All rows of a run

    def rows_of_run(self, run_id: str) -> Iterator[tuple[str, list[validation.Row]]]:
        """Yield the rows of a run by table, as `run_rows.rows_of_run` does."""
        return run_rows.rows_of_run(self._db, run_id)

    def remember(self, run_id: str) -> None:
        """Hold a run in memory, too, until the store is closed: if the file is lost, the run gets another file."""
        self._db.remember(run_id, self.rows_of_run(run_id))

    def written_together(self) -> AbstractContextManager[Writing]:
        """Write rows of any table together, or none of them."""
        return self._db.transaction()

    def _of_cell(self, table: str, columns: str, cell_id: int, order: str) -> list[tuple[Any, ...]]:
        """Return the rows of a table that belong to a cell, in an order."""
        where = f"WHERE cell_id = ? ORDER BY {order}"
        return self._db.select(table, columns, where, cell_id, about=f"cell {cell_id}")


def _run(run_id: str, created: str, arguments: dict[str, Any], environment: dict[str, Any], status: str) -> Run:
    """Return a run; one with the reason of a failure has failed, for which the column has no word of its own."""
    return Run(run_id, created, arguments, environment, "failed" if FAILURE in arguments else status)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
