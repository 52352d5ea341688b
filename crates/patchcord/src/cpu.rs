//! The processor time of this process.

/// Seconds of all its threads since it began.
///
/// # Errors
/// In words, where the system does not tell.
pub(crate) fn seconds() -> Result<f64, String> {
    let failed = |error: String| format!("cannot read the processor time: {error}");
    let tasks = std::fs::read_dir("/proc/self/task").map_err(|error| failed(error.to_string()))?;
    let mut nanoseconds = 0_u64;
    for task in tasks.flatten() {
        // A thread may end in between.
        let Ok(text) = std::fs::read_to_string(task.path().join("schedstat")) else { continue };
        let first = text.split_whitespace().next().unwrap_or_default();
        nanoseconds += first.parse::<u64>().map_err(|error| failed(error.to_string()))?;
    }
    Ok(nanoseconds as f64 / 1e9)
}
