//! Flows in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction, TransactionBehavior};

use crate::error::Change;
use crate::flows::{published, still};
use crate::live::Snapshot;
use crate::sqlite::{add_audit, numbers};
use crate::{By, Draft, EditError, Flow, FlowVersion, Publication, Source, Timestamp, VersionInfo};

type Changed<T> = Result<T, Change<rusqlite::Error>>;

pub(crate) fn revision(db: &Connection) -> rusqlite::Result<i64> {
    db.query_row("SELECT value FROM revision", [], |row| row.get(0))
}

/// All that new calls need, as of one moment.
pub(crate) fn snapshot(db: &mut Connection) -> rusqlite::Result<Snapshot> {
    let tx = db.transaction()?;
    let revision = revision(&tx)?;
    let mut statement = tx.prepare(
        "SELECT v.flow, v.version, v.text, v.author, v.at, v.reason
         FROM flows f JOIN flow_versions v ON v.flow = f.name AND v.version = f.published",
    )?;
    let flows = statement.query_map([], version)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(Snapshot::new(revision, flows, numbers(&tx)?))
}

pub(crate) fn flows(db: &Connection) -> rusqlite::Result<Vec<Flow>> {
    let mut statement = db.prepare(
        "SELECT name, published, (SELECT max(version) FROM flow_versions WHERE flow = name), edit
         FROM flows LEFT JOIN flow_drafts ON flow = name ORDER BY name",
    )?;
    let flow = |row: &Row<'_>| {
        Ok(Flow {
            name: row.get(0)?,
            published: row.get(1)?,
            newest: row.get(2)?,
            draft: row.get(3)?,
        })
    };
    statement.query_map([], flow)?.collect()
}

pub(crate) fn published_flow(db: &Connection, name: &str) -> rusqlite::Result<Option<FlowVersion>> {
    db.query_row(
        "SELECT v.flow, v.version, v.text, v.author, v.at, v.reason
         FROM flows f JOIN flow_versions v ON v.flow = f.name AND v.version = f.published
         WHERE f.name = ?1",
        [name],
        version,
    )
    .optional()
}

pub(crate) fn flow_version(
    db: &Connection,
    name: &str,
    number: i64,
) -> rusqlite::Result<Option<FlowVersion>> {
    db.query_row(
        "SELECT flow, version, text, author, at, reason
         FROM flow_versions WHERE flow = ?1 AND version = ?2",
        (name, number),
        version,
    )
    .optional()
}

pub(crate) fn versions(db: &Connection, name: &str) -> rusqlite::Result<Vec<VersionInfo>> {
    let mut statement = db.prepare(
        "SELECT version, author, at, reason FROM flow_versions WHERE flow = ?1 ORDER BY version DESC",
    )?;
    let info = |row: &Row<'_>| {
        Ok(VersionInfo {
            version: row.get(0)?,
            author: row.get(1)?,
            at: row.get(2)?,
            reason: row.get(3)?,
        })
    };
    statement.query_map([name], info)?.collect()
}

pub(crate) fn history(db: &Connection, name: &str) -> rusqlite::Result<Vec<Publication>> {
    let mut statement = db.prepare(
        "SELECT flow, version, previous, author, at, reason
         FROM flow_publications WHERE flow = ?1 ORDER BY id DESC",
    )?;
    let publication = |row: &Row<'_>| {
        Ok(Publication {
            flow: row.get(0)?,
            version: row.get(1)?,
            previous: row.get(2)?,
            author: row.get(3)?,
            at: row.get(4)?,
            reason: row.get(5)?,
        })
    };
    statement.query_map([name], publication)?.collect()
}

pub(crate) fn draft(db: &Connection, name: &str) -> rusqlite::Result<Option<Draft>> {
    let draft = |row: &Row<'_>| {
        Ok(Draft {
            flow: row.get(0)?,
            edit: row.get(1)?,
            text: row.get(2)?,
            author: row.get(3)?,
            at: row.get(4)?,
        })
    };
    let select = "SELECT flow, edit, text, author, at FROM flow_drafts WHERE flow = ?1";
    db.query_row(select, [name], draft).optional()
}

