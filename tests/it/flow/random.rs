//! Every valid flow ends, whatever happens in it: random flows, random inputs.
//!
//! A few thousand by default; `FLOWS=100000 cargo nextest run --release -p tests --test it every_valid_flow_ends
//! --no-capture` runs as many as it says and prints what came of them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use flow::{
    Agents, Ask, Book, CardItem, Case, Collect, Conference, Connect, Converse, Deed, Dialplan,
    Document, Effect, Enquire, Filled, Flow, HangUp, Hours, Input, Lookup, MOST_STEPS, Menu,
    Method, Model, Music, Node, Outcome, Queue, Record, Remind, Reply, RoomSays, Run, SCHEMA, Say,
    Secret, Sound, Task, Turn, Value, Voice, Voicemail, Wish, Wishes, Wrote, Zone,
};
use intent::grammar::{Length, SlotKind};

use super::scene::facts;

/// A small generator of numbers (PCG, O'Neill 2014): the same seed, the same flows.
struct Dice(u64);

impl Dice {
    fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d);
        dice.below(2);
        dice
    }

    /// A number from 0 up to `most`, which is left out.
    fn below(&mut self, most: usize) -> usize {
        let state = self.0;
        self.0 =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let shifted =
            u32::try_from((((state >> 18) ^ state) >> 27) & 0xffff_ffff).expect("32 bits");
        let number = shifted.rotate_right(u32::try_from(state >> 59).expect("5 bits"));
        usize::try_from(number).expect("32 bits") % most.max(1)
    }

    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn of<'t, T>(&mut self, all: &'t [T]) -> &'t T {
        &all[self.below(all.len())]
    }
}

/// The names around the random flows; some of them can be gone through.
fn book() -> Book {
    let wish = |intent: &str, destination: Option<&str>| Wish {
        intent: intent.to_owned(),
        phrases: vec![intent.to_owned()],
        destination: destination.map(str::to_owned),
        ..Wish::default()
    };
    let wishes = vec![wish("pay", Some("billing")), wish("buy", Some("sales")), wish("chat", None)];
    let mut book = Book {
        destinations: ["billing", "sales", "operator"].map(str::to_owned).into(),
        wishes: Arc::new(Wishes { list: wishes, ..Wishes::default() }),
        ..Book::default()
    };
    let mut dice = Dice::new(99);
    while book.flows.len() < 5 {
        let document = document(&mut dice, &book, &format!("inner {}", book.flows.len()));
        if let Some(flow) = valid(document, &book) {
            book.flows.insert(flow.name().to_owned(), Arc::new(flow));
        }
    }
    book
}

/// A document of which most are nearly right.
fn document(dice: &mut Dice, book: &Book, name: &str) -> Document {
    let count = 1 + dice.below(14);
    let lookup = |account, verifies, method| Lookup {
        url: "https://example.com/{caller.number}".to_owned(),
        method,
        send: BTreeMap::new(),
        timeout_ms: 500,
        fields: [("tier".to_owned(), "/tier".to_owned())].into(),
        account,
        verifies,
    };
    let mut document = Document {
        schema: SCHEMA,
        name: name.to_owned(),
        start: "n0".to_owned(),
        language: None,
        time_zone: None,
        most_s: dice.once_in(5).then_some(20.0),
        model_s: None,
        needs: if dice.once_in(8) { vec!["verified".to_owned()] } else { Vec::new() },
        voice: Voice::default(),
        to: BTreeMap::new(),
        keys: match dice.once_in(3) {
            true => [("*".to_owned(), target(dice, count))].into(),
            false => BTreeMap::new(),
        },
        hours: [(
            "office".to_owned(),
            Hours {
                open: [("mon-fri".to_owned(), vec!["09:00-17:00".to_owned()])].into(),
                holidays: [("a day".to_owned(), "03-03".to_owned())].into(),
            },
        )]
        .into(),
        lookup: [
            ("plain".to_owned(), lookup(false, false, Method::Get)),
            ("who".to_owned(), lookup(false, true, Method::Get)),
            ("mine".to_owned(), lookup(true, false, Method::Post)),
            ("pay".to_owned(), lookup(false, false, Method::Post)),
        ]
        .into(),
        node: BTreeMap::new(),
        test: Vec::new(),
    };
    let failures =
        ["timeout", "error", "no_input", "no_match", "busy", "no_answer", "empty", "full", "gone"];
    for failure in failures {
        if !dice.once_in(4) {
            document.to.insert(failure.to_owned(), target(dice, count));
        }
    }
    for id in 0..count {
        let (deed, exits) = deed(dice, book);
        let mut to: BTreeMap<String, String> =
            exits.into_iter().map(|exit| (exit, target(dice, count))).collect();
        // So that more nodes are come to.
        if let Some(first) = to.values_mut().next() {
            *first = format!("n{}", (id + 1) % count);
        }
        document.node.insert(format!("n{id}"), Node { deed, to });
    }
    document
}

