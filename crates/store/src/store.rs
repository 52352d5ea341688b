//! The store: one handle over two databases.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::live::Snapshot;
use crate::location::{Kind, Location};
use crate::{
    AuditFilter, AuditRow, By, Count, Cursor, Draft, EditError, Entry, Filter, Flow, FlowVersion,
    Grouping, InboundNumber, Journal, Page, Pattern, Publication, Source, StoreError, Timestamp,
    VersionInfo, WholeCall, postgres, sqlite,
};

/// How long anything may take. What is not done by then may still be done later.
const LIMIT: Duration = Duration::from_secs(10);

/// The most rows of one answer.
const MOST: i64 = 500;

/// The database. Clones share its connections.
#[derive(Clone)]
pub struct Store {
    place: Arc<str>,
    backend: Backend,
}

#[derive(Clone)]
enum Backend {
    Sqlite(Arc<sqlite::Database>),
    Postgres(Arc<postgres::Database>),
}

/// Does the same in whichever database it is. The arguments are owned, for SQLite takes them to another thread.
macro_rules! each {
    ($store:ident, $sqlite:ident, $postgres:ident, $function:ident($($arg:expr),*)) => {
        $store.within(async move {
            match &$store.backend {
                Backend::Sqlite(database) => {
                    database.$sqlite(move |db| sqlite::$function(db, $($arg),*)).await
                }
                Backend::Postgres(database) => {
                    let mut session = database.session().await?;
                    let answer = postgres::$function(&mut session.client, $($arg),*).await;
                    session.$postgres(answer)
                }
            }
        })
    };
}

impl Store {
    /// Opens the database and brings its tables up to date; an SQLite file is made if there is none.
    ///
    /// # Errors
    /// When it cannot be reached, or a newer program has been there.
    pub async fn open(location: &Location) -> Result<Store, StoreError> {
        let store = Store::lazy(location);
        store.ready().await?;
        Ok(store)
    }

    /// The same without a look at the database, which may be away: it is opened when it is first needed.
    #[must_use]
    pub fn lazy(location: &Location) -> Store {
        let backend = match &location.0 {
            Kind::Sqlite(path) => Backend::Sqlite(Arc::new(sqlite::Database::new(path.clone()))),
            Kind::Postgres(server) => {
                let server = server.as_ref().clone();
                Backend::Postgres(Arc::new(postgres::Database::new(server, location.to_string())))
            }
        };
        Store { place: location.to_string().into(), backend }
    }

    /// Whether the database is there, with its tables up to date.
    ///
    /// # Errors
    /// As for [`Store::open`].
    pub async fn ready(&self) -> Result<(), StoreError> {
        self.within(async {
            match &self.backend {
                Backend::Sqlite(database) => database.ready().await,
                Backend::Postgres(database) => database.ready().await,
            }
        })
        .await
    }

    // Flows.

