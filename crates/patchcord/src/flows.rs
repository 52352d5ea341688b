//! Flows from files: a flow, and those that it goes through, which lie in the same folder. Also from the documents of a
//! journal, which were such files.

use std::io;
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
        "{path} goes through itself, by way of {way}\n  mend: let the inner flow end in a return node, and go on in the outer one"
    )]
    Circle { path: PathBuf, way: String },
}

/// Reads and checks the flow of a file. Those that it goes through are files beside it: `flow = "password_reset"` is
/// `password_reset.toml` or `password_reset.json`.
pub(crate) fn open(path: &Path, book: &Book) -> Result<Flow, FlowError> {
    Ok(open_with_documents(path, book)?.0)
}

/// The same, with all the documents that were read, its own first.
pub(crate) fn open_with_documents(
    path: &Path,
    book: &Book,
) -> Result<(Flow, Vec<journal::Document>), FlowError> {
    let mut read = Reading { from: &|path| std::fs::read(path), documents: Vec::new() };
    let flow = through(path, book.clone(), &mut Vec::new(), &mut read)?;
    Ok((flow, read.documents))
}

/// The flow that begins with the first of these documents; none if there are none.
pub(crate) fn of_documents(
    documents: &[journal::Document],
    book: &Book,
) -> Option<Result<Flow, FlowError>> {
    let first = Path::new(&documents.first()?.file);
    let from = |path: &Path| {
        let found = documents.iter().find(|document| Path::new(&document.file) == path);
        found.map(|it| it.text.clone().into_bytes()).ok_or(io::ErrorKind::NotFound.into())
    };
    let mut read = Reading { from: &from, documents: Vec::new() };
    Some(through(first, book.clone(), &mut Vec::new(), &mut read))
}

/// Where documents come from, and those that came.
struct Reading<'a> {
    from: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    documents: Vec<journal::Document>,
}

fn through(
    path: &Path,
    mut book: Book,
    way: &mut Vec<PathBuf>,
    read: &mut Reading<'_>,
) -> Result<Flow, FlowError> {
    if way.iter().any(|known| known == path) {
        let way: Vec<_> = way.iter().map(|path| path.display().to_string()).collect();
        return Err(FlowError::Circle { path: path.to_owned(), way: way.join(", ") });
    }
    let shown = path.display().to_string();
    let bytes =
        (read.from)(path).map_err(|source| FlowError::Read { path: path.to_owned(), source })?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    if read.documents.iter().all(|known| known.file != shown) {
        read.documents.push(journal::Document { file: shown.clone(), text });
    }
    way.push(path.to_owned());
    // What cannot be read is told by the check below.
    let document = std::str::from_utf8(&bytes).ok().and_then(|it| Document::read(&shown, it).ok());
    let nodes = document.iter().flat_map(|document| document.node.values());
    for name in
        nodes.filter_map(|node| if let Deed::Flow(name) = &node.deed { Some(name) } else { None })
    {
        let files = ["toml", "json"].map(|kind| path.with_file_name(format!("{name}.{kind}")));
        if let Some(file) = files.iter().find(|file| (read.from)(file).is_ok())
            && !book.flows.contains_key(name)
        {
            let inner = through(file, book.clone(), way, read)?;
            book.flows.insert(name.clone(), Arc::new(inner));
        }
    }
    way.pop();
    Ok(Flow::from_bytes(&shown, &bytes, &book)?)
}

/// What a node wants that calls cannot do yet, if one does: its name, and what it is.
pub(crate) fn missing(flow: &Flow) -> Option<(&str, &'static str)> {
    flow.document().node.iter().find_map(|(name, node)| {
        let what = match &node.deed {
            Deed::Voicemail(_) => "voicemail",
            Deed::Record(_) => "record",
            Deed::Zone(_) => "zone",
            Deed::Conference(_) => "conference",
            Deed::Connect(connect) if connect.introduce.is_some() => "introduce",
            _ => return None,
        };
        Some((name.as_str(), what))
    })
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
