//! What is found wrong with a document, place by place.

use std::collections::BTreeSet;

use super::At;
use crate::finding::{Finding, Findings};
use crate::source::Source;

/// What is found wrong with a document.
#[derive(Default)]
pub(crate) struct Report {
    source: Option<Source>,
    findings: Vec<Finding>,
    broken: BTreeSet<At>,
}

impl Report {
    /// Nothing is found yet in this text.
    pub(super) fn of(source: Source) -> Self {
        Self { source: Some(source), ..Self::default() }
    }

    pub(crate) fn add(&mut self, at: At, cause: impl Into<String>, mend: impl Into<String>) {
        let line = self.source.as_ref().map_or(1, |source| source.line(&at));
        self.findings.push(Finding { at, line, cause: cause.into(), mend: mend.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.findings.is_empty()
    }

    /// What stands at a place could not be read, and is missing from the document.
    pub(super) fn breaks(&mut self, at: At) {
        self.broken.insert(at);
    }

    /// Whether what stands at a place could not be read.
    pub(crate) fn is_broken(&self, at: &[String]) -> bool {
        self.broken.contains(at)
    }

    /// Whether anything of the document could not be read.
    pub(crate) fn has_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    pub(crate) fn findings(mut self, path: &str) -> Findings {
        self.findings.sort_by_key(|finding| finding.line);
        Findings { path: path.to_owned(), findings: self.findings }
    }
}
