//! Flows in PostgreSQL. Whoever changes a flow locks its row of `flows` first, so that changes come one by one.

use tokio_postgres::{Client, Error, GenericClient, IsolationLevel, Row, Transaction};

use crate::error::Change;
use crate::flows::{published, still};
use crate::live::Snapshot;
use crate::postgres::audit::add_audit;
use crate::postgres::numbers;
use crate::{By, Draft, EditError, Flow, FlowVersion, Publication, Source, Timestamp, VersionInfo};

type Changed<T> = Result<T, Change<Error>>;

pub(crate) async fn revision(db: &impl GenericClient) -> Result<i64, Error> {
    db.query_one("SELECT value FROM revision", &[]).await?.try_get(0)
}

/// All that new calls need, as of one moment.
pub(crate) async fn snapshot(db: &mut Client) -> Result<Snapshot, Error> {
    let tx = db.build_transaction().read_only(true);
    let tx = tx.isolation_level(IsolationLevel::RepeatableRead).start().await?;
    let revision = revision(&tx).await?;
    let rows = tx
        .query(
            "SELECT v.flow, v.version, v.text, v.author, v.at, v.reason
             FROM flows f JOIN flow_versions v ON v.flow = f.name AND v.version = f.published",
            &[],
        )
        .await?;
    let flows = rows.iter().map(version).collect::<Result<_, _>>()?;
    let numbers = numbers(&tx).await?;
    tx.commit().await?;
    Ok(Snapshot::new(revision, flows, numbers))
}

pub(crate) async fn flows(db: &Client) -> Result<Vec<Flow>, Error> {
    let rows = db
        .query(
            "SELECT name, published, (SELECT max(version) FROM flow_versions WHERE flow = name), edit
             FROM flows LEFT JOIN flow_drafts ON flow = name ORDER BY name COLLATE \"C\"",
            &[],
        )
        .await?;
    let flow = |row: &Row| {
        Ok(Flow {
            name: row.try_get(0)?,
            published: row.try_get(1)?,
            newest: row.try_get(2)?,
            draft: row.try_get(3)?,
        })
    };
    rows.iter().map(flow).collect()
}

pub(crate) async fn published_flow(db: &Client, name: &str) -> Result<Option<FlowVersion>, Error> {
    let row = db
        .query_opt(
            "SELECT v.flow, v.version, v.text, v.author, v.at, v.reason
             FROM flows f JOIN flow_versions v ON v.flow = f.name AND v.version = f.published
             WHERE f.name = $1",
            &[&name],
        )
        .await?;
    row.as_ref().map(version).transpose()
}

pub(crate) async fn flow_version(
    db: &impl GenericClient,
    name: &str,
    number: i64,
) -> Result<Option<FlowVersion>, Error> {
    let select = "SELECT flow, version, text, author, at, reason
                  FROM flow_versions WHERE flow = $1 AND version = $2";
    db.query_opt(select, &[&name, &number]).await?.as_ref().map(version).transpose()
}

pub(crate) async fn versions(db: &Client, name: &str) -> Result<Vec<VersionInfo>, Error> {
    let select = "SELECT version, author, at, reason
                  FROM flow_versions WHERE flow = $1 ORDER BY version DESC";
    let info = |row: &Row| {
        Ok(VersionInfo {
            version: row.try_get(0)?,
            author: row.try_get(1)?,
            at: row.try_get(2)?,
            reason: row.try_get(3)?,
        })
    };
    db.query(select, &[&name]).await?.iter().map(info).collect()
}

pub(crate) async fn history(db: &Client, name: &str) -> Result<Vec<Publication>, Error> {
    let select = "SELECT flow, version, previous, author, at, reason
                  FROM flow_publications WHERE flow = $1 ORDER BY id DESC";
    let publication = |row: &Row| {
        Ok(Publication {
            flow: row.try_get(0)?,
            version: row.try_get(1)?,
            previous: row.try_get(2)?,
            author: row.try_get(3)?,
            at: row.try_get(4)?,
            reason: row.try_get(5)?,
        })
    };
    db.query(select, &[&name]).await?.iter().map(publication).collect()
}

pub(crate) async fn draft(db: &impl GenericClient, name: &str) -> Result<Option<Draft>, Error> {
    let select = "SELECT flow, edit, text, author, at FROM flow_drafts WHERE flow = $1";
    let draft = |row: Row| {
        Ok(Draft {
            flow: row.try_get(0)?,
            edit: row.try_get(1)?,
            text: row.try_get(2)?,
            author: row.try_get(3)?,
            at: row.try_get(4)?,
        })
    };
    db.query_opt(select, &[&name]).await?.map(draft).transpose()
}

