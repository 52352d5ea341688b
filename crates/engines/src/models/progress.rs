//! How a fetch goes, and how to show it.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// One step of a fetch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress<'a> {
    /// Another process is fetching; this one waits for it.
    Waiting,
    /// A package is on its way.
    Downloading {
        /// Such as `silero-vad==6.2.3`.
        package: &'a str,
        /// Bytes here so far.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A file is being taken out and checked.
    Unpacking {
        /// Its path in the package's folder.
        file: &'a str,
        /// Bytes written so far.
        bytes: u64,
        /// Bytes in all.
        total: u64,
    },
}

/// Shows a fetch on standard error: a bar in a terminal, a line a step elsewhere.
///
/// ```no_run
/// # use engines::models::{Reporter, Store};
/// # let store = Store::open("models")?;
/// let mut reporter = Reporter::new();
/// store.fetch(&mut |progress| reporter.show(progress))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Reporter {
    terminal: bool,
    step: String,
    bar: Option<ProgressBar>,
}

impl Default for Reporter {
    fn default() -> Self {
        Self::new()
    }
}

impl Reporter {
    /// A reporter that suits standard error.
    #[must_use]
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal(), step: String::new(), bar: None }
    }

    /// Shows one step.
    pub fn show(&mut self, progress: Progress<'_>) {
        let (step, bytes, total) = match progress {
            Progress::Waiting => ("waiting for another fetch".to_owned(), 0, 0),
            Progress::Downloading { package, bytes, total } => {
                (format!("downloading {package}"), bytes, total)
            }
            Progress::Unpacking { file, bytes, total } => {
                (format!("unpacking {file}"), bytes, total)
            }
        };
        if step != self.step {
            self.begin(&step, total);
            self.step = step;
        }
        if let Some(bar) = &self.bar {
            bar.set_position(bytes.min(total));
        }
    }

    fn begin(&mut self, step: &str, total: u64) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
        if !self.terminal {
            let size = if total > 0 {
                format!(" ({} MB)", total.div_ceil(1_000_000))
            } else {
                String::new()
            };
            // Progress is for people: if nobody can be told, the fetch goes on.
            let _ = writeln!(std::io::stderr(), "{step}{size}");
            return;
        }
        let bar = if total > 0 { ProgressBar::new(total) } else { ProgressBar::new_spinner() };
        let template = if total > 0 {
            "{msg:44} {wide_bar} {bytes:>10} of {total_bytes:10} {eta:>4}"
        } else {
            "{msg} {spinner}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(step.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        self.bar = Some(bar);
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish();
        }
    }
}
