//! Audit rows in SQLite.

use rusqlite::{Connection, Row, params_from_iter};

use crate::filter::{Conditions, Mark, Value};
use crate::{Audit, AuditFilter, AuditRow};

pub(super) const COLUMNS: &str = "id, key, at, who, what, subject, before, after";

pub(crate) fn add_audit(db: &Connection, audit: &Audit) -> rusqlite::Result<usize> {
    db.execute(
        "INSERT INTO audit (key, at, who, what, subject, before, after)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (key) DO NOTHING",
        (
            &audit.key,
            audit.at,
            &audit.who,
            &audit.what,
            &audit.subject,
            &audit.before,
            &audit.after,
        ),
    )
}

pub(crate) fn audit(
    db: &Connection,
    filter: &AuditFilter,
    limit: i64,
) -> rusqlite::Result<Vec<AuditRow>> {
    let mut conditions = Conditions::of_audit(Mark('?'), filter);
    let limit = conditions.place(Value::Number(limit));
    let which = conditions.sql();
    let sql = format!("SELECT {COLUMNS} FROM audit {which} ORDER BY id DESC LIMIT {limit}");
    let mut statement = db.prepare(&sql)?;
    statement.query_map(params_from_iter(conditions.values()), audit_row)?.collect()
}

pub(super) fn audit_row(row: &Row<'_>) -> rusqlite::Result<AuditRow> {
    let audit = Audit {
        key: row.get(1)?,
        at: row.get(2)?,
        who: row.get(3)?,
        what: row.get(4)?,
        subject: row.get(5)?,
        before: row.get(6)?,
        after: row.get(7)?,
    };
    Ok(AuditRow { id: row.get(0)?, audit })
}
