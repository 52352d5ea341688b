//! Flows from files: a flow, and those that it goes through, which lie in the same folder. Also from the documents of a
//! journal, which were such files.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use call::journal;
use flow::{Book, Deed, Document, Findings, Flow};
use thiserror::Error;

/// Why a flow cannot be had.
#[derive(Debug, Error)]
pub(crate) enum FlowError {
    #[error(
        "cannot read {path}: {source}\n  mend: name a flow's file; those in assets/flows are some to begin with"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    File(#[from] Findings),
    #[error(
        "{shown} goes through itself, by way of {way}\n  mend: let the inner flow end in a return node, and go on in the outer one"
    )]
    Circle { shown: String, way: String },
    #[error(
        "{wanted_by} goes through the flow \"{name}\", which is not published\n  mend: publish that one first, --as {name}"
    )]
    Unpublished { name: String, wanted_by: String },
    #[error(
        "{shown} cannot begin a call: it needs {need}\n  mend: let the number have a flow that goes through this one and knows {need} by then"
    )]
    NotAlone { shown: String, need: String },
    #[error("{shown}: {told}")]
    Number { shown: String, told: String },
}

/// The text of a flow, and what messages call it.
pub(crate) struct Written {
    pub shown: String,
    pub text: Vec<u8>,
}

/// Reads and checks the flow of a file. Those that it goes through are files beside it: `flow = "password_reset"` is
/// `password_reset.toml` or `password_reset.json`.
pub(crate) fn open(path: &Path, book: &Book) -> Result<Flow, FlowError> {
    let beside = |_: &str, name: &str| {
        let files = ["toml", "json"].map(|kind| path.with_file_name(format!("{name}.{kind}")));
        files.iter().find(|file| file.exists()).map(|file| read(file)).transpose()
    };
    Ok(through(&read(path)?, &beside, book.clone(), &mut Vec::new())?.0)
}

fn read(path: &Path) -> Result<Written, FlowError> {
    let text =
        std::fs::read(path).map_err(|source| FlowError::Read { path: path.to_owned(), source })?;
    Ok(Written { shown: path.display().to_string(), text })
}

/// Where flows are found that others go through: by who wants one, and its name. `None` leaves it to the check to say
/// that there is none.
pub(crate) type Find<'f> = dyn Fn(&str, &str) -> Result<Option<Written>, FlowError> + 'f;

/// The documents of a flow and of those that it goes through, its own first, as [`of_documents`] takes them.
pub(crate) fn documents(flow: &Flow) -> Vec<journal::Document> {
    let own = std::iter::once((flow.name(), flow));
    let all = own.chain(flow.within());
    all.map(|(name, flow)| journal::Document {
        file: name.to_owned(),
        text: flow.document().to_json(),
    })
    .collect()
}

/// The flow that begins with the first of these documents; none if there are none.
pub(crate) fn of_documents(
    documents: &[journal::Document],
    book: &Book,
) -> Option<Result<Flow, FlowError>> {
    let (first, within) = documents.split_first()?;
    let written = |document: &journal::Document| Written {
        shown: document.file.clone(),
        text: document.text.clone().into_bytes(),
    };
    let find =
        |_: &str, name: &str| Ok(within.iter().find(|document| document.file == name).map(written));
    let read = through(&written(first), &find, book.clone(), &mut Vec::new());
    Some(read.map(|(flow, _)| flow))
}

/// Checks a flow, and before it all those that it goes through; gives it with the names that it was checked against.
pub(crate) fn through(
    written: &Written,
    find: &Find<'_>,
    mut book: Book,
    way: &mut Vec<String>,
) -> Result<(Flow, Book), FlowError> {
    let shown = &written.shown;
    if way.contains(shown) {
        return Err(FlowError::Circle { shown: shown.clone(), way: way.join(", ") });
    }
    way.push(shown.clone());
    for name in inner(written) {
        if !book.flows.contains_key(&name)
            && let Some(found) = find(shown, &name)?
        {
            let (inner, _) = through(&found, find, book.clone(), way)?;
            book.flows.insert(name, Arc::new(inner));
        }
    }
    way.pop();
    Ok((Flow::from_bytes(shown, &written.text, &book)?, book))
}

/// The names of the flows that it goes through. What cannot be read is told by the check.
pub(crate) fn inner(written: &Written) -> Vec<String> {
    let text = std::str::from_utf8(&written.text).ok();
    let document = text.and_then(|text| Document::read(&written.shown, text).ok());
    let nodes = document.into_iter().flat_map(|document| document.node.into_values());
    nodes
        .filter_map(|node| if let Deed::Flow(name) = node.deed { Some(name) } else { None })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> PathBuf {
        let unique = std::process::id() ^ files.as_ptr() as u32;
        let folder = std::env::temp_dir().join(format!("patchcord-flows-{unique}"));
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, text) in files {
            std::fs::write(folder.join(name), text).expect("a file");
        }
        folder
    }

    const OUTER: &str = "schema = 1\nname = \"outer\"\nstart = \"a\"\n[node.a]\nflow = \"inner\"\nto = { done = \"hang_up\" }\n";

    #[test]
    fn a_flow_goes_through_its_neighbours() {
        let inner = "schema = 1\nname = \"inner\"\nstart = \"a\"\n[node.a]\nreturn = \"done\"\n";
        let folder = folder(&[("outer.toml", OUTER), ("inner.toml", inner)]);
        let flow = open(&folder.join("outer.toml"), &Book::default());
        assert_eq!(flow.map(|flow| flow.name().to_owned()).expect("well formed"), "outer");
        std::fs::remove_dir_all(folder).expect("it was there");
    }

    #[test]
    fn a_flow_that_goes_through_itself_is_told() {
        let inner =
            OUTER.replace("\"outer\"", "\"inner\"").replace("flow = \"inner\"", "flow = \"outer\"");
        let folder = folder(&[("outer.toml", OUTER), ("inner.toml", &inner)]);
        let error = open(&folder.join("outer.toml"), &Book::default()).expect_err("a circle");
        assert!(error.to_string().contains("goes through itself"), "{error}");
        std::fs::remove_dir_all(folder).expect("it was there");
    }
}