fn target(dice: &mut Dice, count: usize) -> String {
    match dice.below(12) {
        0 => "fallback".to_owned(),
        1 => "hang_up".to_owned(),
        _ => format!("n{}", dice.below(count)),
    }
}

/// A deed, and the exits that it must have.
fn deed(dice: &mut Dice, book: &Book) -> (Deed, Vec<String>) {
    let prompt = || Sound::from("Hello {caller.name}.");
    let exits = |exits: &[&str]| exits.iter().map(|exit| (*exit).to_owned()).collect::<Vec<_>>();
    let tries = 1 + u32::try_from(dice.below(3)).expect("small");
    match dice.below(21) {
        0 => {
            let phrased = dice.once_in(2).then(|| "Greet {caller.name}.".to_owned());
            (Deed::Say(Say { prompt: prompt(), phrased }), exits(&["done"]))
        }
        1 | 2 => {
            let wishes = dice.once_in(2);
            let ask = Ask {
                prompt: prompt(),
                phrased: dice.once_in(2).then(|| "Ask {caller.name}.".to_owned()),
                answers: [("yes".to_owned(), vec!["yes".to_owned()])].into(),
                wishes,
                keys: [("1".to_owned(), "one".to_owned())].into(),
                again: None,
                still_there: None,
                tries,
                wait_s: 5.0,
            };
            let own: &[&str] =
                if wishes { &["yes", "one", "wish", "buy"] } else { &["yes", "one"] };
            (Deed::Ask(ask), exits(own))
        }
        3 => {
            let keys = [("1".to_owned(), "one".to_owned()), ("2".to_owned(), "two".to_owned())];
            let (again, still_there) = (None, None);
            let menu = Menu {
                prompt: prompt(),
                keys: keys.into(),
                again,
                still_there,
                tries,
                wait_s: 3.0,
            };
            (Deed::Menu(menu), exits(&["one", "two"]))
        }
        4 | 5 => {
            let collect = Collect {
                prompt: prompt(),
                slot: "number".to_owned(),
                kind: Some(SlotKind::Digits(Length { least: 2, most: 4 })),
                by: None,
                valid: dice.once_in(2).then(|| "first(value, 1) != \"9\"".to_owned()),
                invalid: None,
                read_back: dice.once_in(2).then(|| Sound::from("{value}?")),
                again: None,
                still_there: None,
                tries,
                wait_s: 5.0,
            };
            (Deed::Collect(collect), exits(&["done"]))
        }
        6 | 7 => {
            let when = dice.of(&[
                "default(vars.count, 0) > 3",
                "clock.hour < 11",
                "caller.number == \"1\" or call.answer == \"yes\"",
                "no",
            ]);
            // Where nothing is counted, the document is refused; so mostly the others.
            let case = Case { when: (*when).to_owned(), exit: "so".to_owned() };
            (Deed::Decide(vec![case]), exits(&["so", "otherwise"]))
        }
        8 => (Deed::Hours("office".to_owned()), exits(&["open", "closed", "holiday"])),
        9 | 10 => {
            let name = *dice.of(&["plain", "who", "who", "mine"]);
            let own: &[&str] =
                if name == "who" { &["verified", "refused"] } else { &["found", "not_found"] };
            (Deed::Lookup(Enquire { name: name.to_owned(), prompt: None }), exits(own))
        }
        11 => {
            let set = [("count".to_owned(), "default(vars.count, 0) + 1".to_owned())];
            (Deed::Set(set.into()), exits(&["done"]))
        }
        12 => {
            let destination = match dice.below(3) {
                0 => Agents::One("operator".to_owned()),
                1 => Agents::Several(vec!["billing".to_owned(), "sales".to_owned()]),
                _ => Agents::One("wish".to_owned()),
            };
            let connect =
                Connect { destination, ring: None, ring_s: None, announce: None, introduce: None };
            (Deed::Connect(connect), if dice.once_in(2) { exits(&["ended"]) } else { Vec::new() })
        }
        13 => {
            let (announce, variables) = (None, BTreeMap::new());
            let queue = Queue { name: "help".to_owned(), announce, variables, most_s: 60.0 };
            (Deed::Queue(queue), exits(&["ended"]))
        }
        14 => {
            let voicemail =
                Voicemail { prompt: prompt(), mailbox: "desk".to_owned(), most_s: 60.0 };
            (Deed::Voicemail(voicemail), exits(&["done"]))
        }
        15 => match dice.once_in(3) {
            true => (Deed::Record(Record { turn: Turn::Off, consent: None }), exits(&["done"])),
            false => {
                let record = Record { turn: Turn::On, consent: Some(prompt()) };
                (Deed::Record(record), exits(&["done", "refused"]))
            }
        },
        16 => {
            let zone = Zone {
                card: prompt(),
                expiry: dice.once_in(2).then(prompt),
                cvc: dice.once_in(2).then(prompt),
                again: None,
                lookup: "pay".to_owned(),
                tries,
                wait_s: 10.0,
            };
            (Deed::Zone(zone), exits(&["paid", "declined"]))
        }
        17 => match dice.below(3) {
            0 => {
                let prompt = "One minute left.".into();
                let conference = Conference {
                    room: "room {caller.number}".to_owned(),
                    name: Some("{caller.name}".to_owned()),
                    announce: None,
                    most_s: Some(600.0),
                    remind: dice.once_in(2).then_some(Remind { before_s: 60.0, prompt }),
                    says: RoomSays::default(),
                };
                (Deed::Conference(conference), exits(&["done", "refused"]))
            }
            _ => {
                (Deed::Music(Music { class: "default".to_owned(), for_s: 10.0 }), exits(&["done"]))
            }
        },
        18 if !book.flows.is_empty() => {
            let names: Vec<&String> = book.flows.keys().collect();
            let name = (*dice.of(&names)).clone();
            (Deed::Flow(name), exits(&["back", "away"]))
        }
        20 => {
            let converse = Converse {
                model: *dice.of(&[Model::Text, Model::Speech]),
                prompt: prompt(),
                about: "We open at nine, {caller.name}.".to_owned(),
                slots: book.slots.keys().cloned().collect(),
                ends: [("solved".to_owned(), "when all is said".to_owned())].into(),
                answers: [("yes".to_owned(), vec!["yes".to_owned()])].into(),
                keys: [("1".to_owned(), "one".to_owned())].into(),
                sorry: "Sorry.".into(),
                again: None,
                still_there: None,
                tries,
                turns: tries,
                wait_s: 5.0,
            };
            (Deed::Converse(converse), exits(&["yes", "one", "solved", "done"]))
        }
        _ => match dice.below(4) {
            0 => {
                let place = "queues,700,1".to_owned();
                (
                    Deed::Dialplan(Dialplan { place: Some(place), variables: BTreeMap::new() }),
                    Vec::new(),
                )
            }
            1 => (Deed::HangUp(HangUp { prompt: Some(prompt()) }), Vec::new()),
            2 => (Deed::Return("back".to_owned()), Vec::new()),
            _ => (Deed::Return("away".to_owned()), Vec::new()),
        },
    }
}

