//! What was last published, in a file beside the program.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use tracing::warn;

use super::Snapshot;

/// What the file holds; nothing, if it holds nothing that can be read.
pub(super) async fn read(file: &Path) -> Snapshot {
    let path = file.to_owned();
    let read = on_disk(move || Ok(serde_json::from_slice(&std::fs::read(path)?)?)).await;
    read.unwrap_or_else(|error| {
        warn!("{} has no flows and numbers: {error}; calls go to their fallback", file.display());
        Snapshot::default()
    })
}

/// Puts a snapshot in the place of the one before. Where that fails, the one before stays.
pub(super) async fn write(file: &Path, snapshot: &Snapshot) {
    let json = serde_json::to_vec(snapshot).expect("strings and numbers are JSON");
    let path = file.to_owned();
    let written = on_disk(move || {
        let new = PathBuf::from(format!("{}.new", path.display()));
        let mut options = OpenOptions::new();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut out = options.open(&new)?;
        out.write_all(&json)?;
        out.sync_all()?;
        std::fs::rename(new, path)
    });
    if let Err(error) = written.await {
        warn!("cannot keep flows and numbers in {}: {error}", file.display());
    }
}

async fn on_disk<T: Send + 'static>(
    job: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    match tokio::task::spawn_blocking(job).await {
        Ok(done) => done,
        Err(_) => Err(io::Error::other("the program is ending")),
    }
}
