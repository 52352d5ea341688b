CREATE TABLE flows (
    name      text PRIMARY KEY,
    published bigint,
    -- Counts the saved drafts, so that the number of an edit never comes twice.
    edits     bigint NOT NULL DEFAULT 0
);

CREATE TABLE flow_versions (
    flow    text        NOT NULL REFERENCES flows (name),
    version bigint      NOT NULL CHECK (version > 0),
    text    text        NOT NULL,
    author  text        NOT NULL,
    at      timestamptz NOT NULL,
    reason  text        NOT NULL,
    PRIMARY KEY (flow, version)
);
ALTER TABLE flows ADD FOREIGN KEY (name, published) REFERENCES flow_versions (flow, version);

CREATE TABLE flow_publications (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    flow     text        NOT NULL,
    version  bigint      NOT NULL,
    previous bigint,
    author   text        NOT NULL,
    at       timestamptz NOT NULL,
    reason   text        NOT NULL,
    FOREIGN KEY (flow, version) REFERENCES flow_versions (flow, version)
);
CREATE INDEX flow_publications_flow ON flow_publications (flow, id);

CREATE TABLE flow_drafts (
    flow   text        PRIMARY KEY REFERENCES flows (name),
    edit   bigint      NOT NULL,
    text   text        NOT NULL,
    author text        NOT NULL,
    at     timestamptz NOT NULL
);

CREATE TABLE numbers (
    pattern  text PRIMARY KEY,
    flow     text NOT NULL REFERENCES flows (name),
    language text,
    greeting text,
    hours    text,
    fallback text
);

-- What running programs watch: it changes with every published flow and every number, by whatever hand.
CREATE TABLE revision (
    id    integer PRIMARY KEY CHECK (id = 1),
    value bigint  NOT NULL
);
INSERT INTO revision VALUES (1, 1);

CREATE FUNCTION patchcord_revise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE revision SET value = value + 1;
    PERFORM pg_notify('patchcord_revision', '');
    RETURN NULL;
END $$;
CREATE TRIGGER flows_published AFTER UPDATE OF published ON flows
    FOR EACH STATEMENT EXECUTE FUNCTION patchcord_revise();
CREATE TRIGGER numbers_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON numbers
    FOR EACH STATEMENT EXECUTE FUNCTION patchcord_revise();

-- Documents are json, not jsonb: what was written is what is read, to the byte.
CREATE TABLE calls (
    -- "C" as SQLite compares: pages have the same order in both.
    id          text        COLLATE "C" PRIMARY KEY,
    started     timestamptz NOT NULL,
    ended       timestamptz,
    caller      text,
    called      text,
    destination text,
    outcome     text,
    intent      text,
    flow        text,
    version     bigint,
    node        text,
    record      json        NOT NULL
);
CREATE INDEX calls_started     ON calls (started, id);
CREATE INDEX calls_caller      ON calls (caller, started);
CREATE INDEX calls_called      ON calls (called, started);
CREATE INDEX calls_destination ON calls (destination, started);
CREATE INDEX calls_outcome     ON calls (outcome, started);
CREATE INDEX calls_intent      ON calls (intent, started);
CREATE INDEX calls_flow        ON calls (flow, started);

-- A call's turns, journal and recordings may come in before the call itself: no foreign keys.
CREATE TABLE turns (
    call    text   NOT NULL,
    number  bigint NOT NULL,
    speaker text   NOT NULL,
    from_ms bigint NOT NULL,
    to_ms   bigint,
    words   text   NOT NULL,
    intent  text,
    node    text,
    PRIMARY KEY (call, number)
);

CREATE TABLE journals (
    call     text   PRIMARY KEY,
    format   bigint NOT NULL,
    encoding text   NOT NULL,
    bytes    bytea  NOT NULL
);
-- Journals come in compressed where it pays.
ALTER TABLE journals ALTER COLUMN bytes SET STORAGE EXTERNAL;

CREATE TABLE recordings (
    call      text   NOT NULL,
    path      text   NOT NULL,
    track     text   NOT NULL,
    length_ms bigint NOT NULL,
    state     text   NOT NULL,
    PRIMARY KEY (call, path)
);

CREATE TABLE audit (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key     text        NOT NULL UNIQUE,
    at      timestamptz NOT NULL,
    who     text        NOT NULL,
    what    text        NOT NULL,
    subject text,
    before  json,
    after   json
);
CREATE INDEX audit_subject ON audit (subject, id);

CREATE FUNCTION patchcord_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME;
END $$;
CREATE TRIGGER audit_stays BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION patchcord_append_only();
CREATE TRIGGER flow_versions_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON flow_versions
    FOR EACH STATEMENT EXECUTE FUNCTION patchcord_append_only();
CREATE TRIGGER flow_publications_stay BEFORE UPDATE OR DELETE OR TRUNCATE ON flow_publications
    FOR EACH STATEMENT EXECUTE FUNCTION patchcord_append_only();
