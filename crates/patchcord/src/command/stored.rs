//! What the commands that work with the store have in common.

use std::path::PathBuf;

use clap::Args;
use jiff::tz::TimeZone;
use store::{By, Live, Snapshot, Store, Timestamp};

use super::{runtime, words};
use crate::settings::{Settings, SettingsError};

/// Which store.
#[derive(Args)]
pub(super) struct Place {
    /// The configuration file of `serve`, whose section [store] is meant
    #[arg(long, value_name = "FILE", default_value = "patchcord.toml")]
    config: PathBuf,
}

/// Who does it, and why. Both stay with what was done.
#[derive(Args)]
pub(super) struct Signed {
    /// Who does it; who is logged in unless told
    #[arg(long, value_name = "WHO")]
    by: Option<String>,
    /// Why, for those who read the history
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Place {
    /// Works with the store.
    pub(super) fn open<T>(
        &self,
        work: impl AsyncFnOnce(&Settings, Store) -> Result<T, String>,
    ) -> Result<T, String> {
        let settings = Settings::open(&self.config).map_err(words)?;
        let store = settings.store(&self.config).map_err(words)?;
        let no_store = || words(SettingsError::NoStore { path: self.config.clone() });
        let store = store.ok_or_else(no_store)?;
        runtime()?.block_on(async {
            let store = Store::open(&store.location).await.map_err(words)?;
            work(&settings, store).await
        })
    }
}

impl Signed {
    pub(super) fn by(&self) -> Result<By, String> {
        Ok(By::new(who(self.by.as_deref())?, self.reason.as_str()))
    }
}

/// Who does something: who is said to, else who is logged in.
pub(super) fn who(said: Option<&str>) -> Result<String, String> {
    let said = said.map(str::to_owned).or_else(|| std::env::var("USER").ok());
    said.filter(|who| !who.trim().is_empty()).ok_or_else(|| {
        "nobody is said to do this, and nobody is logged in\n  mend: add --by WHO".to_owned()
    })
}

/// All that is published now.
pub(super) async fn published(store: &Store) -> Result<std::sync::Arc<Snapshot>, String> {
    Ok(Live::start(store.clone()).await.map_err(words)?.now())
}

/// A moment on the clocks of this machine.
pub(super) fn shown(moment: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(moment.0).unwrap_or_default();
    moment.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// Rows as wide as their widest; the last column as it is.
pub(super) fn table<const N: usize>(head: [&str; N], rows: &[[String; N]]) -> String {
    let head = head.map(str::to_owned);
    let rows: Vec<&[String; N]> = [&head].into_iter().chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: [usize; N] = std::array::from_fn(|column| width(column).unwrap_or_default());
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}"));
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// What is there, or a dash.
pub(super) fn or_dash<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
