//! A mistake in a receptionist's file, told so that its author can mend it.

use std::fmt;

/// One mistake: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Line in the file, from 1.
    pub line: usize,
    /// What is wrong.
    pub cause: String,
    /// What to do about it.
    pub mend: String,
}

/// All the mistakes of one file, in the order of their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The file's name as it was given.
    pub path: String,
    /// Never empty.
    pub findings: Vec<Finding>,
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.findings.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(
                f,
                "{}:{}: {}\n  mend: {}",
                self.path, finding.line, finding.cause, finding.mend
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// The line, from 1, in which the byte `offset` of `text` stands.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes()[..offset.min(text.len())].iter().filter(|&&b| b == b'\n').count() + 1
}
