//! The processor time of this process.

use std::path::Path;

/// Seconds of all threads that it has now, since each began.
///
/// # Errors
/// In words, where the system does not tell.
pub(crate) fn seconds() -> Result<f64, String> {
    let tasks = std::fs::read_dir("/proc/self/task").map_err(failed)?;
    // A thread may end in between.
    let each = tasks.flatten().filter_map(|task| of(&task.path()).ok());
    Ok(each.sum())
}

/// Seconds of this thread since it began.
///
/// # Errors
/// As [`seconds`].
pub(crate) fn of_this_thread() -> Result<f64, String> {
    of(Path::new("/proc/thread-self"))
}

fn of(task: &Path) -> Result<f64, String> {
    let text = std::fs::read_to_string(task.join("schedstat")).map_err(failed)?;
    let first = text.split_whitespace().next().unwrap_or_default();
    Ok(first.parse::<u64>().map_err(failed)? as f64 / 1e9)
}

fn failed(error: impl std::fmt::Display) -> String {
    format!("cannot read the processor time: {error}")
}
