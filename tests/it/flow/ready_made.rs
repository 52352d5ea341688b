//! The flows of `assets/flows`, against the receptionist of `assets`: each is right, and each passes its tests.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use call::Receptionist;
use flow::{Book, Document, Flow, Wish, Wishes, rehearse};

/// The names of the sample receptionist.
pub(crate) fn book() -> Book {
    let path = assets().join("receptionist.toml");
    let text = std::fs::read_to_string(path).expect("the sample receptionist");
    let desk = Receptionist::parse("receptionist.toml", &text).expect("it is right");
    let wishes = desk.wishes.iter().map(|wish| Wish {
        intent: wish.intent.clone(),
        slot: wish.slot.as_ref().map(|slot| (slot.name.clone(), slot.value.clone())),
        phrases: wish.phrases.clone(),
        keywords: wish.keywords.clone(),
        destination: Some(desk.destination(wish.destination).name.clone()),
    });
    Book {
        destinations: desk.destinations.iter().map(|it| it.name.clone()).collect(),
        wishes: Arc::new(Wishes { list: wishes.collect(), ..Wishes::default() }),
        ..Book::default()
    }
}

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets")
}

/// The ready-made flows, by their files' names.
pub(crate) fn flows() -> Vec<(String, String)> {
    let folder = std::fs::read_dir(assets().join("flows")).expect("the ready-made flows");
    let mut flows: Vec<_> = folder
        .map(|entry| {
            let path = entry.expect("readable").path();
            let name = path.file_name().expect("a file").to_string_lossy().into_owned();
            (name, std::fs::read_to_string(path).expect("readable"))
        })
        .collect();
    flows.sort();
    flows
}

#[test]
fn ready_made_flows_pass_their_tests() {
    let (book, flows) = (book(), flows());
    assert_eq!(flows.len(), 8);
    let mut failed = Vec::new();
    for (name, text) in flows {
        let flow = match Flow::parse(&name, &text, &book) {
            Ok(flow) => Arc::new(flow),
            Err(findings) => {
                failed.push(findings.to_string());
                continue;
            }
        };
        let rehearsals = rehearse(&flow).expect("the wishes can be learned");
        assert!(rehearsals.len() >= 5, "{name} has few tests");
        for rehearsal in &rehearsals {
            if let Some(difference) = &rehearsal.difference {
                failed.push(format!("{name}: {}: {difference}", rehearsal.name));
            }
        }
        let came: BTreeSet<&str> = rehearsals
            .iter()
            .flat_map(|rehearsal| &rehearsal.trace)
            .map(|step| &*step.node)
            .collect();
        let never: Vec<&str> = flow.nodes().filter(|node| !came.contains(node)).collect();
        if !never.is_empty() {
            failed.push(format!("{name}: no test comes to {}", never.join(", ")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// A document can be written again, as TOML or as JSON, and is the same.
#[test]
fn documents_survive_being_written() {
    let book = book();
    for (name, text) in flows() {
        let document = Document::read(&name, &text).expect("it is right");
        let toml = document.to_toml().expect("it can be written");
        assert_eq!(Document::read(&name, &toml).expect(&toml), document, "{toml}");
        let json = document.to_json();
        assert_eq!(Document::read(&name, &json).expect(&json), document, "{json}");
        let one = Flow::parse(&name, &json, &book).expect("it is right");
        let two = Flow::check(&name, document, &book).expect("it is right");
        assert_eq!(one, two);
    }
}
