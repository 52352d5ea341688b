//! SQLite: one connection that writes, a few that read, on threads that may wait.
//!
//! The file is in WAL mode, so that readers and the writer do not wait for each other (it must therefore lie on a local
//! disk). `synchronous = FULL`: the spool forgets a record once its transaction is committed, so a commit must survive
//! a loss of power; records come in batches, which makes that one `fsync` for many.

mod audit;
mod calls;
mod entries;
mod flows;
mod numbers;
mod values;

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};
use tokio::sync::OnceCell;

use crate::error::Change;
use crate::migrations::{self, TooNew};
use crate::pool::Pool;
use crate::{EditError, StoreError, Timestamp};

pub(crate) use {audit::*, calls::*, entries::*, flows::*, numbers::*};

/// How long a statement waits for the lock of another program. Shorter than the limit of any operation of the store.
const BUSY: Duration = Duration::from_secs(5);
const READERS: usize = 4;

#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    writer: Arc<Pool<Connection>>,
    readers: Arc<Pool<Connection>>,
    ready: OnceCell<()>,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Write,
    Read,
}

impl Database {
    pub(crate) fn new(path: PathBuf) -> Database {
        Database {
            path,
            writer: Arc::new(Pool::new(1)),
            readers: Arc::new(Pool::new(READERS)),
            ready: OnceCell::new(),
        }
    }

    /// Brings the tables up to date, once.
    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        let migrate = async || {
            let answer = self.run(Role::Write, migrate).await?;
            match answer.map_err(|error| fault(&self.path, &error))? {
                Ok(()) => Ok(()),
                Err(TooNew { found, known }) => {
                    Err(StoreError::Newer { place: place(&self.path), found, known })
                }
            }
        };
        self.ready.get_or_try_init(migrate).await.copied()
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ready().await?;
        self.run(Role::Read, job).await?.map_err(|error| fault(&self.path, &error))
    }

    pub(crate) async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.ready().await?;
        self.run(Role::Write, job).await?.map_err(|error| fault(&self.path, &error))
    }

    pub(crate) async fn change<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, Change<rusqlite::Error>> + Send + 'static,
    ) -> Result<T, EditError> {
        self.ready().await?;
        self.run(Role::Write, job).await?.map_err(|change| match change {
            Change::Declined(declined) => declined,
            Change::Failed(error) => fault(&self.path, &error).into(),
        })
    }

    async fn run<T: Send + 'static>(
        &self,
        role: Role,
        job: impl FnOnce(&mut Connection) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let pool = match role {
            Role::Write => Arc::clone(&self.writer),
            Role::Read => Arc::clone(&self.readers),
        };
        let (permit, kept) = pool.take().await;
        let path = self.path.clone();
        // The permit goes along: a job goes on when nobody waits for it any more.
        let task = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let mut connection = match kept {
                Some(connection) => connection,
                None => open(&path, role)?,
            };
            let answer = job(&mut connection);
            pool.keep(connection);
            Ok(answer)
        });
        match task.await {
            Ok(answer) => answer,
            Err(failed) if failed.is_panic() => std::panic::resume_unwind(failed.into_panic()),
            Err(_) => Err(StoreError::Unreachable {
                place: place(&self.path),
                cause: "the program is ending".to_owned(),
            }),
        }
    }
}

fn open(path: &Path, role: Role) -> Result<Connection, StoreError> {
    // What callers say is for the owner alone; SQLite gives its other files the rights of this one.
    let mut file = OpenOptions::new();
    file.read(true).write(true).create(true).truncate(false).mode(0o600);
    file.open(path).map_err(|error| StoreError::Open {
        place: place(path),
        cause: error.to_string(),
        mend: "name a file in a folder that exists, and let this user write to both",
    })?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let prepare = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "journal_mode", "wal")?;
        connection.pragma_update(None, "synchronous", "full")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "query_only", role == Role::Read)?;
        Ok(connection)
    };
    prepare().map_err(|error| fault(path, &error))
}

fn migrate(db: &mut Connection) -> rusqlite::Result<Result<(), TooNew>> {
    let found = |db: &Connection| {
        let table = "SELECT 1 FROM sqlite_schema WHERE name = 'patchcord_migrations'";
        match db.query_row(table, [], |_| Ok(())).optional()? {
            None => Ok(0),
            Some(()) => {
                let newest = "SELECT coalesce(max(version), 0) FROM patchcord_migrations";
                db.query_row(newest, [], |row| row.get(0))
            }
        }
    };
    // Who finds nothing to do takes no lock.
    match migrations::missing(migrations::SQLITE, found(db)?) {
        Err(too_new) => return Ok(Err(too_new)),
        Ok([]) => return Ok(Ok(())),
        Ok(_) => {}
    }
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let steps = match migrations::missing(migrations::SQLITE, found(&tx)?) {
        Err(too_new) => return Ok(Err(too_new)),
        Ok(steps) => steps,
    };
    tx.execute_batch(
        "CREATE TABLE IF NOT EXISTS patchcord_migrations (
             version INTEGER PRIMARY KEY, name TEXT NOT NULL, at INTEGER NOT NULL) STRICT",
    )?;
    for step in steps {
        tx.execute_batch(step.sql)?;
        tx.execute(
            "INSERT INTO patchcord_migrations VALUES (?1, ?2, ?3)",
            (step.version, step.name, Timestamp::now()),
        )?;
    }
    tx.commit()?;
    Ok(Ok(()))
}

fn place(path: &Path) -> String {
    path.display().to_string()
}

/// SQLite's errors in the store's words.
fn fault(path: &Path, error: &rusqlite::Error) -> StoreError {
    let place = place(path);
    let cause = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { place },
        Some(ErrorCode::DiskFull) => StoreError::Full { place },
        Some(ErrorCode::ReadOnly) => StoreError::ReadOnly { place },
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => StoreError::Open {
            place,
            cause,
            mend: "let this user write to the file and its folder",
        },
        Some(ErrorCode::SystemIoFailure) => {
            StoreError::Open { place, cause, mend: "look at the disk: it fails to read or write" }
        }
        Some(ErrorCode::ConstraintViolation | ErrorCode::TooBig | ErrorCode::TypeMismatch) => {
            StoreError::Refused { place, cause }
        }
        _ => StoreError::Damaged { place, cause },
    }
}
