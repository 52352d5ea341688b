//! Reading calls from SQLite.

use rusqlite::{Connection, OptionalExtension as _, Row, params_from_iter};

use crate::filter::{Conditions, Mark, Value};
use crate::sqlite::audit;
use crate::{
    Call, Count, Cursor, Filter, FlowRef, Grouping, Journal, Recording, Summary, Timestamp, Turn,
    WholeCall,
};

const COLUMNS: &str =
    "id, started, ended, caller, called, destination, outcome, intent, flow, version, node";

pub(crate) fn calls(
    db: &Connection,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
) -> rusqlite::Result<Vec<Summary>> {
    let mut conditions = Conditions::of_calls(Mark('?'), filter, after);
    let limit = conditions.place(Value::Number(limit));
    let which = conditions.sql();
    let order = "ORDER BY started DESC, id DESC";
    let mut statement =
        db.prepare(&format!("SELECT {COLUMNS} FROM calls {which} {order} LIMIT {limit}"))?;
    statement.query_map(params_from_iter(conditions.values()), summary)?.collect()
}

pub(crate) fn counts(
    db: &Connection,
    by: Grouping,
    filter: &Filter,
) -> rusqlite::Result<Vec<Count<Option<String>>>> {
    let conditions = Conditions::of_calls(Mark('?'), filter, None);
    let (column, which) = (by.name(), conditions.sql());
    let mut statement = db.prepare(&format!(
        "SELECT {column}, count(*) FROM calls {which} GROUP BY {column} ORDER BY 2 DESC, 1"
    ))?;
    let count = |row: &Row<'_>| Ok(Count { key: row.get(0)?, calls: row.get(1)? });
    statement.query_map(params_from_iter(conditions.values()), count)?.collect()
}

pub(crate) fn counts_by_hour(
    db: &Connection,
    filter: &Filter,
) -> rusqlite::Result<Vec<Count<Timestamp>>> {
    let conditions = Conditions::of_calls(Mark('?'), filter, None);
    let which = conditions.sql();
    let mut statement = db.prepare(&format!(
        "SELECT started - (started % 3600000 + 3600000) % 3600000, count(*)
         FROM calls {which} GROUP BY 1 ORDER BY 1"
    ))?;
    let count = |row: &Row<'_>| Ok(Count { key: row.get(0)?, calls: row.get(1)? });
    statement.query_map(params_from_iter(conditions.values()), count)?.collect()
}

pub(crate) fn call(db: &mut Connection, id: &str) -> rusqlite::Result<Option<WholeCall>> {
    let tx = db.transaction()?;
    let whole = |row: &Row<'_>| Ok((summary(row)?, row.get(11)?));
    let select = format!("SELECT {COLUMNS}, record FROM calls WHERE id = ?1");
    let Some((summary, record)) = tx.query_row(&select, [id], whole).optional()? else {
        return Ok(None);
    };
    let turns = tx
        .prepare(
            "SELECT call, number, speaker, from_ms, to_ms, words, intent, node
             FROM turns WHERE call = ?1 ORDER BY number",
        )?
        .query_map([id], turn)?
        .collect::<rusqlite::Result<_>>()?;
    let recordings = tx
        .prepare(
            "SELECT call, path, track, length_ms, state
             FROM recordings WHERE call = ?1 ORDER BY path",
        )?
        .query_map([id], recording)?
        .collect::<rusqlite::Result<_>>()?;
    let select = format!("SELECT {} FROM audit WHERE subject = ?1 ORDER BY id", audit::COLUMNS);
    let audit =
        tx.prepare(&select)?.query_map([id], audit::audit_row)?.collect::<Result<_, _>>()?;
    let format = "SELECT format FROM journals WHERE call = ?1";
    let journal = tx.query_row(format, [id], |row| row.get(0)).optional()?;
    Ok(Some(WholeCall { call: Call::of(summary, record), turns, recordings, audit, journal }))
}

pub(crate) fn journal(db: &Connection, id: &str) -> rusqlite::Result<Option<Journal>> {
    let select = "SELECT call, format, encoding, bytes FROM journals WHERE call = ?1";
    let journal = |row: &Row<'_>| {
        Ok(Journal {
            call: row.get(0)?,
            format: row.get(1)?,
            encoding: row.get(2)?,
            bytes: row.get(3)?,
        })
    };
    db.query_row(select, [id], journal).optional()
}

fn summary(row: &Row<'_>) -> rusqlite::Result<Summary> {
    Ok(Summary {
        id: row.get(0)?,
        started: row.get(1)?,
        ended: row.get(2)?,
        caller: row.get(3)?,
        called: row.get(4)?,
        destination: row.get(5)?,
        outcome: row.get(6)?,
        intent: row.get(7)?,
        flow: FlowRef::of(row.get(8)?, row.get(9)?),
        node: row.get(10)?,
    })
}

fn turn(row: &Row<'_>) -> rusqlite::Result<Turn> {
    Ok(Turn {
        call: row.get(0)?,
        number: row.get(1)?,
        speaker: row.get(2)?,
        from_ms: row.get(3)?,
        to_ms: row.get(4)?,
        words: row.get(5)?,
        intent: row.get(6)?,
        node: row.get(7)?,
    })
}

fn recording(row: &Row<'_>) -> rusqlite::Result<Recording> {
    Ok(Recording {
        call: row.get(0)?,
        path: row.get(1)?,
        track: row.get(2)?,
        length_ms: row.get(3)?,
        state: row.get(4)?,
    })
}
