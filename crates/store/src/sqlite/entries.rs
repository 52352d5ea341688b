//! Batches of what calls leave behind, into SQLite.

use rusqlite::{Connection, Statement, TransactionBehavior};

use crate::Entry;
use crate::sqlite::add_audit;

/// Writes all of them in one transaction. Those that are there already stay as they are, but for a call or a recording
/// that was begun and is now done.
pub(crate) fn write_entries(db: &mut Connection, entries: &[Entry]) -> rusqlite::Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    {
        let mut call = Lazy::new(CALL);
        let mut turn = Lazy::new(TURN);
        let mut journal = Lazy::new(JOURNAL);
        let mut recording = Lazy::new(RECORDING);
        for entry in entries {
            match entry {
                Entry::Call(c) => {
                    let (flow, version) = c.flow.as_ref().map(|f| (&f.name, f.version)).unzip();
                    call.prepared(&tx)?.execute((
                        &c.id,
                        c.started,
                        c.ended,
                        &c.caller,
                        &c.called,
                        &c.destination,
                        &c.outcome,
                        &c.intent,
                        flow,
                        version,
                        &c.node,
                        &c.record,
                    ))?;
                }
                Entry::Turn(t) => {
                    let statement = turn.prepared(&tx)?;
                    statement.execute((
                        &t.call, t.number, t.speaker, t.from_ms, t.to_ms, &t.words, &t.intent,
                        &t.node,
                    ))?;
                }
                Entry::Journal(j) => {
                    journal.prepared(&tx)?.execute((&j.call, j.format, j.encoding, &j.bytes))?;
                }
                Entry::Recording(r) => {
                    let statement = recording.prepared(&tx)?;
                    statement.execute((&r.call, &r.path, r.track, r.length_ms, r.state))?;
                }
                Entry::Audit(audit) => {
                    add_audit(&tx, audit)?;
                }
            }
        }
    }
    tx.commit()
}

const CALL: &str = "
    INSERT INTO calls (id, started, ended, caller, called, destination, outcome, intent, flow, version, node, record)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
    ON CONFLICT (id) DO UPDATE SET
        started = excluded.started, ended = excluded.ended, caller = excluded.caller, called = excluded.called,
        destination = excluded.destination, outcome = excluded.outcome, intent = excluded.intent,
        flow = excluded.flow, version = excluded.version, node = excluded.node, record = excluded.record
    WHERE calls.ended IS NULL";

const TURN: &str = "
    INSERT INTO turns (call, number, speaker, from_ms, to_ms, words, intent, node)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (call, number) DO NOTHING";

const JOURNAL: &str = "
    INSERT INTO journals (call, format, encoding, bytes)
    VALUES (?1, ?2, ?3, ?4) ON CONFLICT (call) DO NOTHING";

const RECORDING: &str = "
    INSERT INTO recordings (call, path, track, length_ms, state) VALUES (?1, ?2, ?3, ?4, ?5)
    ON CONFLICT (call, path) DO UPDATE SET
        track = excluded.track, length_ms = excluded.length_ms, state = excluded.state
    WHERE recordings.state = 'running'";

/// A statement that is prepared when a batch has the first of its kind.
struct Lazy<'a> {
    sql: &'static str,
    statement: Option<Statement<'a>>,
}

impl<'a> Lazy<'a> {
    fn new(sql: &'static str) -> Lazy<'a> {
        Lazy { sql, statement: None }
    }

    fn prepared(&mut self, db: &'a Connection) -> rusqlite::Result<&mut Statement<'a>> {
        match &mut self.statement {
            Some(statement) => Ok(statement),
            empty => Ok(empty.insert(db.prepare(self.sql)?)),
        }
    }
}
