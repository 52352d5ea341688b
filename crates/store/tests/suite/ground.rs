//! What a test stands on: a database of its own, a folder of its own, and samples.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::{
    Audit, By, Call, Entry, FlowRef, InboundNumber, Json, Location, Recording, RecordingState,
    Speaker, Store, Timestamp, Track, Turn, WriterConfig,
};

use crate::children::Child;
use crate::folder::Folder;
use crate::postgres::Postgres;

/// How long anything may take before a test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Ground {
    database: Database,
    folder: Folder,
}

#[derive(Debug)]
enum Database {
    /// And whoever keeps it locked.
    Sqlite(Option<Child>),
    Postgres(Postgres),
}

impl Ground {
    pub(crate) fn sqlite() -> Ground {
        Ground { database: Database::Sqlite(None), folder: Folder::new("sqlite") }
    }

    pub(crate) fn postgres() -> Option<Ground> {
        let database = Database::Postgres(Postgres::start(&[])?);
        Some(Ground { database, folder: Folder::new("ground") })
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// As a text, with a password.
    pub(crate) fn address(&self) -> String {
        match &self.database {
            Database::Sqlite(_) => self.file().to_str().unwrap().to_owned(),
            Database::Postgres(server) => server.url(),
        }
    }

    pub(crate) fn location(&self) -> Location {
        Location::parse(&self.address()).unwrap()
    }

    pub(crate) async fn store(&self) -> Store {
        Store::open(&self.location()).await.unwrap()
    }

    pub(crate) fn spool(&self) -> WriterConfig {
        let retry = (Duration::from_millis(20), Duration::from_millis(200));
        WriterConfig { retry, ..WriterConfig::new(self.folder().join("spool")) }
    }

    /// Takes the database away: the server is killed, the file is locked by another program.
    pub(crate) fn take_away(&mut self) {
        let file = self.file();
        match &mut self.database {
            Database::Sqlite(locked_by) => *locked_by = Some(Child::locking(&file)),
            Database::Postgres(server) => server.kill(),
        }
    }

    pub(crate) fn bring_back(&mut self) {
        match &mut self.database {
            Database::Sqlite(locked_by) => locked_by.take().unwrap().kill(),
            Database::Postgres(server) => server.begin(),
        }
    }

    /// Statements by hand, past the store. Those that differ are given as SQLite's and PostgreSQL's.
    pub(crate) async fn by_hand(&self, sqlite: &str, postgres: &str) -> Result<(), String> {
        match &self.database {
            Database::Sqlite(_) => {
                let db = rusqlite::Connection::open(self.file()).unwrap();
                db.execute_batch(sqlite).map_err(|error| error.to_string())
            }
            Database::Postgres(server) => {
                let url = server.url();
                let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
                let (client, connection) = connected.unwrap();
                let connection = tokio::spawn(connection);
                let answer = client.batch_execute(postgres).await;
                drop(client);
                connection.await.unwrap().unwrap();
                answer.map_err(|error| error.as_db_error().unwrap().message().to_owned())
            }
        }
    }

    fn file(&self) -> PathBuf {
        self.folder().join("store.db")
    }
}

/// Waits until `goal` gives something.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(goal: impl Fn() -> F) -> T {
    let reach = async {
        loop {
            if let Some(reached) = goal().await {
                return reached;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    in_time(reach).await
}

/// What a future gives, if it does in time.
pub(crate) async fn in_time<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("in time")
}

pub(crate) fn by(author: &str) -> By {
    By::new(author, format!("{author} has a reason"))
}

pub(crate) fn call(id: &str, started: i64) -> Call {
    Call {
        id: id.to_owned(),
        started: Timestamp(started),
        ended: Some(Timestamp(started + 9_000)),
        caller: Some("+15550199".to_owned()),
        called: Some("5550100".to_owned()),
        destination: Some("helpdesk".to_owned()),
        outcome: Some("connected".to_owned()),
        intent: Some("reset_password".to_owned()),
        flow: Some(FlowRef { name: "front-desk".to_owned(), version: 3 }),
        node: Some("connect".to_owned()),
        record: Json::parse(format!(r#"{{"call": "{id}", "decide_ms":56.10, "words":"Größe ☎"}}"#))
            .unwrap(),
    }
}

pub(crate) fn turn(call: &str, number: i64) -> Turn {
    Turn {
        call: call.to_owned(),
        number,
        speaker: if number % 2 == 0 { Speaker::Receptionist } else { Speaker::Caller },
        from_ms: number * 1000,
        to_ms: Some(number * 1000 + 700),
        words: format!("turn {number}"),
        intent: None,
        node: Some("ask".to_owned()),
    }
}

pub(crate) fn recording(call: &str, state: RecordingState) -> Recording {
    Recording {
        call: call.to_owned(),
        path: format!("recordings/{call}.wav"),
        track: Track::Mix,
        length_ms: 8_900,
        state,
    }
}

pub(crate) fn number(pattern: &str, flow: &str) -> InboundNumber {
    InboundNumber {
        pattern: pattern.parse().unwrap(),
        flow: flow.to_owned(),
        language: Some("en".to_owned()),
        greeting: Some("Good morning.".to_owned()),
        hours: None,
        fallback: Some("operator".to_owned()),
    }
}

pub(crate) fn zone(call: &str, what: &str) -> Audit {
    Audit::new("call", what).about(call)
}

pub(crate) fn batch(entries: impl IntoIterator<Item = Entry>) -> Arc<[Entry]> {
    entries.into_iter().collect()
}
