//! What a receptionist does who has no flow of her own: she asks, and connects.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::{
    Agents, Ask, Book, Connect, Deed, Dialplan, Document, Findings, Flow, Node, SCHEMA, Say, Voice,
    Wishes,
};

use super::{Course, Receptionist};

/// The node that connects a wish. Those of destinations are called like them, behind a word and a blank.
const CONNECT: &str = "connect";

pub(super) fn course(receptionist: &Receptionist) -> Result<Course, Findings> {
    let book = book(receptionist);
    Ok(Course {
        flow: Arc::new(own(receptionist, &book)?),
        last_resort: Arc::new(last_resort(receptionist, &book)?),
    })
}

/// Asks for a wish and connects it; what words cannot help is asked with the keys.
fn own(receptionist: &Receptionist, book: &Book) -> Result<Flow, Findings> {
    let prompts = &receptionist.prompts;
    let ask = |prompt: &flow::Sound| {
        Deed::Ask(Ask {
            prompt: prompt.clone(),
            phrased: None,
            answers: BTreeMap::new(),
            wishes: true,
            keys: BTreeMap::new(),
            again: Some(prompts.again.clone()),
            still_there: Some(prompts.still_there.clone()),
            tries: receptionist.patience.asks,
            wait_s: receptionist.patience.silence.as_secs_f64(),
        })
    };
    let to = |exits: &[(&str, &str)]| {
        exits.iter().map(|(exit, target)| ((*exit).to_owned(), (*target).to_owned())).collect()
    };
    let named = |name: &str| format!("connect {name}");
    let greet =
        Node { deed: ask(&prompts.greeting), to: to(&[("wish", CONNECT), ("error", "menu")]) };
    let menu = Node { deed: ask(&prompts.menu), to: to(&[("wish", CONNECT)]) };
    let mut node = BTreeMap::from([
        ("greet".to_owned(), greet),
        ("menu".to_owned(), menu),
        (CONNECT.to_owned(), connect("wish")),
    ]);
    let mut keys = BTreeMap::new();
    for (key, destination) in &receptionist.digits {
        let destination = &receptionist.destination(*destination).name;
        node.insert(named(destination), connect(destination));
        keys.insert(key.to_string(), named(destination));
    }
    let most_s = Some(receptionist.patience.conversation.as_secs_f64());
    let document = Document { keys, most_s, ..document(&receptionist.name, "greet", node) };
    Flow::check("the receptionist's file, as a flow", document, book)
}

/// The way of a call that came to nothing: the fallback destination, and if nobody is there, back to the dialplan.
fn last_resort(receptionist: &Receptionist, book: &Book) -> Result<Flow, Findings> {
    let fallback = &receptionist.destination(receptionist.fallback).name;
    let goodbye = Node {
        deed: Deed::Say(Say { prompt: receptionist.prompts.goodbye.clone(), phrased: None }),
        to: BTreeMap::from([("done".to_owned(), "back".to_owned())]),
    };
    let back = Node { deed: Deed::Dialplan(Dialplan::default()), to: BTreeMap::new() };
    let failures = ["busy", "no_answer", "refused", "gone", "timeout", "error"];
    let to = failures.iter().map(|exit| ((*exit).to_owned(), "goodbye".to_owned()));
    let node = BTreeMap::from([
        (CONNECT.to_owned(), Node { to: to.collect(), ..connect(fallback) }),
        ("goodbye".to_owned(), goodbye),
        ("back".to_owned(), back),
    ]);
    let name = format!("{}: nobody else", receptionist.name);
    Flow::check("the receptionist's fallback, as a flow", document(&name, CONNECT, node), book)
}

/// The names around a flow of this receptionist.
pub(super) fn book(receptionist: &Receptionist) -> Book {
    let wishes = receptionist.wishes.iter().map(|wish| flow::Wish {
        intent: wish.intent.clone(),
        slot: wish.slot.as_ref().map(|slot| (slot.name.clone(), slot.value.clone())),
        phrases: wish.phrases.clone(),
        keywords: wish.keywords.clone(),
        destination: Some(receptionist.destination(wish.destination).name.clone()),
    });
    Book {
        destinations: receptionist.destinations.iter().map(|it| it.name.clone()).collect(),
        wishes: Arc::new(Wishes { list: wishes.collect(), spoken: receptionist.spoken.clone() }),
        slots: receptionist.spoken.slots.clone(),
        ..Book::default()
    }
}

fn connect(destination: &str) -> Node {
    let deed = Deed::Connect(Connect {
        destination: Agents::One(destination.to_owned()),
        ring: None,
        ring_s: None,
        announce: None,
        introduce: None,
    });
    Node { deed, to: BTreeMap::new() }
}

fn document(name: &str, start: &str, node: BTreeMap<String, Node>) -> Document {
    Document {
        schema: SCHEMA,
        name: name.to_owned(),
        start: start.to_owned(),
        language: None,
        time_zone: None,
        most_s: None,
        model_s: None,
        needs: Vec::new(),
        voice: Voice::default(),
        to: BTreeMap::new(),
        keys: BTreeMap::new(),
        hours: BTreeMap::new(),
        lookup: BTreeMap::new(),
        node,
        test: Vec::new(),
    }
}
