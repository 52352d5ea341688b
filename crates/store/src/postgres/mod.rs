//! PostgreSQL: a few sessions, opened when they are needed, and one more that listens.

mod audit;
mod calls;
mod entries;
mod flows;
mod numbers;
mod tls;
mod values;

use std::error::Error as _;
use std::future::poll_fn;
use std::time::Duration;

use tokio::sync::{Notify, OnceCell, OwnedSemaphorePermit};
use tokio_postgres::config::SslMode;
use tokio_postgres::error::SqlState;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, GenericClient, NoTls, Socket};

use crate::error::Change;
use crate::location::Server;
use crate::migrations::{self, TooNew};
use crate::pool::Pool;
use crate::{EditError, StoreError, Timestamp};

pub(crate) use {audit::*, calls::*, entries::*, flows::*, numbers::*};

const SESSIONS: usize = 6;
const CONNECT: Duration = Duration::from_secs(5);

/// How a session behaves: the server gives up before the store does, so that nothing goes on that nobody waits for.
const SETTINGS: &str = "SET statement_timeout = '8s'; SET lock_timeout = '5s';
    SET idle_in_transaction_session_timeout = '10s'";

/// Any number, the same in every program that brings these tables up to date.
const MIGRATION_LOCK: i64 = 0x7061_7463_6863_6f72;

pub(crate) struct Database {
    server: Server,
    place: String,
    sessions: Pool<Client>,
    ready: OnceCell<()>,
}

/// The use of a session. Only one that did what it was asked to goes to the next; the others end, and with them
/// whatever they had begun.
pub(crate) struct Session<'a> {
    pub(crate) client: Client,
    database: &'a Database,
    _permit: OwnedSemaphorePermit,
}

impl Session<'_> {
    /// The answer, once it is known whether the session may be kept.
    pub(crate) fn answer<T>(
        self,
        answer: Result<T, tokio_postgres::Error>,
    ) -> Result<T, StoreError> {
        let database = self.database;
        match answer {
            Ok(value) => {
                database.sessions.keep(self.client);
                Ok(value)
            }
            Err(error) => Err(fault(&database.place, &error)),
        }
    }

    /// The same for changes, which may be declined.
    pub(crate) fn changed<T>(
        self,
        answer: Result<T, Change<tokio_postgres::Error>>,
    ) -> Result<T, EditError> {
        match answer {
            Ok(value) => Ok(self.answer(Ok(value))?),
            Err(Change::Failed(error)) => Ok(self.answer(Err(error))?),
            Err(Change::Declined(declined)) => Err(declined),
        }
    }
}

impl Database {
    pub(crate) fn new(server: Server, place: String) -> Database {
        Database { server, place, sessions: Pool::new(SESSIONS), ready: OnceCell::new() }
    }

    /// A session with a database whose tables are up to date.
    pub(crate) async fn session(&self) -> Result<Session<'_>, StoreError> {
        self.ready().await?;
        self.any_session().await
    }

    /// Brings the tables up to date, once.
    pub(crate) async fn ready(&self) -> Result<(), StoreError> {
        let migrate = async || {
            let mut session = self.any_session().await?;
            let migrated = migrate(&mut session.client).await;
            session.answer(migrated)?.map_err(|TooNew { found, known }| StoreError::Newer {
                place: self.place.clone(),
                found,
                known,
            })
        };
        self.ready.get_or_try_init(migrate).await.copied()
    }

    /// Waits for changes that other programs announce, and passes them on. Ends when the session does.
    pub(crate) async fn listen(&self, changed: &Notify) -> Result<(), StoreError> {
        match tls::connector(&self.server, &self.place)? {
            None => self.listen_through(NoTls, changed).await,
            Some(tls) => self.listen_through(tls, changed).await,
        }
    }

    async fn listen_through<T>(&self, tls: T, changed: &Notify) -> Result<(), StoreError>
    where
        T: MakeTlsConnect<Socket>,
    {
        let fault = |error| fault(&self.place, &error);
        let (client, mut connection) = self.config().connect(tls).await.map_err(fault)?;
        let pass_on = async {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                if let AsyncMessage::Notification(_) = message? {
                    changed.notify_one();
                }
            }
            Ok(())
        };
        tokio::try_join!(client.batch_execute("LISTEN patchcord_revision"), pass_on)
            .map(drop)
            .map_err(fault)
    }

    async fn any_session(&self) -> Result<Session<'_>, StoreError> {
        let (permit, kept) = self.sessions.take().await;
        let client = match kept.filter(|client| !client.is_closed()) {
            Some(client) => client,
            None => match tls::connector(&self.server, &self.place)? {
                None => self.connect(NoTls).await?,
                Some(tls) => self.connect(tls).await?,
            },
        };
        Ok(Session { client, database: self, _permit: permit })
    }

    async fn connect<T>(&self, tls: T) -> Result<Client, StoreError>
    where
        T: MakeTlsConnect<Socket> + 'static,
        T::Stream: Send + 'static,
    {
        let fault = |error| fault(&self.place, &error);
        let (client, connection) = self.config().connect(tls).await.map_err(fault)?;
        // It ends with its client, and the client sees each of its errors.
        tokio::spawn(connection);
        client.batch_execute(SETTINGS).await.map_err(fault)?;
        Ok(client)
    }

    fn config(&self) -> tokio_postgres::Config {
        let mut config = self.server.config.clone();
        config.connect_timeout(*config.get_connect_timeout().unwrap_or(&CONNECT));
        config.ssl_mode(if self.server.wants_tls() { SslMode::Require } else { SslMode::Disable });
        config
    }
}

