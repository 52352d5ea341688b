//! What it costs to understand by sound: a word, two phrases, a thousand phrases, a directory of five thousand people.
//!
//! Beside ours stand the keys and distances of words that other crates have: Double Metaphone of `rphonetic`, and
//! Jaro-Winkler of `strsim`.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use intent::grammar::{Choice, Domain, Grammar, IntentPatterns, SlotKind};
use intent::sounds::{distance, pronounce};
use rphonetic::{DoubleMetaphone, Encoder};

fn words(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("word");
    let metaphone = DoubleMetaphone::default();
    for (kind, word) in [("known", "colonel"), ("unknown", "brindlewick")] {
        // The dictionary is unpacked for the first word.
        black_box(pronounce(word));
        group.bench_function(format!("sounds of a {kind} word"), |bencher| {
            bencher.iter(|| pronounce(black_box(word)));
        });
        group.bench_function(format!("rphonetic, key of a {kind} word"), |bencher| {
            bencher.iter(|| metaphone.encode(black_box(word)));
        });
    }
    let (heard, said) = ("dark rose mocker", "dark roast mocha");
    group.bench_function("distance of two phrases", |bencher| {
        bencher.iter(|| distance(black_box(heard), said));
    });
    group.bench_function("strsim, distance of two phrases", |bencher| {
        bencher.iter(|| strsim::jaro_winkler(black_box(heard), said));
    });
    group.finish();
}

fn grammars(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("grammar");
    group.sample_size(20);
    for (what, domain, heard) in [
        (
            "1000 phrases",
            phrases(),
            "um i have a question about the blew printer in the kitchen please",
        ),
        ("5000 people", people(), "could you put me through to pria robin son please"),
    ] {
        let grammar = Grammar::build(&domain).expect("the domain is sound");
        assert!(grammar.hear(heard).is_some(), "{what}");
        group.bench_function(format!("build {what}"), |bencher| {
            bencher.iter(|| Grammar::build(black_box(&domain)));
        });
        group.bench_function(format!("hear a caller among {what}"), |bencher| {
            bencher.iter(|| grammar.hear(black_box(heard)));
        });
    }
    group.finish();
}

/// A thousand different phrases for twenty intents.
fn phrases() -> Domain {
    const OPENERS: [&str; 5] = [
        "i have a question about",
        "there is a problem with",
        "please repair",
        "i want to order",
        "who looks after",
    ];
    const KINDS: [&str; 10] =
        ["red", "blue", "broken", "second", "new", "old", "heavy", "rented", "loud", "missing"];
    const THINGS: [&str; 20] = [
        "printer",
        "invoice",
        "laptop",
        "elevator",
        "phone",
        "badge",
        "window",
        "heater",
        "coffee machine",
        "projector",
        "parking space",
        "contract",
        "password",
        "screen",
        "desk",
        "keyboard",
        "server",
        "letter",
        "meeting room",
        "company car",
    ];
    let intent = |thing: &&str| IntentPatterns {
        name: (*thing).to_owned(),
        patterns: OPENERS
            .iter()
            .flat_map(|opener| KINDS.map(|kind| format!("{opener} the {kind} {thing}")))
            .collect(),
    };
    Domain { intents: THINGS.iter().map(intent).collect(), ..Domain::default() }
}

/// A directory in which every first name meets every last one.
fn people() -> Domain {
    const FIRST: &str = "James Mary Robert Patricia John Jennifer Michael Linda David Elizabeth William Barbara Richard \
        Susan Joseph Jessica Thomas Sarah Charles Karen Daniel Nancy Matthew Anthony Margaret Steven Andrew Emily Paul \
        Joshua Michelle Kenneth Carol Kevin Amanda Brian Priya Ahmed Fatima Olga Carlos Ingrid Yuki Kofi Zofia Edward \
        Deborah Timothy Stephanie Ronald Rebecca Jason Laura Jeffrey Sharon Ryan Jacob Cynthia Gary Kathleen Nicholas \
        Amy Eric Angela Jonathan Shirley Stephen Anna Larry Brenda Justin";
    const LAST: &str = "Smith Johnson Williams Brown Garcia Miller Davis Rodriguez Lopez Wilson Anderson Taylor Moore \
        Jackson Thompson Harris Clark Lewis Robinson Walker Young King Wright Nguyen Hill Adams Baker Campbell Carter \
        Phillips Evans Turner Parker Collins Stewart Murphy Kelly Kowalski Schneider Rossi Novak Tanaka Okafor Ibrahim \
        Yilmaz Edwards Morris Rogers Reed Cook Morgan Bell Bailey Cooper Richardson Cox Howard Ward Peterson Gray \
        Ramirez Watson Brooks Sanders Price Bennett Wood Barnes Ross Henderson Coleman";
    let people: Vec<Choice> = FIRST
        .split_whitespace()
        .flat_map(|first| LAST.split_whitespace().map(move |last| format!("{first} {last}")))
        .take(5000)
        .map(|name| Choice::from(name.as_str()))
        .collect();
    assert_eq!(people.len(), 5000);
    let patterns =
        vec!["[(can i|could you) (speak to|talk to|put me through to)] {person}".to_owned()];
    Domain {
        intents: vec![IntentPatterns { name: "call".to_owned(), patterns }],
        slots: [("person".to_owned(), SlotKind::People(people))].into(),
    }
}

criterion_group!(benches, words, grammars);
criterion_main!(benches);
