//! Who did what, and when.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::{Json, Timestamp};

/// A row of the audit. It is never changed and never removed; the database refuses it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Tells this row from every other: a row goes in once, however often it is written.
    pub key: String,
    /// When it happened.
    pub at: Timestamp,
    /// Who did it: a user, or a part of the program.
    pub who: String,
    /// What was done, such as `flow.publish` or `zone.enter`.
    pub what: String,
    /// What it was done to: a call's id, a flow's name, a number's pattern.
    pub subject: Option<String>,
    /// What was there before.
    pub before: Option<Json>,
    /// What is there now.
    pub after: Option<Json>,
}

impl Audit {
    /// A row of this moment.
    #[must_use]
    pub fn new(who: impl Into<String>, what: impl Into<String>) -> Audit {
        Audit {
            key: unique(),
            at: Timestamp::now(),
            who: who.into(),
            what: what.into(),
            subject: None,
            before: None,
            after: None,
        }
    }

    /// The same row, about `subject`.
    #[must_use]
    pub fn about(self, subject: impl Into<String>) -> Audit {
        Audit { subject: Some(subject.into()), ..self }
    }

    /// The same row, with what was there before and what is there now.
    #[must_use]
    pub fn change(self, before: Option<Json>, after: Option<Json>) -> Audit {
        Audit { before, after, ..self }
    }
}

/// A row as it is read: with its place in the order in which rows came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditRow {
    /// Grows from row to row.
    pub id: i64,
    /// The row.
    pub audit: Audit,
}

/// Which audit rows: those that fit all that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// By whom.
    pub who: Option<String>,
    /// What was done.
    pub what: Option<String>,
    /// To what.
    pub subject: Option<String>,
    /// At this moment or later.
    pub from: Option<Timestamp>,
    /// Older than the row with this id: the last one of the page before.
    pub before_id: Option<i64>,
}

/// 128 random bits that tell runs of the program apart, and a counter.
fn unique() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static RUN: LazyLock<[u64; 2]> =
        LazyLock::new(|| [(); 2].map(|()| RandomState::new().hash_one(std::process::id())));
    let [high, low] = *RUN;
    format!("{high:016x}{low:016x}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}
