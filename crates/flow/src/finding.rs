//! A mistake in a flow, told so that its author can mend it.

use std::fmt;

/// One mistake: where, what, and how to mend it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where it stands in the document, from the outside in: `["node", "greet", "say", "prompt"]`. Places in lists
    /// count from 0. Empty for the document as a whole.
    pub at: Vec<String>,
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
            let Finding { line, cause, mend, .. } = finding;
            write!(f, "{}:{line}: {cause}\n  mend: {mend}", self.path)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}

/// The name among `known` that is most like `name`, if one is near enough to have been meant.
pub(crate) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = name.to_lowercase();
    let likeness = |known: &str| strsim::jaro_winkler(&lower, &known.to_lowercase());
    let ranked = known.into_iter().map(|known| (likeness(known), known));
    let best = ranked.max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))?;
    (best.0 >= NEAR).then_some(best.1)
}

/// How to mend a `name` that is not among `known`: what was meant perhaps, or what there is.
pub(crate) fn meant<'k>(
    name: &str,
    known: impl IntoIterator<Item = &'k str> + Clone,
    otherwise: &str,
) -> String {
    if let Some(near) = nearest(name, known.clone()) {
        return format!("did you mean \"{near}\"?");
    }
    let all: Vec<&str> = known.into_iter().take(MOST_LISTED + 1).collect();
    match all.len() {
        0 => otherwise.to_owned(),
        1..=MOST_LISTED => format!("use one of: {}; or {otherwise}", all.join(", ")),
        _ => format!("use one of: {}, ...; or {otherwise}", all[..MOST_LISTED].join(", ")),
    }
}

/// How alike two names are that may be one misspelt (Jaro-Winkler).
const NEAR: f64 = 0.85;

/// Names that a message lists at most.
const MOST_LISTED: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_told_from_another_name() {
        let known = ["billing", "sales", "operator"];
        assert_eq!(nearest("biling", known), Some("billing"));
        assert_eq!(nearest("Operater", known), Some("operator"));
        assert_eq!(nearest("helpdesk", known), None);
        assert_eq!(meant("x", known, "add it"), "use one of: billing, sales, operator; or add it");
        assert_eq!(meant("x", [], "add it"), "add it");
    }
}
