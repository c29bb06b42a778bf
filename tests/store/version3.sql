-- A store as version 3 of the schema kept it; made by that version, and never to be edited.
PRAGMA application_id = 1953982830;
PRAGMA user_version = 3;
BEGIN TRANSACTION;
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
INSERT INTO "agreements" VALUES(1,'a','value','exact',0.0,0.0,1,'',NULL,'');
INSERT INTO "agreements" VALUES(2,'a','value','exact',0.0,0.0,1,'',NULL,'');
CREATE TABLE baselines (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    pipeline TEXT NOT NULL,
    size     TEXT NOT NULL,
    name     TEXT NOT NULL,
    metric   TEXT NOT NULL,
    value    REAL,
    PRIMARY KEY (run_id, pipeline, size, name, metric)
);
INSERT INTO "baselines" VALUES('r1','p','small','most-frequent','accuracy',0.4);
CREATE TABLE cells (
    id          INTEGER PRIMARY KEY,
    run_id      TEXT NOT NULL,
    pipeline    TEXT NOT NULL,
    stack       TEXT NOT NULL,
    size        TEXT NOT NULL,
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
    UNIQUE (run_id, pipeline, stack, size),
    FOREIGN KEY (run_id, pipeline, size) REFERENCES plans (run_id, pipeline, size)
);
INSERT INTO "cells" VALUES(1,'r1','p','probe-a','small','{"a": "probe-a"}','f','done','','','','2026-11-26T22:20:15.728+00:00');
INSERT INTO "cells" VALUES(2,'r1','p','probe-b','small','{"a": "probe-b"}','f','done','','','','2026-11-26T22:20:15.772+00:00');
CREATE TABLE facts (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    step    TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,  -- JSON
    PRIMARY KEY (cell_id, step, key)
);
INSERT INTO "facts" VALUES(1,'a','warm_up','{"evals": 4, "discarded": 10, "settled": true}');
INSERT INTO "facts" VALUES(2,'a','warm_up','{"evals": 4, "discarded": 10, "settled": true}');
CREATE TABLE files (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    name    TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (cell_id, name)
);
INSERT INTO "files" VALUES(1,'scores.npy',X'0001');
INSERT INTO "files" VALUES(2,'scores.npy',X'0001');
CREATE TABLE noise (
    id     INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL REFERENCES runs (id),
    at     TEXT NOT NULL,
    facts  TEXT NOT NULL  -- JSON
);
INSERT INTO "noise" VALUES(1,'r1','2026-01-01T00:00:01+00:00','{"load": 0.1}');
CREATE TABLE plans (
    run_id   TEXT NOT NULL REFERENCES runs (id),
    pipeline TEXT NOT NULL,
    size     TEXT NOT NULL,
    plan     TEXT NOT NULL,  -- JSON
    dataset  TEXT NOT NULL,  -- JSON
    PRIMARY KEY (run_id, pipeline, size)
);
INSERT INTO "plans" VALUES('r1','p','small','{"modality": "probe", "steps": [{"id": "a", "op": "probe.noop", "params": {}}]}','{}');
CREATE TABLE qualities (
    cell_id INTEGER NOT NULL REFERENCES cells (id),
    metric  TEXT NOT NULL,
    value   REAL,
    seed    INTEGER NOT NULL,
    PRIMARY KEY (cell_id, metric, seed)
);
INSERT INTO "qualities" VALUES(1,'accuracy',0.5,0);
INSERT INTO "qualities" VALUES(2,'accuracy',0.5,0);
CREATE TABLE runs (
    id          TEXT PRIMARY KEY,
    created     TEXT NOT NULL,
    arguments   TEXT NOT NULL,  -- JSON
    environment TEXT NOT NULL,  -- JSON
    status      TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'done', 'interrupted'))
);
INSERT INTO "runs" VALUES('r1','2026-01-01T00:00:00+00:00','{"request": {"pipelines": ["p"]}, "options": {"threads": 1}}','{"threads": 1, "process_sd": 0.01}','done');
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
    PRIMARY KEY (cell_id, process, block, step, kind, detail, seq)
) WITHOUT ROWID;
INSERT INTO "samples" VALUES(1,0,0,'a','steady','',0,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,0,'a','steady','',1,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,1,'a','steady','',0,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,1,'a','steady','',1,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,2,'a','steady','',0,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,2,'a','steady','',1,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,3,'a','steady','',0,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,3,'a','steady','',1,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,4,'a','steady','',0,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(1,0,4,'a','steady','',1,1000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,0,'a','steady','',0,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,0,'a','steady','',1,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,1,'a','steady','',0,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,1,'a','steady','',1,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,2,'a','steady','',0,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,2,'a','steady','',1,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,3,'a','steady','',0,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,3,'a','steady','',1,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,4,'a','steady','',0,2000.0,4,900.0,0.0);
INSERT INTO "samples" VALUES(2,0,4,'a','steady','',1,2000.0,4,900.0,0.0);
COMMIT;