pub(crate) fn save_draft(
    db: &mut Connection,
    name: &str,
    text: &str,
    author: &str,
    seen: Option<i64>,
) -> Changed<Draft> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    still(name, draft(&tx, name)?.as_ref(), seen).map_err(Change::Declined)?;
    let edit = tx.query_row(
        "INSERT INTO flows (name, edits) VALUES (?1, 1)
         ON CONFLICT (name) DO UPDATE SET edits = edits + 1 RETURNING edits",
        [name],
        |row| row.get(0),
    )?;
    let (flow, text, author) = (name.to_owned(), text.to_owned(), author.to_owned());
    let draft = Draft { flow, edit, text, author, at: Timestamp::now() };
    tx.execute(
        "INSERT INTO flow_drafts (flow, edit, text, author, at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (flow) DO UPDATE SET
             edit = excluded.edit, text = excluded.text, author = excluded.author, at = excluded.at",
        (&draft.flow, draft.edit, &draft.text, &draft.author, draft.at),
    )?;
    tx.commit()?;
    Ok(draft)
}

pub(crate) fn discard_draft(db: &mut Connection, name: &str, edit: i64) -> Changed<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    take_draft(&tx, name, edit)?;
    Ok(tx.commit()?)
}

pub(crate) fn publish(
    db: &mut Connection,
    name: &str,
    source: &Source,
    by: &By,
) -> Changed<Publication> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let text = match source {
        Source::Text(text) => {
            tx.execute("INSERT INTO flows (name) VALUES (?1) ON CONFLICT DO NOTHING", [name])?;
            text.clone()
        }
        Source::Draft { edit } => take_draft(&tx, name, *edit)?.text,
    };
    let number: i64 = tx.query_row(
        "SELECT coalesce(max(version), 0) + 1 FROM flow_versions WHERE flow = ?1",
        [name],
        |row| row.get(0),
    )?;
    tx.execute(
        "INSERT INTO flow_versions (flow, version, text, author, at, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (name, number, text, &by.author, Timestamp::now(), &by.reason),
    )?;
    let publication = point_at(&tx, name, number, by)?;
    tx.commit()?;
    Ok(publication)
}

pub(crate) fn point(db: &mut Connection, name: &str, number: i64, by: &By) -> Changed<Publication> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !flow_exists(&tx, name)? {
        return Err(Change::Declined(EditError::NoFlow(name.to_owned())));
    }
    if flow_version(&tx, name, number)?.is_none() {
        let flow = name.to_owned();
        return Err(Change::Declined(EditError::NoVersion { flow, version: number }));
    }
    let publication = point_at(&tx, name, number, by)?;
    tx.commit()?;
    Ok(publication)
}

pub(crate) fn flow_exists(db: &Connection, name: &str) -> rusqlite::Result<bool> {
    let exists = "SELECT EXISTS (SELECT 1 FROM flows WHERE name = ?1)";
    db.query_row(exists, [name], |row| row.get(0))
}

fn take_draft(tx: &Transaction<'_>, name: &str, edit: i64) -> Changed<Draft> {
    let Some(draft) = draft(tx, name)? else {
        return Err(Change::Declined(EditError::NoDraft(name.to_owned())));
    };
    still(name, Some(&draft), Some(edit)).map_err(Change::Declined)?;
    tx.execute("DELETE FROM flow_drafts WHERE flow = ?1", [name])?;
    Ok(draft)
}

fn point_at(
    tx: &Transaction<'_>,
    name: &str,
    number: i64,
    by: &By,
) -> rusqlite::Result<Publication> {
    let previous =
        tx.query_row("SELECT published FROM flows WHERE name = ?1", [name], |row| row.get(0))?;
    let (publication, audit) = published(name, number, previous, by);
    tx.execute("UPDATE flows SET published = ?2 WHERE name = ?1", (name, number))?;
    tx.execute(
        "INSERT INTO flow_publications (flow, version, previous, author, at, reason)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (name, number, previous, &by.author, publication.at, &by.reason),
    )?;
    add_audit(tx, &audit)?;
    Ok(publication)
}

fn version(row: &Row<'_>) -> rusqlite::Result<FlowVersion> {
    Ok(FlowVersion {
        flow: row.get(0)?,
        version: row.get(1)?,
        text: row.get(2)?,
        author: row.get(3)?,
        at: row.get(4)?,
        reason: row.get(5)?,
    })
}
