//! Inbound numbers in PostgreSQL.

use tokio_postgres::{Client, Error, GenericClient, Row};

use crate::error::Change;
use crate::numbers::{removed, set};
use crate::postgres::audit::add_audit;
use crate::{By, EditError, InboundNumber, Pattern};

const SELECT: &str = "SELECT pattern, flow, language, greeting, hours, fallback FROM numbers";

pub(crate) async fn numbers(db: &impl GenericClient) -> Result<Vec<InboundNumber>, Error> {
    let rows = db.query(&format!("{SELECT} ORDER BY pattern COLLATE \"C\""), &[]).await?;
    rows.iter().map(number).collect()
}

pub(crate) async fn set_number(
    db: &mut Client,
    number: &InboundNumber,
    by: &By,
) -> Result<(), Change<Error>> {
    let tx = db.transaction().await?;
    let exists = "SELECT 1 FROM flows WHERE name = $1";
    if tx.query_opt(exists, &[&number.flow]).await?.is_none() {
        return Err(Change::Declined(EditError::NoFlow(number.flow.clone())));
    }
    let before = lock(&tx, &number.pattern).await?;
    let InboundNumber { pattern, flow, language, greeting, hours, fallback } = number;
    tx.execute(
        "INSERT INTO numbers (pattern, flow, language, greeting, hours, fallback)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (pattern) DO UPDATE SET
             (flow, language, greeting, hours, fallback) =
             (excluded.flow, excluded.language, excluded.greeting, excluded.hours, excluded.fallback)",
        &[pattern, flow, language, greeting, hours, fallback],
    )
    .await?;
    add_audit(&tx, &set(by, before.as_ref(), number)).await?;
    Ok(tx.commit().await?)
}

pub(crate) async fn remove_number(
    db: &mut Client,
    pattern: &Pattern,
    by: &By,
) -> Result<bool, Error> {
    let tx = db.transaction().await?;
    let Some(before) = lock(&tx, pattern).await? else {
        tx.rollback().await?;
        return Ok(false);
    };
    tx.execute("DELETE FROM numbers WHERE pattern = $1", &[pattern]).await?;
    add_audit(&tx, &removed(by, &before)).await?;
    tx.commit().await?;
    Ok(true)
}

/// The number, which stays as it is until the transaction is over.
async fn lock(tx: &impl GenericClient, pattern: &Pattern) -> Result<Option<InboundNumber>, Error> {
    let select = format!("{SELECT} WHERE pattern = $1 FOR UPDATE");
    tx.query_opt(&select, &[pattern]).await?.as_ref().map(number).transpose()
}

fn number(row: &Row) -> Result<InboundNumber, Error> {
    Ok(InboundNumber {
        pattern: row.try_get(0)?,
        flow: row.try_get(1)?,
        language: row.try_get(2)?,
        greeting: row.try_get(3)?,
        hours: row.try_get(4)?,
        fallback: row.try_get(5)?,
    })
}
