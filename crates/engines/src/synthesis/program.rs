//! Runs a program that turns text into something, within a time.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use super::SpeakError;

/// Far longer than any passage takes; a program beyond it hangs.
const LIMIT: Duration = Duration::from_secs(10);

/// What `program` writes when it reads `input`. A program that nobody waits for any more is killed.
pub(super) async fn output<S: AsRef<OsStr>>(
    program: &str,
    arguments: impl IntoIterator<Item = S>,
    input: &str,
) -> Result<Vec<u8>, SpeakError> {
    let failed = |cause: String| SpeakError::Engine(format!("`{program}` failed: {cause}"));
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| failed(error.to_string()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input says itself what it thinks of that.
        let _ = stdin.write_all(input.as_bytes()).await;
    }
    let output = tokio::time::timeout(LIMIT, child.wait_with_output())
        .await
        .map_err(|_| SpeakError::Stalled(LIMIT))?
        .map_err(|error| failed(error.to_string()))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or_default();
    Err(failed(format!("{} {last}", output.status)))
}
