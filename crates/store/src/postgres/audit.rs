//! Audit rows in PostgreSQL.

use tokio_postgres::{Client, Error, GenericClient, Row};

use crate::filter::{Conditions, Mark, Value};
use crate::postgres::calls::parameters;
use crate::{Audit, AuditFilter, AuditRow};

pub(super) const COLUMNS: &str = "id, key, at, who, what, subject, before, after";

pub(super) const INSERT: &str = "
    INSERT INTO audit (key, at, who, what, subject, before, after)
    VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (key) DO NOTHING";

pub(super) async fn add_audit(db: &impl GenericClient, audit: &Audit) -> Result<(), Error> {
    let Audit { key, at, who, what, subject, before, after } = audit;
    db.execute(INSERT, &[key, at, who, what, subject, before, after]).await.map(drop)
}

pub(crate) async fn audit(
    db: &Client,
    filter: &AuditFilter,
    limit: i64,
) -> Result<Vec<AuditRow>, Error> {
    let mut conditions = Conditions::of_audit(Mark('$'), filter);
    let limit = conditions.place(Value::Number(limit));
    let which = conditions.sql();
    let sql = format!("SELECT {COLUMNS} FROM audit {which} ORDER BY id DESC LIMIT {limit}");
    let rows = db.query(&sql, &parameters(&conditions)).await?;
    rows.iter().map(audit_row).collect()
}

pub(super) fn audit_row(row: &Row) -> Result<AuditRow, Error> {
    let audit = Audit {
        key: row.try_get(1)?,
        at: row.try_get(2)?,
        who: row.try_get(3)?,
        what: row.try_get(4)?,
        subject: row.try_get(5)?,
        before: row.try_get(6)?,
        after: row.try_get(7)?,
    };
    Ok(AuditRow { id: row.try_get(0)?, audit })
}