/// A flow of the document, once the nodes are taken out that its findings name; none if that does not mend it.
fn valid(mut document: Document, book: &Book) -> Option<Flow> {
    for _ in 0..4 {
        let findings = match Flow::check("random", document.clone(), book) {
            Ok(flow) => return Some(flow),
            Err(findings) => findings.findings,
        };
        for finding in findings {
            let place: Vec<&str> = finding.at.iter().map(String::as_str).collect();
            match place[..] {
                ["node", node, "to", exit] => {
                    document.node.get_mut(node)?.to.remove(exit);
                }
                ["node", node, ..] => {
                    let missing = finding.cause.split('"').nth(3).unwrap_or_default();
                    let node_written = document.node.get_mut(node)?;
                    if finding.cause.contains("does not say where") {
                        node_written.to.insert(missing.to_owned(), "hang_up".to_owned());
                    } else if finding.cause.contains("no way leads") {
                        document.node.remove(node);
                    } else {
                        node_written.deed = Deed::HangUp(HangUp::default());
                        node_written.to.clear();
                    }
                }
                ["to", exit] => {
                    document.to.remove(exit);
                }
                _ => return None,
            }
        }
    }
    None
}

/// Some reply, mostly one that the task may have.
fn reply(dice: &mut Dice, what: &Task) -> Reply {
    let confidence = 0.9;
    let label =
        |label: &str| Reply::Answer { label: label.to_owned(), slots: Vec::new(), confidence };
    if dice.once_in(12) {
        let odd = [
            Reply::Done,
            Reply::TimedOut,
            Reply::Failed("odd".to_owned()),
            Reply::Ended,
            Reply::NotFound,
            Reply::CutFailed,
            Reply::Connected("odd".to_owned()),
            Reply::Left,
            label("odd"),
            Reply::Card(Secret::forgotten(16, true)),
            Reply::Value { value: "odd".to_owned(), confidence },
        ];
        return dice.of(&odd).clone();
    }
    match what {
        Task::Say(_) | Task::Phrase { .. } | Task::Record(_) | Task::EnterZone => Reply::Done,
        Task::Ask { question, .. } if question.takes_any_words() => match dice.below(8) {
            0 => Reply::NoInput,
            1 => label("yes"),
            2 => Reply::Digits(dice.below(4).to_string()),
            3 => Reply::Done,
            _ => Reply::Said("when do you open".to_owned()),
        },
        Task::Ask { .. } => match dice.below(8) {
            0 => Reply::NoMatch,
            1 => Reply::NoInput,
            2 => label("no"),
            3 => Reply::Digits(dice.below(4).to_string()),
            4 => Reply::Wish {
                intent: (*dice.of(&["pay", "buy", "chat"])).to_owned(),
                destination: dice.once_in(2).then(|| "sales".to_owned()),
                slots: vec![Filled { slot: "x".to_owned(), value: "y".to_owned() }],
                confidence,
            },
            _ => label("yes"),
        },
        Task::Collect { .. } => match dice.below(5) {
            0 => Reply::NoMatch,
            1 => Reply::NoInput,
            2 => Reply::Digits(dice.below(100_000).to_string()),
            _ => Reply::Value { value: (10 + dice.below(9_000)).to_string(), confidence },
        },
        Task::Lookup { .. } | Task::Pay { .. } => match dice.below(3) {
            0 => Reply::NotFound,
            _ => Reply::Found([("tier".to_owned(), Value::from("gold"))].into()),
        },
        Task::Connect { destinations, .. } => {
            let taken = Reply::Connected(destinations[0].clone());
            dice.of(&[taken, Reply::Busy, Reply::NoAnswer, Reply::Refused, Reply::Gone]).clone()
        }
        Task::Queue { name, .. } => {
            let taken = Reply::Connected(name.clone());
            dice.of(&[taken, Reply::Empty, Reply::Full, Reply::Left]).clone()
        }
        Task::Voicemail { .. } => dice.of(&[Reply::Done, Reply::NoInput]).clone(),
        Task::TakeCard { item, .. } => match dice.below(4) {
            0 => Reply::NoInput,
            1 => Reply::Card(Secret::new(*item, "12")),
            _ => Reply::Card(Secret::new(
                *item,
                match item {
                    CardItem::Number => "4111111111111111",
                    CardItem::Expiry => "1230",
                    CardItem::Cvc => "123",
                },
            )),
        },
        Task::Conference { room, .. } => Reply::Connected(room.clone()),
        Task::Music { .. } => Reply::Done,
    }
}

