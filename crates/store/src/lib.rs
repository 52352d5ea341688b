//! What must survive: flows with their versions, inbound numbers, calls with their turns, journals and recordings, and
//! audit rows. In SQLite, and in PostgreSQL when that is outgrown.
//!
//! Three ideas carry it:
//!
//! - **A live call never waits for a database.** What it leaves behind goes to a [`Writer`], which takes it without
//!   waiting, has it on disk a moment later, and brings it into the database exactly once: now, or when the database
//!   is back, or after a restart. What it needs to begin, its number and its flow, it takes from [`Live`], which keeps
//!   both in memory and sees every edit within two seconds. A call keeps its flow by keeping the value.
//! - **What was published stays.** A version of a flow is never changed; publishing moves a pointer, and a rollback
//!   moves it to an older version. The history of the pointer and the audit rows are append-only, and the database
//!   itself refuses anything else.
//! - **Two databases, one behaviour.** Each has statements of its own; one suite of tests runs on both.
//!
//! ```no_run
//! use store::{By, Entry, Live, Location, Source, Store, Writer, WriterConfig};
//!
//! # async fn serve(call: store::Call) -> Result<(), Box<dyn std::error::Error>> {
//! let store = Store::open(&Location::parse("/var/lib/patchcord/patchcord.db")?).await?;
//! let by = By::new("maria", "the first one");
//! store.publish("front-desk", Source::Text("[flow] ...".into()), &by).await?;
//!
//! let live = Live::start(store.clone()).await?;
//! let flow = live.now().flow("front-desk").cloned(); // what a new call takes with it
//!
//! let writer = Writer::start(store, WriterConfig::new("/var/lib/patchcord/spool"))?;
//! writer.write(Entry::Call(call))?; // returns at once
//! # Ok(())
//! # }
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

#[macro_use]
mod words;

mod audit;
mod calls;
mod entry;
mod error;
mod filter;
mod flows;
mod json;
mod live;
mod location;
mod migrations;
mod numbers;
mod pool;
mod postgres;
mod sqlite;
mod store;
mod timestamp;
mod writer;

pub use audit::{Audit, AuditFilter, AuditRow};
pub use calls::{
    Call, Count, Cursor, CursorError, Encoding, FlowRef, Grouping, Journal, JournalError, Page,
    Recording, RecordingState, Speaker, Summary, Track, Turn, WholeCall,
};
pub use entry::Entry;
pub use error::{EditError, StoreError};
pub use filter::Filter;
pub use flows::{By, Draft, Flow, FlowVersion, Publication, Source, VersionInfo};
pub use json::Json;
pub use live::{Live, Snapshot};
pub use location::{Location, LocationError};
pub use numbers::{Directory, InboundNumber, Pattern, PatternError};
pub use store::Store;
pub use timestamp::Timestamp;
pub use writer::{Rejected, SpoolError, Status, Stopped, Writer, WriterConfig};
