//! Documents with mistakes, and what their authors are told: each `broken/NAME.toml` (or `.json`) has a `NAME.txt` beside
//! it. `WRITE_FINDINGS=1 cargo nextest run -p tests --test it flow::broken` writes them anew; read what it has changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use flow::{Book, Document, Flow};

use super::ready_made::book;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it/flow/broken")
}

/// The names around the broken documents: those of the sample receptionist, and two flows to go through.
fn around() -> Book {
    let mut book = book();
    for (name, text) in [
        (
            "identify",
            r#"
schema = 1
name = "identify"
start = "pin"
[lookup.pin]
url = "https://staff.example.com/pin"
method = "POST"
send = { pin = "{slots.pin}" }
verifies = true
[node.pin.collect]
slot = "pin"
kind = { digits = { least = 4, most = 4 } }
by = "keys"
prompt = "Your PIN, please."
[node.pin.to]
done = "ask"
[node.ask]
lookup = { name = "pin" }
to = { verified = "known", refused = "unknown" }
[node.known]
return = "known"
[node.unknown]
return = "unknown"
"#,
        ),
        (
            "account",
            r#"
schema = 1
name = "account"
start = "done"
needs = ["verified", "slots.account"]
[node.done]
return = "done"
"#,
        ),
    ] {
        let flow = Flow::parse(name, text, &book).unwrap_or_else(|findings| panic!("{findings}"));
        book.flows.insert(name.to_owned(), Arc::new(flow));
    }
    book.sounds = Some(["hello.wav".to_owned()].into());
    book
}

#[test]
fn each_mistake_is_told_with_its_line_and_its_mend() {
    let book = around();
    let mut documents: Vec<PathBuf> = std::fs::read_dir(folder())
        .expect("the broken documents")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.extension().is_none_or(|ending| ending != "txt"))
        .collect();
    documents.sort();
    assert!(documents.len() >= 40, "only {} documents", documents.len());
    let mut wrong = Vec::new();
    for path in documents {
        let name = path.file_name().expect("a file").to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).expect("readable");
        let told = match Flow::from_bytes(&name, &bytes, &book) {
            Ok(_) => format!("{name} is told to be right\n"),
            Err(findings) => format!("{findings}\n"),
        };
        let expected = path.with_extension("txt");
        if std::env::var_os("WRITE_FINDINGS").is_some() {
            std::fs::write(&expected, &told).expect("writable");
        }
        let expected = std::fs::read_to_string(&expected).unwrap_or_default();
        if told != expected {
            wrong.push(format!("expected:\n{expected}told:\n{told}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_document_that_is_too_long_is_not_read() {
    let text = format!("schema = 1\n# {}", "x".repeat(1 << 20));
    let findings = Flow::parse("long.toml", &text, &Book::default()).expect_err("too long");
    assert!(findings.to_string().contains("divide it"), "{findings}");
}

#[test]
fn depth_and_breadth_do_not_hurt() {
    let read = |text: String| match Flow::parse("deep.toml", &text, &Book::default()) {
        Ok(_) => String::new(),
        Err(findings) => findings.to_string(),
    };
    for text in [
        format!("schema = 1\n{}b = 1", "a.".repeat(100_000)),
        format!("schema = 1\nx = {}", "[".repeat(100_000)),
        format!("{{\"schema\": {}", "[".repeat(100_000)),
        format!("{{{}", "\"a\": {".repeat(100_000)),
    ] {
        assert!(!read(text).is_empty());
    }
    let many = |count: usize| {
        let nodes = (0..count).map(|id| {
            let (set, next) = (format!("set = {{ x{id} = \"{id}\" }}"), (id + 1) % count);
            format!("[node.n{id}]\n{set}\nto = {{ done = \"n{next}\" }}\n")
        });
        format!("schema = 1\nname = \"many\"\nstart = \"n0\"\n{}", nodes.collect::<String>())
    };
    assert!(read(many(1_001)).contains("more than 1000 nodes"));
    assert!(read(many(1_000)).contains("goes round for ever"));
}

/// No text makes the reader panic, and what is found has a line of the text.
#[test]
fn no_damage_makes_the_reader_fall() {
    let book = book();
    let mut state = 7_u64;
    let mut below = |most: usize| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).expect("31 bits") % most.max(1)
    };
    for (name, text) in super::ready_made::flows() {
        let json = Document::read(&name, &text).expect("it is right").to_json();
        for text in [text, json] {
            for _ in 0..150 {
                let mut damaged = text.clone().into_bytes();
                for _ in 0..=below(3) {
                    if damaged.is_empty() {
                        break;
                    }
                    let at = below(damaged.len());
                    match below(4) {
                        0 => drop(damaged.drain(at..(at + below(40)).min(damaged.len()))),
                        1 => damaged[at] = b" \"[]{}=.,#\n1x"[below(13)],
                        2 => damaged.truncate(at),
                        _ => {
                            let piece = damaged[at..(at + below(60)).min(damaged.len())].to_vec();
                            let to = below(damaged.len());
                            damaged.splice(to..to, piece);
                        }
                    }
                }
                if let Err(findings) = Flow::from_bytes(&name, &damaged, &book) {
                    let lines = damaged.iter().filter(|byte| **byte == b'\n').count() + 1;
                    assert!(!findings.findings.is_empty());
                    for finding in findings.findings {
                        assert!((1..=lines).contains(&finding.line), "{finding:?}");
                    }
                }
            }
        }
    }
}