async fn migrate(client: &mut Client) -> Result<Result<(), TooNew>, tokio_postgres::Error> {
    // Who finds nothing to do takes no lock, and needs no right to change tables.
    match migrations::missing(migrations::POSTGRES, found(client).await?) {
        Err(too_new) => return Ok(Err(too_new)),
        Ok([]) => return Ok(Ok(())),
        Ok(_) => {}
    }
    let tx = client.transaction().await?;
    // Two programs that begin at the same time do this one after the other.
    tx.execute("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    tx.batch_execute(
        "CREATE TABLE IF NOT EXISTS patchcord_migrations (
             version bigint PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL)",
    )
    .await?;
    let steps = match migrations::missing(migrations::POSTGRES, found(&tx).await?) {
        Ok(steps) => steps,
        Err(too_new) => return Ok(Err(too_new)),
    };
    for step in steps {
        tx.batch_execute(step.sql).await?;
        let done = "INSERT INTO patchcord_migrations VALUES ($1, $2, $3)";
        tx.execute(done, &[&step.version, &step.name, &Timestamp::now()]).await?;
    }
    tx.commit().await?;
    Ok(Ok(()))
}

/// The version of the tables.
async fn found(db: &impl GenericClient) -> Result<i64, tokio_postgres::Error> {
    let table = "SELECT to_regclass('patchcord_migrations') IS NOT NULL";
    if !db.query_one(table, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let newest = "SELECT coalesce(max(version), 0) FROM patchcord_migrations";
    db.query_one(newest, &[]).await?.try_get(0)
}

/// PostgreSQL's errors in the store's words. Its own text may quote a value, so callers' words stay out of it: only the
/// message is taken, not its detail.
fn fault(place: &str, error: &tokio_postgres::Error) -> StoreError {
    let place = place.to_owned();
    let Some(said) = error.as_db_error() else {
        let inner = error.source().map(|source| format!(": {source}")).unwrap_or_default();
        return StoreError::Unreachable { place, cause: format!("{error}{inner}") };
    };
    let cause = said.message().to_owned();
    let open = |mend| StoreError::Open { place: place.clone(), cause: cause.clone(), mend };
    match said.code() {
        code if *code == SqlState::LOCK_NOT_AVAILABLE => StoreError::Busy { place },
        code if *code == SqlState::QUERY_CANCELED => {
            StoreError::Slow { place, after: Duration::from_secs(8) }
        }
        code if *code == SqlState::DISK_FULL => StoreError::Full { place },
        code if *code == SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly { place },
        code if *code == SqlState::INVALID_CATALOG_NAME => open("create it: createdb NAME"),
        code if *code == SqlState::INSUFFICIENT_PRIVILEGE => {
            open("make this user the owner of the database, or of its schema")
        }
        code => match &code.code()[..2] {
            // Transactions that are in each other's way.
            "40" => StoreError::Busy { place },
            "28" => open("correct the user or the password"),
            // Data, constraints, limits, what a trigger says, and what follows from an earlier such error.
            "22" | "23" | "54" | "P0" | "25" => StoreError::Refused { place, cause },
            // Resources, operators, the system below.
            "08" | "53" | "57" | "58" => StoreError::Unreachable { place, cause },
            _ => StoreError::Damaged { place, cause },
        },
    }
}
