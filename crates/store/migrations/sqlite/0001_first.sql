-- Times are milliseconds since 1970 (UTC), documents are JSON.

CREATE TABLE flows (
    name      TEXT PRIMARY KEY,
    published INTEGER,
    -- Counts the saved drafts, so that the number of an edit never comes twice.
    edits     INTEGER NOT NULL DEFAULT 0,
    FOREIGN KEY (name, published) REFERENCES flow_versions (flow, version)
) STRICT;

CREATE TABLE flow_versions (
    flow    TEXT    NOT NULL REFERENCES flows (name),
    version INTEGER NOT NULL CHECK (version > 0),
    text    TEXT    NOT NULL,
    author  TEXT    NOT NULL,
    at      INTEGER NOT NULL,
    reason  TEXT    NOT NULL,
    PRIMARY KEY (flow, version)
) STRICT;

CREATE TABLE flow_publications (
    id       INTEGER PRIMARY KEY,
    flow     TEXT    NOT NULL,
    version  INTEGER NOT NULL,
    previous INTEGER,
    author   TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    reason   TEXT    NOT NULL,
    FOREIGN KEY (flow, version) REFERENCES flow_versions (flow, version)
) STRICT;
CREATE INDEX flow_publications_flow ON flow_publications (flow, id);

CREATE TABLE flow_drafts (
    flow   TEXT    PRIMARY KEY REFERENCES flows (name),
    edit   INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    author TEXT    NOT NULL,
    at     INTEGER NOT NULL
) STRICT;

CREATE TABLE numbers (
    pattern  TEXT PRIMARY KEY,
    flow     TEXT NOT NULL REFERENCES flows (name),
    language TEXT,
    greeting TEXT,
    hours    TEXT,
    fallback TEXT
) STRICT;

-- What running programs watch: it changes with every published flow and every number, by whatever hand.
CREATE TABLE revision (
    id    INTEGER PRIMARY KEY CHECK (id = 1),
    value INTEGER NOT NULL
) STRICT;
INSERT INTO revision VALUES (1, 1);

CREATE TRIGGER flows_published AFTER UPDATE OF published ON flows
BEGIN UPDATE revision SET value = value + 1; END;
CREATE TRIGGER numbers_added AFTER INSERT ON numbers
BEGIN UPDATE revision SET value = value + 1; END;
CREATE TRIGGER numbers_changed AFTER UPDATE ON numbers
BEGIN UPDATE revision SET value = value + 1; END;
CREATE TRIGGER numbers_removed AFTER DELETE ON numbers
BEGIN UPDATE revision SET value = value + 1; END;

CREATE TABLE calls (
    id          TEXT    PRIMARY KEY,
    started     INTEGER NOT NULL,
    ended       INTEGER,
    caller      TEXT,
    called      TEXT,
    destination TEXT,
    outcome     TEXT,
    intent      TEXT,
    flow        TEXT,
    version     INTEGER,
    node        TEXT,
    record      TEXT    NOT NULL
) STRICT;
CREATE INDEX calls_started     ON calls (started, id);
CREATE INDEX calls_caller      ON calls (caller, started);
CREATE INDEX calls_called      ON calls (called, started);
CREATE INDEX calls_destination ON calls (destination, started);
CREATE INDEX calls_outcome     ON calls (outcome, started);
CREATE INDEX calls_intent      ON calls (intent, started);
CREATE INDEX calls_flow        ON calls (flow, started);

-- A call's turns, journal and recordings may come in before the call itself: no foreign keys.
CREATE TABLE turns (
    call    TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    speaker TEXT    NOT NULL,
    from_ms INTEGER NOT NULL,
    to_ms   INTEGER,
    words   TEXT    NOT NULL,
    intent  TEXT,
    node    TEXT,
    PRIMARY KEY (call, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE journals (
    call     TEXT    PRIMARY KEY,
    format   INTEGER NOT NULL,
    encoding TEXT    NOT NULL,
    bytes    BLOB    NOT NULL
) STRICT;

CREATE TABLE recordings (
    call      TEXT    NOT NULL,
    path      TEXT    NOT NULL,
    track     TEXT    NOT NULL,
    length_ms INTEGER NOT NULL,
    state     TEXT    NOT NULL,
    PRIMARY KEY (call, path)
) STRICT;

CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT    NOT NULL UNIQUE,
    at      INTEGER NOT NULL,
    who     TEXT    NOT NULL,
    what    TEXT    NOT NULL,
    subject TEXT,
    before  TEXT,
    after   TEXT
) STRICT;
CREATE INDEX audit_subject ON audit (subject, id);

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'audit rows are append-only'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'audit rows are append-only'); END;
CREATE TRIGGER flow_versions_stay BEFORE UPDATE ON flow_versions
BEGIN SELECT raise(ABORT, 'versions of a flow are immutable'); END;
CREATE TRIGGER flow_versions_remain BEFORE DELETE ON flow_versions
BEGIN SELECT raise(ABORT, 'versions of a flow are immutable'); END;
CREATE TRIGGER flow_publications_stay BEFORE UPDATE ON flow_publications
BEGIN SELECT raise(ABORT, 'the history of publications is append-only'); END;
CREATE TRIGGER flow_publications_remain BEFORE DELETE ON flow_publications
BEGIN SELECT raise(ABORT, 'the history of publications is append-only'); END;
