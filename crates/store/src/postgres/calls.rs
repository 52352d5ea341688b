//! Reading calls from PostgreSQL.

use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, IsolationLevel, Row};

use crate::filter::{Conditions, Mark, Value};
use crate::postgres::audit;
use crate::{
    Call, Count, Cursor, Filter, FlowRef, Grouping, Journal, Recording, Summary, Timestamp, Turn,
    WholeCall,
};

const COLUMNS: &str =
    "id, started, ended, caller, called, destination, outcome, intent, flow, version, node";

pub(crate) async fn calls(
    db: &Client,
    filter: &Filter,
    after: Option<&Cursor>,
    limit: i64,
) -> Result<Vec<Summary>, Error> {
    let mut conditions = Conditions::of_calls(Mark('$'), filter, after);
    let limit = conditions.place(Value::Number(limit));
    let which = conditions.sql();
    let order = "ORDER BY started DESC, id DESC";
    let sql = format!("SELECT {COLUMNS} FROM calls {which} {order} LIMIT {limit}");
    db.query(&sql, &parameters(&conditions)).await?.iter().map(summary).collect()
}

pub(crate) async fn counts(
    db: &Client,
    by: Grouping,
    filter: &Filter,
) -> Result<Vec<Count<Option<String>>>, Error> {
    let conditions = Conditions::of_calls(Mark('$'), filter, None);
    let (column, which) = (by.name(), conditions.sql());
    let sql = format!(
        "SELECT {column}, count(*) FROM calls {which} GROUP BY {column}
         ORDER BY 2 DESC, {column} COLLATE \"C\" NULLS FIRST"
    );
    let rows = db.query(&sql, &parameters(&conditions)).await?;
    rows.iter().map(|row| Ok(Count { key: row.try_get(0)?, calls: row.try_get(1)? })).collect()
}

pub(crate) async fn counts_by_hour(
    db: &Client,
    filter: &Filter,
) -> Result<Vec<Count<Timestamp>>, Error> {
    let conditions = Conditions::of_calls(Mark('$'), filter, None);
    let which = conditions.sql();
    let sql = format!(
        "SELECT date_trunc('hour', started, 'UTC'), count(*) FROM calls {which} GROUP BY 1 ORDER BY 1"
    );
    let rows = db.query(&sql, &parameters(&conditions)).await?;
    rows.iter().map(|row| Ok(Count { key: row.try_get(0)?, calls: row.try_get(1)? })).collect()
}

pub(crate) async fn call(db: &mut Client, id: &str) -> Result<Option<WholeCall>, Error> {
    // One moment for all five statements.
    let tx = db.build_transaction().read_only(true);
    let tx = tx.isolation_level(IsolationLevel::RepeatableRead).start().await?;
    let select = format!("SELECT {COLUMNS}, record FROM calls WHERE id = $1");
    let Some(row) = tx.query_opt(&select, &[&id]).await? else {
        tx.rollback().await?;
        return Ok(None);
    };
    let call = Call::of(summary(&row)?, row.try_get(11)?);
    let select = "SELECT call, number, speaker, from_ms, to_ms, words, intent, node
                  FROM turns WHERE call = $1 ORDER BY number";
    let turns = tx.query(select, &[&id]).await?.iter().map(turn).collect::<Result<_, _>>()?;
    let select = "SELECT call, path, track, length_ms, state
                  FROM recordings WHERE call = $1 ORDER BY path COLLATE \"C\"";
    let recordings = tx.query(select, &[&id]).await?;
    let recordings = recordings.iter().map(recording).collect::<Result<_, _>>()?;
    let select = format!("SELECT {} FROM audit WHERE subject = $1 ORDER BY id", audit::COLUMNS);
    let audit = tx.query(&select, &[&id]).await?;
    let audit = audit.iter().map(audit::audit_row).collect::<Result<_, _>>()?;
    let format = tx.query_opt("SELECT format FROM journals WHERE call = $1", &[&id]).await?;
    let journal = format.map(|row| row.try_get(0)).transpose()?;
    tx.commit().await?;
    Ok(Some(WholeCall { call, turns, recordings, audit, journal }))
}

pub(crate) async fn journal(db: &Client, id: &str) -> Result<Option<Journal>, Error> {
    let select = "SELECT call, format, encoding, bytes FROM journals WHERE call = $1";
    let Some(row) = db.query_opt(select, &[&id]).await? else { return Ok(None) };
    Ok(Some(Journal {
        call: row.try_get(0)?,
        format: row.try_get(1)?,
        encoding: row.try_get(2)?,
        bytes: row.try_get(3)?,
    }))
}

pub(super) fn parameters<'a>(conditions: &'a Conditions<'_>) -> Vec<&'a (dyn ToSql + Sync)> {
    conditions.values().iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

fn summary(row: &Row) -> Result<Summary, Error> {
    Ok(Summary {
        id: row.try_get(0)?,
        started: row.try_get(1)?,
        ended: row.try_get(2)?,
        caller: row.try_get(3)?,
        called: row.try_get(4)?,
        destination: row.try_get(5)?,
        outcome: row.try_get(6)?,
        intent: row.try_get(7)?,
        flow: FlowRef::of(row.try_get(8)?, row.try_get(9)?),
        node: row.try_get(10)?,
    })
}

fn turn(row: &Row) -> Result<Turn, Error> {
    Ok(Turn {
        call: row.try_get(0)?,
        number: row.try_get(1)?,
        speaker: row.try_get(2)?,
        from_ms: row.try_get(3)?,
        to_ms: row.try_get(4)?,
        words: row.try_get(5)?,
        intent: row.try_get(6)?,
        node: row.try_get(7)?,
    })
}

fn recording(row: &Row) -> Result<Recording, Error> {
    Ok(Recording {
        call: row.try_get(0)?,
        path: row.try_get(1)?,
        track: row.try_get(2)?,
        length_ms: row.try_get(3)?,
        state: row.try_get(4)?,
    })
}