pub(crate) async fn save_draft(
    db: &mut Client,
    name: &str,
    text: &str,
    author: &str,
    seen: Option<i64>,
) -> Changed<Draft> {
    let tx = db.transaction().await?;
    let add = "INSERT INTO flows (name, edits) VALUES ($1, 1)
               ON CONFLICT (name) DO UPDATE SET edits = flows.edits + 1 RETURNING edits";
    let edit = tx.query_one(add, &[&name]).await?.try_get(0)?;
    still(name, draft(&tx, name).await?.as_ref(), seen).map_err(Change::Declined)?;
    let (flow, text, author) = (name.to_owned(), text.to_owned(), author.to_owned());
    let draft = Draft { flow, edit, text, author, at: Timestamp::now() };
    tx.execute(
        "INSERT INTO flow_drafts (flow, edit, text, author, at) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (flow) DO UPDATE SET
             (edit, text, author, at) = (excluded.edit, excluded.text, excluded.author, excluded.at)",
        &[&draft.flow, &draft.edit, &draft.text, &draft.author, &draft.at],
    )
    .await?;
    tx.commit().await?;
    Ok(draft)
}

pub(crate) async fn discard_draft(db: &mut Client, name: &str, edit: i64) -> Changed<()> {
    let tx = db.transaction().await?;
    lock(&tx, name).await?;
    take_draft(&tx, name, edit).await?;
    Ok(tx.commit().await?)
}

pub(crate) async fn publish(
    db: &mut Client,
    name: &str,
    source: &Source,
    by: &By,
) -> Changed<Publication> {
    let tx = db.transaction().await?;
    if let Source::Text(_) = source {
        tx.execute("INSERT INTO flows (name) VALUES ($1) ON CONFLICT DO NOTHING", &[&name]).await?;
    }
    let previous = lock(&tx, name).await?.flatten();
    let text = match source {
        Source::Text(text) => text.clone(),
        Source::Draft { edit } => take_draft(&tx, name, *edit).await?.text,
    };
    let next = "SELECT coalesce(max(version), 0) + 1 FROM flow_versions WHERE flow = $1";
    let number: i64 = tx.query_one(next, &[&name]).await?.try_get(0)?;
    tx.execute(
        "INSERT INTO flow_versions (flow, version, text, author, at, reason)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[&name, &number, &text, &by.author, &Timestamp::now(), &by.reason],
    )
    .await?;
    let publication = point_at(&tx, name, number, previous, by).await?;
    tx.commit().await?;
    Ok(publication)
}

pub(crate) async fn point(
    db: &mut Client,
    name: &str,
    number: i64,
    by: &By,
) -> Changed<Publication> {
    let tx = db.transaction().await?;
    let Some(previous) = lock(&tx, name).await? else {
        return Err(Change::Declined(EditError::NoFlow(name.to_owned())));
    };
    if flow_version(&tx, name, number).await?.is_none() {
        let flow = name.to_owned();
        return Err(Change::Declined(EditError::NoVersion { flow, version: number }));
    }
    let publication = point_at(&tx, name, number, previous, by).await?;
    tx.commit().await?;
    Ok(publication)
}

/// What is published of the flow, if there is such a flow; it stays so until the transaction is over.
async fn lock(tx: &Transaction<'_>, name: &str) -> Result<Option<Option<i64>>, Error> {
    let select = "SELECT published FROM flows WHERE name = $1 FOR UPDATE";
    tx.query_opt(select, &[&name]).await?.map(|row| row.try_get(0)).transpose()
}

async fn take_draft(tx: &Transaction<'_>, name: &str, edit: i64) -> Changed<Draft> {
    let Some(draft) = draft(tx, name).await? else {
        return Err(Change::Declined(EditError::NoDraft(name.to_owned())));
    };
    still(name, Some(&draft), Some(edit)).map_err(Change::Declined)?;
    tx.execute("DELETE FROM flow_drafts WHERE flow = $1", &[&name]).await?;
    Ok(draft)
}

async fn point_at(
    tx: &Transaction<'_>,
    name: &str,
    number: i64,
    previous: Option<i64>,
    by: &By,
) -> Result<Publication, Error> {
    let (publication, audit) = published(name, number, previous, by);
    tx.execute("UPDATE flows SET published = $2 WHERE name = $1", &[&name, &number]).await?;
    tx.execute(
        "INSERT INTO flow_publications (flow, version, previous, author, at, reason)
         VALUES ($1, $2, $3, $4, $5, $6)",
        &[&name, &number, &previous, &by.author, &publication.at, &by.reason],
    )
    .await?;
    add_audit(tx, &audit).await?;
    Ok(publication)
}

fn version(row: &Row) -> Result<FlowVersion, Error> {
    Ok(FlowVersion {
        flow: row.try_get(0)?,
        version: row.try_get(1)?,
        text: row.try_get(2)?,
        author: row.try_get(3)?,
        at: row.try_get(4)?,
        reason: row.try_get(5)?,
    })
}