/// What came of one run.
struct Ended {
    outcome: Outcome,
    steps: usize,
    replies: usize,
}

/// Drives a run to its end, and checks on the way what must always hold.
fn drive(dice: &mut Dice, flow: &Arc<Flow>) -> Ended {
    let mut run = Run::new(flow.clone(), facts());
    let mut now = Duration::ZERO;
    let mut under_way: Option<(flow::TaskId, Task)> = None;
    let (mut in_zone, mut recording, mut replies) = (false, false, 0);
    let mut in_speech = false;
    run.handle(now, Input::Begin);
    // Six hundred steps, each asked as often as it may be, do not make so many.
    for _ in 0..100_000 {
        while let Some(effect) = run.poll() {
            match effect {
                Effect::Do { task, what } => {
                    in_zone |= what == Task::EnterZone;
                    recording |= what == Task::Record(Turn::On);
                    recording &= what != Task::Record(Turn::Off);
                    let zoned =
                        matches!(what, Task::TakeCard { .. } | Task::Pay { .. } | Task::EnterZone);
                    assert_eq!(in_zone, zoned, "only a card is taken within a zone: {what:?}");
                    let hears = matches!(what, Task::Ask { .. });
                    assert!(hears || !in_speech, "a model hears only who converses: {what:?}");
                    under_way = Some((task, what));
                }
                Effect::Stop { task } => {
                    assert_eq!(under_way.take().map(|(task, _)| task), Some(task));
                }
                Effect::LeaveZone => assert!(std::mem::take(&mut in_zone), "it was in a zone"),
                Effect::OpenSpeech(_) => {
                    assert!(!std::mem::replace(&mut in_speech, true), "one at a time");
                }
                Effect::CloseSpeech => assert!(std::mem::take(&mut in_speech), "it was open"),
                Effect::StopRecording => recording = false,
                Effect::End(outcome) => {
                    assert_eq!(run.poll(), None, "the end comes last");
                    assert!(!in_zone && !recording && !in_speech, "all is undone");
                    assert_eq!(run.outcome(), Some(&outcome));
                    assert_eq!(run.deadline(), None);
                    let steps = run.trace().len();
                    assert!(steps <= MOST_STEPS);
                    return Ended { outcome, steps, replies };
                }
            }
        }
        now += Duration::from_millis(u64::try_from(dice.below(900)).expect("small"));
        let (task, what) = under_way.clone().expect("something is under way until the end");
        let input = match dice.below(400) {
            0 => Input::HungUp,
            20..=28 => Input::Key('*'),
            29..=60 => {
                let label = dice.of(&[None, Some("solved"), Some("odd")]).map(str::to_owned);
                let odd = Filled { slot: "odd".to_owned(), value: "odd".to_owned() };
                let wrote = Wrote { words: "At nine.".to_owned(), slots: vec![odd], label };
                Input::Wrote { task, wrote }
            }
            1..=8 => {
                now = run.deadline().unwrap_or(now).max(now);
                Input::Wake
            }
            9..=12 => {
                Input::Told { task: flow::TaskId(task.0.wrapping_sub(1)), reply: Reply::Done }
            }
            _ => {
                let reply = match run.deadline() {
                    // Two people speak.
                    None => dice.of(&[Reply::Ended, Reply::Left]).clone(),
                    Some(_) => reply(dice, &what),
                };
                replies += 1;
                if !matches!(reply, Reply::Connected(_)) {
                    under_way = None;
                }
                Input::Told { task, reply }
            }
        };
        run.handle(now, input);
    }
    panic!("it does not end: {:?}", flow.document().to_toml());
}