    /// Every flow, by name.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn flows(&self) -> Result<Vec<Flow>, StoreError> {
        each!(self, read, answer, flows()).await
    }

    /// What new calls take. Calls themselves ask [`Live`](crate::Live), which waits for nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn published(&self, name: &str) -> Result<Option<FlowVersion>, StoreError> {
        let name = name.to_owned();
        each!(self, read, answer, published_flow(&name)).await
    }

    /// One version of a flow.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn version(
        &self,
        name: &str,
        version: i64,
    ) -> Result<Option<FlowVersion>, StoreError> {
        let name = name.to_owned();
        each!(self, read, answer, flow_version(&name, version)).await
    }

    /// The versions of a flow, the newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn versions(&self, name: &str) -> Result<Vec<VersionInfo>, StoreError> {
        let name = name.to_owned();
        each!(self, read, answer, versions(&name)).await
    }

    /// What was published when, the latest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn history(&self, name: &str) -> Result<Vec<Publication>, StoreError> {
        let name = name.to_owned();
        each!(self, read, answer, history(&name)).await
    }

    /// The draft of a flow.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn draft(&self, name: &str) -> Result<Option<Draft>, StoreError> {
        let name = name.to_owned();
        each!(self, read, answer, draft(&name)).await
    }

    /// Saves the draft of a flow, which is made if there is none. `seen` is the edit that was changed; `None` if there was no
    /// draft.
    ///
    /// # Errors
    /// [`EditError::Changed`] if somebody else has saved it meanwhile.
    pub async fn save_draft(
        &self,
        name: &str,
        text: &str,
        author: &str,
        seen: Option<i64>,
    ) -> Result<Draft, EditError> {
        let (name, text, author) = (name.to_owned(), text.to_owned(), author.to_owned());
        each!(self, change, changed, save_draft(&name, &text, &author, seen)).await
    }

    /// Removes the draft of this edit.
    ///
    /// # Errors
    /// [`EditError::Changed`] if somebody else has saved it meanwhile.
    pub async fn discard_draft(&self, name: &str, edit: i64) -> Result<(), EditError> {
        let name = name.to_owned();
        each!(self, change, changed, discard_draft(&name, edit)).await
    }

    /// Makes the next version of a flow, and has new calls take it. A draft that is published is a draft no more.
    ///
    /// # Errors
    /// [`EditError::Changed`] or [`EditError::NoDraft`] if the draft is not the one of that edit.
    pub async fn publish(
        &self,
        name: &str,
        source: Source,
        by: &By,
    ) -> Result<Publication, EditError> {
        let (name, by) = (name.to_owned(), by.clone());
        each!(self, change, changed, publish(&name, &source, &by)).await
    }

    /// Has new calls take a version that there is: a rollback, or its undoing.
    ///
    /// # Errors
    /// [`EditError::NoFlow`], [`EditError::NoVersion`].
    pub async fn point(&self, name: &str, version: i64, by: &By) -> Result<Publication, EditError> {
        let (name, by) = (name.to_owned(), by.clone());
        each!(self, change, changed, point(&name, version, &by)).await
    }

    // Inbound numbers.

    /// Every inbound number, by pattern.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn numbers(&self) -> Result<Vec<InboundNumber>, StoreError> {
        each!(self, read, answer, numbers()).await
    }

    /// Adds a number, or changes the one of that pattern; with an audit row.
    ///
    /// # Errors
    /// [`EditError::NoFlow`] if its flow has never been saved.
    pub async fn set_number(&self, number: &InboundNumber, by: &By) -> Result<(), EditError> {
        let (number, by) = (number.clone(), by.clone());
        each!(self, change, changed, set_number(&number, &by)).await
    }

    /// Removes the number of that pattern, with an audit row. Whether there was one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn remove_number(&self, pattern: &Pattern, by: &By) -> Result<bool, StoreError> {
        let (pattern, by) = (pattern.clone(), by.clone());
        each!(self, write, answer, remove_number(&pattern, &by)).await
    }

    // Calls.

    /// Writes all of `entries`, or none, in one transaction; what is there already stays as it is. Calls do not use
    /// this: they leave it to a [`Writer`](crate::Writer).
    ///
    /// # Errors
    /// When the database fails, or refuses one of them.
    pub async fn write(&self, entries: Arc<[Entry]>) -> Result<(), StoreError> {
        each!(self, write, answer, write_entries(&entries)).await
    }

    /// The latest calls that fit, at most 500.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn calls(
        &self,
        filter: &Filter,
        after: Option<&Cursor>,
        limit: usize,
    ) -> Result<Page, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(MOST).clamp(1, MOST);
        let (filter, after) = (filter.clone(), after.cloned());
        // One more than is shown tells whether there is another page.
        let query = each!(self, read, answer, calls(&filter, after.as_ref(), limit + 1));
        let mut calls = query.await?;
        let more = calls.len() as i64 > limit;
        calls.truncate(limit as usize);
        let next = calls.last().filter(|_| more);
        let next = next.map(|last| Cursor { started: last.started, id: last.id.clone() });
        Ok(Page { calls, next })
    }

    /// One call with all that belongs to it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn call(&self, id: &str) -> Result<Option<WholeCall>, StoreError> {
        let id = id.to_owned();
        each!(self, read, answer, call(&id)).await
    }

    /// The journal of a call.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn journal(&self, id: &str) -> Result<Option<Journal>, StoreError> {
        let id = id.to_owned();
        each!(self, read, answer, journal(&id)).await
    }

    /// How many calls that fit have each destination, outcome..., the most frequent first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(
        &self,
        by: Grouping,
        filter: &Filter,
    ) -> Result<Vec<Count<Option<String>>>, StoreError> {
        let filter = filter.clone();
        each!(self, read, answer, counts(by, &filter)).await
    }

    /// How many calls that fit came in each hour (UTC) in which one came, the earliest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts_by_hour(
        &self,
        filter: &Filter,
    ) -> Result<Vec<Count<Timestamp>>, StoreError> {
        let filter = filter.clone();
        each!(self, read, answer, counts_by_hour(&filter)).await
    }

    // Audit.

    /// The latest audit rows that fit, at most 500.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit(
        &self,
        filter: &AuditFilter,
        limit: usize,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(MOST).clamp(1, MOST);
        let filter = filter.clone();
        each!(self, read, answer, audit(&filter, limit)).await
    }

    // What `Live` watches.

    pub(crate) async fn revision(&self) -> Result<i64, StoreError> {
        each!(self, read, answer, revision()).await
    }

    pub(crate) async fn snapshot(&self) -> Result<Snapshot, StoreError> {
        each!(self, read, answer, snapshot()).await
    }

    /// Passes on what other programs announce, for as long as the session holds. SQLite announces nothing.
    pub(crate) async fn listen(&self, changed: &Notify) -> Result<(), StoreError> {
        match &self.backend {
            Backend::Sqlite(_) => std::future::pending().await,
            Backend::Postgres(database) => database.listen(changed).await,
        }
    }

    async fn within<T, E: From<StoreError>>(
        &self,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        match tokio::time::timeout(LIMIT, work).await {
            Ok(answer) => answer,
            Err(_) => Err(StoreError::Slow { place: self.place.to_string(), after: LIMIT }.into()),
        }
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({self})")
    }
}
