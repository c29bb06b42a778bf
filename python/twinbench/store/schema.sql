-- The store of results, version 6 (PRAGMA user_version). Times are nanoseconds per evaluation; timestamps ISO 8601, UTC.
-- SQLite keeps NaN as NULL: REAL columns that may hold NaN are nullable and read back as NaN.

CREATE TABLE runs (
    id          TEXT PRIMARY KEY,
    created     TEXT NOT NULL,
    arguments   TEXT NOT NULL,  -- JSON
    environment TEXT NOT NULL,  -- JSON
    status      TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'interrupted'))
);

CREATE TABLE plans (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    pipeline TEXT NOT NULL,
    size     TEXT NOT NULL,
    plan     TEXT NOT NULL,  -- JSON
    dataset  TEXT NOT NULL,  -- JSON
    PRIMARY KEY (run_id, pipeline, size)
);

CREATE TABLE cells (
    id          INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL,
    pipeline    TEXT NOT NULL,
    stack       TEXT NOT NULL,
    size        TEXT NOT NULL,
    variant     TEXT NOT NULL DEFAULT '',  -- what a sweep varies: threads, versions, environment
    steps       TEXT NOT NULL,  -- JSON: framework by step id
    fingerprint TEXT NOT NULL,
    status      TEXT NOT NULL DEFAULT 'planned' CHECK (status IN
                ('planned', 'running', 'done', 'failed', 'timeout', 'oom', 'unavailable', 'disagrees')),
    kind        TEXT NOT NULL DEFAULT '' CHECK (kind IN
                ('', 'wrong answer', 'time-out', 'memory', 'signal', 'exit', 'exception', 'protocol', 'threads',
                 'unsupported', 'unavailable')),
    reason      TEXT NOT NULL DEFAULT '',
    stderr      TEXT NOT NULL DEFAULT '',
    changed     TEXT NOT NULL,
    UNIQUE (run_id, pipeline, stack, size, variant),
    FOREIGN KEY (run_id, pipeline, size) REFERENCES plans (run_id, pipeline, size)
);

CREATE TABLE samples (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    process INTEGER NOT NULL,
    block   INTEGER NOT NULL,
    step    TEXT NOT NULL,
    kind    TEXT NOT NULL CHECK (kind IN ('import', 'first_call', 'steady', 'boundary')),
    detail  TEXT NOT NULL,
    seq     INTEGER NOT NULL,  -- ordinal among the samples of this key, in the order of measuring
    wall_ns REAL NOT NULL CHECK (wall_ns >= 0),
    evals   INTEGER NOT NULL CHECK (evals >= 1),
    cpu_ns  REAL,
    gc_ns   REAL,
    collector_ns REAL,
    PRIMARY KEY (cell_id, process, block, step, kind, detail, seq)
) WITHOUT ROWID;

CREATE TABLE agreements (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    step    TEXT NOT NULL,
    output  TEXT NOT NULL,
    level   TEXT NOT NULL,
    error   REAL,
    max_abs REAL,
    ok      INTEGER NOT NULL CHECK (ok IN (0, 1)),
    detail  TEXT NOT NULL,
    psnr_db REAL,
    declared TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (cell_id, step, output)
);

CREATE TABLE qualities (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    metric  TEXT NOT NULL,
    value   REAL,
    seed    INTEGER NOT NULL,
    PRIMARY KEY (cell_id, metric, seed)
);

CREATE TABLE facts (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    step    TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,  -- JSON
    PRIMARY KEY (cell_id, step, key)
);

CREATE TABLE files (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    name    TEXT NOT NULL,
    content BLOB NOT NULL,
    sha256  TEXT NOT NULL DEFAULT '',  -- of the content; empty in a store of an earlier version
    PRIMARY KEY (cell_id, name)
);

CREATE TABLE baselines (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    pipeline TEXT NOT NULL,
    size     TEXT NOT NULL,
    name     TEXT NOT NULL,
    metric   TEXT NOT NULL,
    value    REAL,
    PRIMARY KEY (run_id, pipeline, size, name, metric)
);

CREATE TABLE noise (
    id     INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at     TEXT NOT NULL,
    facts  TEXT NOT NULL  -- JSON
);
