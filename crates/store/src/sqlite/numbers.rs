//! Inbound numbers in SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row, TransactionBehavior};

use crate::error::Change;
use crate::numbers::{removed, set};
use crate::sqlite::{add_audit, flow_exists};
use crate::{By, EditError, InboundNumber, Pattern};

const SELECT: &str = "SELECT pattern, flow, language, greeting, hours, fallback FROM numbers";

pub(crate) fn numbers(db: &Connection) -> rusqlite::Result<Vec<InboundNumber>> {
    let mut statement = db.prepare(&format!("{SELECT} ORDER BY pattern"))?;
    statement.query_map([], number)?.collect()
}

pub(crate) fn set_number(
    db: &mut Connection,
    number: &InboundNumber,
    by: &By,
) -> Result<(), Change<rusqlite::Error>> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if !flow_exists(&tx, &number.flow)? {
        return Err(Change::Declined(EditError::NoFlow(number.flow.clone())));
    }
    let before = one(&tx, &number.pattern)?;
    tx.execute(
        "INSERT INTO numbers (pattern, flow, language, greeting, hours, fallback)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT (pattern) DO UPDATE SET
             flow = excluded.flow, language = excluded.language, greeting = excluded.greeting,
             hours = excluded.hours, fallback = excluded.fallback",
        (
            &number.pattern,
            &number.flow,
            &number.language,
            &number.greeting,
            &number.hours,
            &number.fallback,
        ),
    )?;
    add_audit(&tx, &set(by, before.as_ref(), number))?;
    Ok(tx.commit()?)
}

pub(crate) fn remove_number(
    db: &mut Connection,
    pattern: &Pattern,
    by: &By,
) -> rusqlite::Result<bool> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(before) = one(&tx, pattern)? else { return Ok(false) };
    tx.execute("DELETE FROM numbers WHERE pattern = ?1", [pattern])?;
    add_audit(&tx, &removed(by, &before))?;
    tx.commit()?;
    Ok(true)
}

fn one(db: &Connection, pattern: &Pattern) -> rusqlite::Result<Option<InboundNumber>> {
    db.query_row(&format!("{SELECT} WHERE pattern = ?1"), [pattern], number).optional()
}

fn number(row: &Row<'_>) -> rusqlite::Result<InboundNumber> {
    Ok(InboundNumber {
        pattern: row.get(0)?,
        flow: row.get(1)?,
        language: row.get(2)?,
        greeting: row.get(3)?,
        hours: row.get(4)?,
        fallback: row.get(5)?,
    })
}