/// Calls that go through each flow.
const CALLS: usize = 3;

#[test]
fn every_valid_flow_ends() {
    let wanted = std::env::var("FLOWS").ok().and_then(|flows| flows.parse().ok()).unwrap_or(2_000);
    let book = book();
    let mut outcomes: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut made, mut flows, mut nodes, mut steps, mut replies) = (0_u64, 0, 0, 0, 0);
    while flows < wanted {
        made += 1;
        let mut dice = Dice::new(made);
        let document = document(&mut dice, &book, "random");
        let Some(flow) = valid(document, &book) else { continue };
        let flow = Arc::new(flow);
        flows += 1;
        nodes += flow.nodes().count();
        for _ in 0..CALLS {
            let ended = drive(&mut dice, &flow);
            steps += ended.steps;
            replies += ended.replies;
            let outcome = match ended.outcome {
                Outcome::HangUp => "hung up",
                Outcome::Fallback(flow::Why::Runaway) => "went round, to the fallback",
                Outcome::Fallback(_) => "to the fallback",
                Outcome::Dialplan { .. } => "to the dialplan",
                Outcome::Left => "left",
                Outcome::CallerHungUp => "caller hung up",
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
    }
    let told: Vec<_> =
        outcomes.iter().map(|(outcome, count)| format!("{outcome} {count}")).collect();
    let told = told.join(", ");
    let figures = format!(
        "{flows} valid flows of {made}, {nodes} nodes, {CALLS} calls each, {steps} steps, {replies} replies: {told}"
    );
    writeln!(std::io::stderr(), "{figures}").expect("it can be said");
    assert_eq!(outcomes.len(), 6, "every kind of end was seen: {told}");
}
