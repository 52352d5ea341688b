//! What can go wrong. Each text names the cause, the place and the mend; none holds a password.

use std::time::Duration;

/// Why the database did not do something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// There is no such database, or it will not have us.
    #[error("cannot open the database {place}: {cause}\nmend: {mend}")]
    Open {
        /// Which database.
        place: String,
        /// What is wrong.
        cause: String,
        /// What to do.
        mend: &'static str,
    },
    /// The server does not answer, or hung up.
    #[error(
        "cannot reach the database {place}: {cause}\nmend: start PostgreSQL there, or correct the address; what calls \
         leave behind waits in the spool meanwhile"
    )]
    Unreachable {
        /// Which database.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// Somebody else holds a lock.
    #[error(
        "the database {place} is locked by another program\nmend: end what keeps it locked (an open transaction of a \
         console, a backup)"
    )]
    Busy {
        /// Which database.
        place: String,
    },
    /// It took too long. Whether it was done is not known.
    #[error("the database {place} did not answer in {} s\nmend: look at its load and its disk", .after.as_secs())]
    Slow {
        /// Which database.
        place: String,
        /// How long it was given.
        after: Duration,
    },
    /// Its disk is full.
    #[error("the disk of the database {place} is full\nmend: make room there")]
    Full {
        /// Which database.
        place: String,
    },
    /// It may be read, not written.
    #[error(
        "the database {place} is read-only\nmend: make its file and folder writable for this user; with PostgreSQL, \
         connect to the primary server"
    )]
    ReadOnly {
        /// Which database.
        place: String,
    },
    /// A newer program has changed its tables.
    #[error(
        "the database {place} has tables of version {found}, and this program knows them up to version {known}\nmend: \
         run the newer program, or restore the backup from before the update"
    )]
    Newer {
        /// Which database.
        place: String,
        /// The version of its tables.
        found: i64,
        /// The latest version that this program knows.
        known: i64,
    },
    /// It will never take this, however often it is tried.
    #[error(
        "the database {place} refuses this: {cause}\nmend: correct what is written; trying again will not help"
    )]
    Refused {
        /// Which database.
        place: String,
        /// What is wrong.
        cause: String,
    },
    /// What it holds is not what this program wrote.
    #[error(
        "the database {place} is damaged or is not Patchcord's: {cause}\nmend: restore it from a backup"
    )]
    Damaged {
        /// Which database.
        place: String,
        /// What is wrong.
        cause: String,
    },
}

/// Why a flow or a number was not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// Nobody has made such a flow.
    #[error("there is no flow {0:?}\nmend: save a draft of it, or publish it, first")]
    NoFlow(String),
    /// The flow has no such version.
    #[error(
        "the flow {flow:?} has no version {version}\nmend: choose one from its list of versions"
    )]
    NoVersion {
        /// The flow's name.
        flow: String,
        /// What was asked for.
        version: i64,
    },
    /// The flow has no draft.
    #[error("the flow {0:?} has no draft\nmend: save one first")]
    NoDraft(String),
    /// The draft is not the one that was seen.
    #[error(
        "the draft of the flow {flow:?} has been changed meanwhile, by {author}\nmend: read it again (edit {edit}), and \
         bring both changes together"
    )]
    Changed {
        /// The flow's name.
        flow: String,
        /// The draft's edit now.
        edit: i64,
        /// Who saved it.
        author: String,
    },
    /// The database did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How a change ends inside one of the databases, whose own error is `E`.
#[derive(Debug)]
pub(crate) enum Change<E> {
    /// Not as the flow is now.
    Declined(EditError),
    /// The database failed.
    Failed(E),
}

impl<E> From<E> for Change<E> {
    fn from(error: E) -> Change<E> {
        Change::Failed(error)
    }
}
