"""The versions of the store's schema, and the statements that bring a store from a version to the next."""

from __future__ import annotations

VERSION = 6

MIGRATIONS: dict[int, tuple[str, ...]] = {
    1: (
        "ALTER TABLE agreements ADD COLUMN psnr_db REAL",
        "ALTER TABLE agreements ADD COLUMN declared TEXT NOT NULL DEFAULT ''",
    ),
    2: (
        "CREATE TABLE files (cell_id INTEGER NOT NULL REFERENCES cells (id), name TEXT NOT NULL,"
        " content BLOB NOT NULL, PRIMARY KEY (cell_id, name))",
    ),
    3: (
        "ALTER TABLE cells RENAME TO cells_before",
        """
        CREATE TABLE cells (
            id INTEGER PRIMARY KEY,
            run_id TEXT NOT NULL,
            pipeline TEXT NOT NULL,
            stack TEXT NOT NULL,
            size TEXT NOT NULL,
            variant TEXT NOT NULL DEFAULT '',
            steps TEXT NOT NULL,
            fingerprint TEXT NOT NULL,
            status TEXT NOT NULL DEFAULT 'planned' CHECK (status IN
                ('planned', 'running', 'done', 'failed', 'timeout', 'oom', 'unavailable', 'disagrees')),
            kind TEXT NOT NULL DEFAULT '' CHECK (kind IN
                ('', 'wrong answer', 'time-out', 'memory', 'signal', 'exit', 'exception', 'protocol', 'threads',
                 'unsupported', 'unavailable')),
            reason TEXT NOT NULL DEFAULT '',
            stderr TEXT NOT NULL DEFAULT '',
            changed TEXT NOT NULL,
            UNIQUE (run_id, pipeline, stack, size, variant),
            FOREIGN KEY (run_id, pipeline, size) REFERENCES plans (run_id, pipeline, size)
        )
        """,
        "INSERT INTO cells SELECT id, run_id, pipeline, stack, size, '', steps, fingerprint, status, kind, reason,"
        " stderr, changed FROM cells_before",
        "DROP TABLE cells_before",
    ),
    4: ("ALTER TABLE samples ADD COLUMN collector_ns REAL",),
    5: ("ALTER TABLE files ADD COLUMN sha256 TEXT NOT NULL DEFAULT ''",),
}
"""Statements that bring a store from a version to the next, so that results of an older twinbench stay readable.

The statements run without foreign keys, and under ``legacy_alter_table``: other tables go on referring to ``cells`` by
name.
"""
