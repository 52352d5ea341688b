//! Batches of what calls leave behind, into PostgreSQL.

use futures_util::future::{try_join_all, try_join5};
use tokio_postgres::{Client, Error, Statement, Transaction};

use crate::Entry;
use crate::postgres::audit;

/// Writes all of them in one transaction. Those that are there already stay as they are, but for a call or a recording
/// that was begun and is now done.
pub(crate) async fn write_entries(db: &mut Client, entries: &[Entry]) -> Result<(), Error> {
    let tx = db.transaction().await?;
    let (call, turn, journal, recording, audit) = try_join5(
        tx.prepare(CALL),
        tx.prepare(TURN),
        tx.prepare(JOURNAL),
        tx.prepare(RECORDING),
        tx.prepare(audit::INSERT),
    )
    .await?;
    let statements = Statements { call, turn, journal, recording, audit };
    // All are on their way before the first is answered: a batch takes one way there and back.
    try_join_all(entries.iter().map(|entry| insert(&tx, &statements, entry))).await?;
    tx.commit().await
}

struct Statements {
    call: Statement,
    turn: Statement,
    journal: Statement,
    recording: Statement,
    audit: Statement,
}

async fn insert(tx: &Transaction<'_>, to: &Statements, entry: &Entry) -> Result<u64, Error> {
    match entry {
        Entry::Call(c) => {
            let (flow, version) = c.flow.as_ref().map(|f| (&f.name, f.version)).unzip();
            tx.execute(
                &to.call,
                &[
                    &c.id,
                    &c.started,
                    &c.ended,
                    &c.caller,
                    &c.called,
                    &c.destination,
                    &c.outcome,
                    &c.intent,
                    &flow,
                    &version,
                    &c.node,
                    &c.record,
                ],
            )
            .await
        }
        Entry::Turn(t) => {
            tx.execute(
                &to.turn,
                &[
                    &t.call, &t.number, &t.speaker, &t.from_ms, &t.to_ms, &t.words, &t.intent,
                    &t.node,
                ],
            )
            .await
        }
        Entry::Journal(j) => {
            tx.execute(&to.journal, &[&j.call, &j.format, &j.encoding, &j.bytes]).await
        }
        Entry::Recording(r) => {
            tx.execute(&to.recording, &[&r.call, &r.path, &r.track, &r.length_ms, &r.state]).await
        }
        Entry::Audit(a) => {
            tx.execute(
                &to.audit,
                &[&a.key, &a.at, &a.who, &a.what, &a.subject, &a.before, &a.after],
            )
            .await
        }
    }
}

const CALL: &str = "
    INSERT INTO calls (id, started, ended, caller, called, destination, outcome, intent, flow, version, node, record)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT (id) DO UPDATE SET
        (started, ended, caller, called, destination, outcome, intent, flow, version, node, record) =
        (excluded.started, excluded.ended, excluded.caller, excluded.called, excluded.destination, excluded.outcome,
         excluded.intent, excluded.flow, excluded.version, excluded.node, excluded.record)
    WHERE calls.ended IS NULL";

const TURN: &str = "
    INSERT INTO turns (call, number, speaker, from_ms, to_ms, words, intent, node)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (call, number) DO NOTHING";

const JOURNAL: &str = "
    INSERT INTO journals (call, format, encoding, bytes)
    VALUES ($1, $2, $3, $4) ON CONFLICT (call) DO NOTHING";

const RECORDING: &str = "
    INSERT INTO recordings (call, path, track, length_ms, state) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (call, path) DO UPDATE SET
        (track, length_ms, state) = (excluded.track, excluded.length_ms, excluded.state)
    WHERE recordings.state = 'running'";
