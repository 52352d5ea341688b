//! Flows as the store has them: text with a name, a version and a history. What the text means is another crate's.

use serde::{Deserialize, Serialize};

use crate::{Audit, EditError, Json, Timestamp};

/// Who does something, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// Who.
    pub author: String,
    /// Why, for whoever reads the history.
    pub reason: String,
}

impl By {
    /// Who, and why.
    #[must_use]
    pub fn new(author: impl Into<String>, reason: impl Into<String>) -> By {
        By { author: author.into(), reason: reason.into() }
    }
}

/// What is published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The draft, if it is still the one of this edit: what was checked is what is published.
    Draft {
        /// [`Draft::edit`].
        edit: i64,
    },
    /// This text. A draft stays as it is.
    Text(String),
}

/// A version of a flow. It never changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowVersion {
    /// The flow's name.
    pub flow: String,
    /// 1, 2, 3...
    pub version: i64,
    /// The document.
    pub text: String,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub at: Timestamp,
    /// Why it was made.
    pub reason: String,
}

/// A version of a flow without its text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionInfo {
    /// 1, 2, 3...
    pub version: i64,
    /// Who made it.
    pub author: String,
    /// When it was made.
    pub at: Timestamp,
    /// Why it was made.
    pub reason: String,
}

/// A document that somebody works on. One a flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The flow's name.
    pub flow: String,
    /// Another with every save, never the same again for this flow.
    pub edit: i64,
    /// The document.
    pub text: String,
    /// Who saved it.
    pub author: String,
    /// When it was saved.
    pub at: Timestamp,
}

/// A move of the pointer that says which version new calls take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publication {
    /// The flow's name.
    pub flow: String,
    /// What new calls take since then.
    pub version: i64,
    /// What they took before.
    pub previous: Option<i64>,
    /// Who did it.
    pub author: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A flow in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flow {
    /// Its name.
    pub name: String,
    /// The version that new calls take.
    pub published: Option<i64>,
    /// The newest version.
    pub newest: Option<i64>,
    /// The edit of its draft.
    pub draft: Option<i64>,
}

/// Whether the draft is the one that was seen: `None` for none at all.
pub(crate) fn still(flow: &str, draft: Option<&Draft>, seen: Option<i64>) -> Result<(), EditError> {
    let flow = flow.to_owned();
    match draft {
        Some(draft) if seen == Some(draft.edit) => Ok(()),
        Some(Draft { edit, author, .. }) => {
            Err(EditError::Changed { flow, edit: *edit, author: author.clone() })
        }
        None if seen.is_none() => Ok(()),
        None => Err(EditError::NoDraft(flow)),
    }
}

/// A move of the pointer, and its audit row.
pub(crate) fn published(
    flow: &str,
    version: i64,
    previous: Option<i64>,
    by: &By,
) -> (Publication, Audit) {
    let (author, reason) = (by.author.clone(), by.reason.clone());
    let audit = Audit::new(&author, "flow.publish").about(flow);
    let version_json = |version: i64| Json::new(&version).expect("a number is JSON");
    let audit = audit.change(previous.map(version_json), Some(version_json(version)));
    let flow = flow.to_owned();
    (Publication { flow, version, previous, author, at: audit.at, reason }, audit)
}
