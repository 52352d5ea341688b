//! One suite for both databases: every test is written once, and runs on SQLite and on PostgreSQL.
//!
//! PostgreSQL is a server of the test's own, from the programs that `tests/rig/postgresql` installs. On a machine
//! without them its half says so and is skipped, unless `PATCHCORD_REQUIRE_RIG` is set.

#![allow(clippy::unwrap_used, reason = "tests")]
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "children report, and skipped tests say why"
)]

mod calls;
mod chaos;
mod children;
mod edits;
mod folder;
mod ground;
mod live;
mod opening;
mod postgres;
mod writing;

/// Runs each of these tests on both databases.
macro_rules! on_both {
    ($($name:ident,)*) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                super::$name(crate::ground::Ground::sqlite()).await;
            })*
        }

        mod postgres {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if let Some(ground) = crate::ground::Ground::postgres() {
                    super::$name(ground).await;
                }
            })*
        }
    };
}
pub(crate) use on_both;
