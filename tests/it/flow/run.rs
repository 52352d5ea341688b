//! What a run does in every kind of node.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use flow::{
    Book, CardItem, Effect, Filled, Input, MOST_STEPS, Method, Outcome, Place, Reply, Run, Secret,
    Task, Turn, Value, Why,
};

use super::scene::{Scene, facts, flow};

fn answer(label: &str) -> Reply {
    Reply::Answer { label: label.to_owned(), slots: Vec::new(), confidence: 0.9 }
}

fn value(value: &str) -> Reply {
    Reply::Value { value: value.to_owned(), confidence: 0.9 }
}

fn found(fields: &[(&str, Value)]) -> Reply {
    Reply::Found(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

const ASK: &str = r#"
start = "ask"
[prompts]
again = "Pardon?"
[node.ask.ask]
prompt = "Bill or order?"
answers = { bill = ["a bill"], order = ["an order of {thing}"] }
wishes = true
keys = { 1 = "bill" }
still_there = "Hello?"
tries = 3
[node.ask.to]
bill = "billing"
order = "sales"
wish = "connect"
emergency = "security"
[node.billing]
connect = { destination = "billing" }
[node.sales]
connect = { destination = ["maria", "tom"], ring = "all", ring_s = 7, introduce = "{caller.name} wants {slots.thing}" }
[node.security]
connect = { destination = "security" }
[node.connect]
connect = { destination = "wish" }
"#;

fn asking() -> Scene {
    let mut book = super::ready_made::book();
    let things = intent::grammar::SlotKind::Values(vec!["phones".into(), "desks".into()]);
    book.slots.insert("thing".to_owned(), things);
    Scene::with(ASK, &book)
}

#[test]
fn a_question_is_put_again_as_often_as_it_says() {
    let mut scene = asking();
    assert_eq!(scene.said(), ["Bill or order?"]);
    assert_eq!(scene.tell(Reply::NoMatch).said(), ["Pardon?", "Bill or order?"]);
    assert_eq!(scene.tell(Reply::NoInput).said(), ["Hello?"]);
    // A key without a meaning is an answer that is none.
    assert_eq!(scene.press("7").end(), Outcome::Fallback(Why::Failure));
    assert_eq!(scene.run.trace()[0].exit.as_deref(), Some("no_match"));
}

#[test]
fn an_answer_a_key_and_a_wish_lead_on() {
    let to = |reply: Reply| {
        let mut scene = asking();
        match scene.tell(reply).task() {
            Task::Connect { destinations, .. } => destinations,
            other => panic!("{other:?}"),
        }
    };
    let wish = |intent: &str, destination: Option<&str>| Reply::Wish {
        intent: intent.to_owned(),
        destination: destination.map(str::to_owned),
        slots: Vec::new(),
        confidence: 0.9,
    };
    assert_eq!(to(answer("bill")), ["billing"]);
    assert_eq!(to(Reply::Digits("1".to_owned())), ["billing"]);
    assert_eq!(to(wish("sales", Some("sales"))), ["sales"]);
    assert_eq!(to(wish("emergency", Some("operator"))), ["security"]);
    // A wish that leads nowhere is a destination that is gone.
    let mut scene = asking();
    assert_eq!(scene.tell(wish("sales", None)).end(), Outcome::Fallback(Why::Failure));
    assert_eq!(scene.run.trace()[1].exit.as_deref(), Some("gone"));
    // Nothing but what was asked for is an answer.
    let mut scene = asking();
    assert_eq!(scene.tell(answer("sales")).end(), Outcome::Fallback(Why::Failure));
    assert_eq!(scene.run.trace()[0].exit.as_deref(), Some("error"));
}

#[test]
fn several_agents_are_introduced_to_the_caller() {
    let mut scene = asking();
    let slots = vec![Filled { slot: "thing".to_owned(), value: "phones".to_owned() }];
    scene.tell(Reply::Answer { label: "order".to_owned(), slots, confidence: 0.8 });
    assert_eq!(scene.run.trace()[0].confidence, Some(0.8));
    let Task::Connect { destinations, ring, ring_for, introduce, .. } = scene.task() else {
        panic!("it connects");
    };
    assert_eq!((destinations, ring), (vec!["maria".to_owned(), "tom".to_owned()], flow::Ring::All));
    assert_eq!(ring_for, Some(Duration::from_secs(7)));
    let introduction = introduce.expect("the agent is told");
    let accept = "Press 1 to take the call, or 2 to refuse it.";
    assert_eq!(introduction.say, ["Ann wants phones".into(), accept.into()]);
    let yes = Reply::Digits("1".to_owned());
    assert_eq!(introduction.question.yes_or_no(&yes), Some(true));
    scene.tell(Reply::Connected("tom".to_owned()));
    assert_eq!((scene.run.deadline(), scene.effects()), (None, Vec::new()));
    // A transfer that Asterisk reports is followed.
    scene.tell(Reply::Connected("maria".to_owned()));
    assert_eq!(scene.run.value(scene.now, "call.destination"), "maria".into());
    assert_eq!(scene.tell(Reply::Ended).end(), Outcome::HangUp);
}

#[test]
fn a_value_is_validated_and_read_back() {
    let mut scene = Scene::of(
        r#"
start = "number"
[node.number.collect]
slot = "number"
kind = { digits = { least = 3, most = 5 } }
prompt = "Which number?"
valid = "first(value, 1) != \"0\""
invalid = "{value} is none."
read_back = "{spell(value)}?"
tries = 4
[node.number.to]
done = "say"
[node.say]
say = { prompt = "It is {slots.number}." }
to = { done = "hang_up" }
"#,
    );
    let Task::Collect { keys: Some(keys), question, .. } = scene.task() else {
        panic!("it collects")
    };
    assert_eq!((keys.least, keys.most, question.value_of()), (3, 5, Some("number")));
    assert_eq!(scene.press("012").said(), ["012 is none."]);
    assert_eq!(scene.press("12").said(), ["Which number?"]);
    assert_eq!(scene.tell(value("123")).said(), ["1 2 3?"]);
    assert_eq!(scene.tell(answer("no")).said(), ["Which number?"]);
    assert_eq!(scene.press("124").said(), ["1 2 4?"]);
    assert_eq!(scene.tell(Reply::NoMatch).said(), ["1 2 4?"]);
    assert_eq!(scene.press("1").said(), ["It is 124."]);
}

const LOOKUPS: &str = r#"
start = "who"
[lookup.who]
url = "https://crm.example.com/{caller.number}"
fields = { first = "/name/first" }
verifies = true
[lookup.reset]
url = "https://crm.example.com/reset"
method = "POST"
send = { name = "{lookup.who.first}", tier = "{default(caller.name, \"none\")}" }
timeout_ms = 700
account = true
[node.who]
lookup = { name = "who" }
to = { verified = "reset", refused = "hang_up" }
[node.reset]
lookup = { name = "reset", prompt = "One moment." }
to = { found = "hang_up", not_found = "dialplan" }
[node.dialplan]
dialplan = { place = "queues, 700, 2", variables = { NAME = "{lookup.who.first}" } }
"#;

#[test]
fn lookups_verify_and_are_limited_in_time() {
    let mut scene = Scene::of(LOOKUPS);
    let Task::Lookup { request, .. } = scene.task() else { panic!("it looks up") };
    assert_eq!(request.url, "https://crm.example.com/%2B441234567");
    assert_eq!((request.method, request.send.len()), (Method::Get, 0));
    let json = serde_json::json!({ "name": { "first": "Ann" }, "pin": 1234 });
    assert_eq!(request.found(&json), BTreeMap::from([("first".to_owned(), "Ann".into())]));
    assert!(!scene.run.is_verified());
    scene.tell(found(&[("first", "Ann".into()), ("pin", "1234".into())]));
    assert!(scene.run.is_verified());
    assert_eq!(scene.run.value(scene.now, "lookup.who.pin"), Value::Nothing, "nobody asked for it");
    let Task::Lookup { request, .. } = scene.task() else { panic!("it looks up") };
    assert_eq!(request.send["name"], "Ann");
    assert_eq!(scene.run.deadline(), Some(scene.now + Duration::from_millis(700)));
    let mut late = scene.clone();
    assert_eq!(late.wait().end(), Outcome::Fallback(Why::Failure));
    assert_eq!(late.run.trace()[1].exit.as_deref(), Some("timeout"));
    let place = scene.tell(Reply::NotFound).end();
    let variables = BTreeMap::from([("NAME".to_owned(), "Ann".to_owned())]);
    let (context, exten) = ("queues".to_owned(), "700".to_owned());
    let queue = Some(Place { context, exten, priority: 2 });
    assert_eq!(place, Outcome::Dialplan { place: queue, variables });
}

const ZONE: &str = r#"
start = "record"
[lookup.pay]
url = "https://pay.example.com/"
method = "POST"
fields = { receipt = "/receipt" }
[node.record]
record = { turn = "on", consent = "May we record?" }
to = { done = "card", refused = "card" }
[node.card]
zone = { card = "Number?", expiry = "Until?", again = "No.", lookup = "pay", tries = 2 }
to = { paid = "thanks", declined = "hang_up" }
[node.thanks]
say = { prompt = "Receipt {lookup.pay.receipt}." }
to = { done = "hang_up" }
"#;

fn card(item: CardItem, digits: &str) -> Reply {
    Reply::Card(Secret::new(item, digits))
}

fn recording() -> Scene {
    let mut scene = Scene::of(ZONE);
    scene.tell(answer("yes"));
    assert_eq!(scene.task(), Task::Record(Turn::On));
    scene.tell(Reply::Done);
    assert_eq!(scene.task(), Task::EnterZone);
    scene
}

#[test]
fn a_card_is_taken_within_a_zone_and_left_behind() {
    let mut scene = recording();
    assert_eq!(scene.tell(Reply::Done).said(), ["Number?"]);
    let slip = card(CardItem::Number, "4111111111111112");
    assert_eq!(scene.tell(slip).said(), ["No.", "Number?"]);
    assert_eq!(scene.tell(card(CardItem::Number, "4111111111111111")).said(), ["Until?"]);
    scene.tell(card(CardItem::Expiry, "1230"));
    assert!(!format!("{:?}", scene.run).contains("4111"), "a run prints no digits");
    let Task::Pay { card, .. } = scene.task() else { panic!("it pays") };
    let digits: Vec<&str> = card.iter().map(|(_, secret)| secret.reveal()).collect();
    assert_eq!(digits, ["4111111111111111", "1230"]);
    scene.tell(found(&[("receipt", "A7".into())]));
    let effects = scene.effects();
    assert_eq!(effects[0], Effect::LeaveZone);
    assert!(
        matches!(&effects[1], Effect::Do { what: Task::Say(say), .. } if *say == ["Receipt A7.".into()])
    );
    scene.tell(Reply::Done);
    assert_eq!(scene.effects(), [Effect::StopRecording, Effect::End(Outcome::HangUp)]);
}

/// A zone that is not certain is not entered, and every way out leaves it.
#[test]
fn a_zone_fails_closed() {
    for reply in [Reply::CutFailed, Reply::TimedOut, Reply::Failed("x".into()), Reply::NoInput] {
        let mut scene = recording();
        scene.tell(reply.clone());
        assert_eq!(scene.effects()[0], Effect::LeaveZone, "{reply:?}");
        assert_eq!(scene.run.trace()[1].exit.as_deref(), Some("cut_failed"), "{reply:?}");
    }
    let mut scene = recording();
    scene.wait();
    let effects = scene.effects();
    assert!(matches!(effects[..2], [Effect::Stop { .. }, Effect::LeaveZone]), "{effects:?}");
    let mut scene = recording();
    scene.tell(Reply::Done).tell(Reply::NoInput).tell(Reply::NoInput);
    assert!(scene.effects().contains(&Effect::LeaveZone));
    assert_eq!(scene.run.trace()[1].exit.as_deref(), Some("no_input"));
    let mut scene = recording();
    scene.tell(Reply::Done).effects();
    let effects = scene.hand(Input::HungUp).effects();
    let (stop, rest) = effects.split_first().expect("effects");
    assert!(matches!(stop, Effect::Stop { .. }));
    let end = Effect::End(Outcome::CallerHungUp);
    assert_eq!(rest, [Effect::LeaveZone, Effect::StopRecording, end]);
}

/// A charge whose answer came too late may have been made.
#[test]
fn what_brought_no_answer_is_asked_again_under_the_same_number() {
    let text = r#"
start = "card"
[lookup.pay]
url = "https://pay.example.com/"
method = "POST"
[node.card]
zone = { card = "Number?", lookup = "pay" }
to = { paid = "hang_up", declined = "again", no_match = "hang_up", no_input = "hang_up", cut_failed = "hang_up", timeout = "again", error = "again" }
[node.again]
say = { prompt = "Again." }
to = { done = "card" }
"#;
    let mut scene = Scene::of(text);
    let mut answered = Vec::new();
    for last in [Reply::TimedOut, Reply::Failed("500".into()), Reply::NotFound, Reply::NotFound] {
        scene.tell(Reply::Done).tell(card(CardItem::Number, "4111111111111111"));
        let Task::Pay { request, .. } = scene.task() else { panic!("it pays") };
        answered.push(request.answered);
        scene.tell(last).tell(Reply::Done);
    }
    assert_eq!(answered, [0, 0, 0, 1]);
}

#[test]
fn nothing_is_recorded_without_a_yes() {
    for replies in
        [vec![answer("no")], vec![Reply::NoInput, Reply::NoMatch], vec![Reply::Digits("2".into())]]
    {
        let mut scene = Scene::of(ZONE);
        for reply in replies {
            scene.tell(reply);
        }
        assert_eq!(scene.task(), Task::EnterZone);
        assert_eq!(scene.run.trace()[0].exit.as_deref(), Some("refused"));
        let effects = scene.hand(Input::HungUp).effects();
        assert!(!effects.contains(&Effect::StopRecording), "{effects:?}");
    }
}

#[test]
fn queues_messages_rooms_and_music_have_their_exits() {
    let text = r#"
start = "queue"
[node.queue]
queue = { name = "help", variables = { WHO = "{caller.name}" } }
to = { ended = "hang_up", empty = "music", full = "music" }
[node.music]
music = { for_s = 20 }
to = { done = "message" }
[node.message]
voicemail = { prompt = "After the tone.", mailbox = "desk" }
to = { done = "room", no_input = "room" }
[node.room]
conference = { room = "{call.number}" }
to = { done = "hang_up" }
"#;
    let mut scene = Scene::of(text);
    let Task::Queue { variables, .. } = scene.task() else { panic!("it queues") };
    assert_eq!(variables["WHO"], "Ann");
    scene.tell(Reply::Empty);
    assert!(matches!(scene.task(), Task::Music { .. }));
    let before = scene.now;
    assert_eq!(scene.wait().said(), ["After the tone."]);
    assert_eq!(scene.now - before, Duration::from_secs(20));
    scene.tell(Reply::NoInput);
    let Task::Conference { room, .. } = scene.task() else { panic!("it confers") };
    assert_eq!(room, "100");
    scene.tell(Reply::Connected("100".to_owned()));
    assert_eq!(scene.run.deadline(), None);
    assert_eq!(scene.tell(Reply::Ended).end(), Outcome::HangUp);
    assert_eq!(scene.path(), ["queue", "music", "message", "room"]);
    let mut scene = Scene::of(text);
    assert_eq!(scene.tell(Reply::Left).end(), Outcome::Left);
}

/// Every deed that waits, as the first node of a flow.
const WAITING: [&str; 13] = [
    "say = { prompt = \"Hello.\" }\nto = { done = \"hang_up\" }",
    "ask = { prompt = \"Well?\", wishes = true }\nto = { wish = \"hang_up\" }",
    "menu = { prompt = \"Press 1.\", keys = { 1 = \"one\" } }\nto = { one = \"hang_up\" }",
    "collect = { prompt = \"How many?\", slot = \"n\", kind = \"number\" }\nto = { done = \"hang_up\" }",
    "lookup = { name = \"pay\" }\nto = { found = \"hang_up\", not_found = \"hang_up\" }",
    "connect = { destination = \"sales\" }",
    "queue = { name = \"help\" }",
    "voicemail = { prompt = \"Speak.\", mailbox = \"desk\" }\nto = { done = \"hang_up\" }",
    "record = { turn = \"on\" }\nto = { done = \"hang_up\" }",
    "zone = { card = \"Card?\", lookup = \"pay\" }\nto = { paid = \"hang_up\", declined = \"hang_up\" }",
    "conference = { room = \"100\" }\nto = { done = \"hang_up\" }",
    "music = { for_s = 9 }\nto = { done = \"hang_up\" }",
    "hang_up = { prompt = \"Goodbye.\" }",
];

#[test]
fn a_hang_up_ends_every_node_and_undoes_what_is_on() {
    for deed in WAITING {
        let lookup = "[lookup.pay]\nurl = \"https://pay.example.com/\"\nmethod = \"POST\"\n";
        let mut scene = Scene::of(&format!("start = \"it\"\n{lookup}[node.it]\n{deed}\n"));
        let Some(Effect::Do { task, what }) = scene.effects().pop() else { panic!("{deed} waits") };
        assert!(scene.run.deadline().is_some(), "{deed} has no limit");
        let undone = match what {
            Task::Record(Turn::On) => Some(Effect::StopRecording),
            Task::EnterZone => Some(Effect::LeaveZone),
            _ => None,
        };
        let effects = scene.hand(Input::HungUp).effects();
        let end = Effect::End(Outcome::CallerHungUp);
        let wanted: Vec<Effect> =
            [Effect::Stop { task }].into_iter().chain(undone).chain([end]).collect();
        assert_eq!(effects, wanted, "{deed}");
    }
    let mut run = Run::new(flow(LOOKUPS, &Book::default()), facts());
    run.handle(Duration::ZERO, Input::HungUp);
    assert_eq!(run.poll(), Some(Effect::End(Outcome::CallerHungUp)), "even before it has begun");
}

#[test]
fn the_clock_goes_on_while_a_call_does() {
    let mut scene = Scene::of(
        "start = \"wait\"\n[node.wait]\nmusic = { for_s = 3599 }\nto = { done = \"say\" }\n[node.say]\n\
         hang_up = { prompt = \"{clock.time} on {clock.weekday}, {clock.date}, to {call.number}\" }\n",
    );
    scene.wait();
    assert_eq!(scene.said(), ["10:59 on tuesday, 2026-03-03, to 100"]);
}

#[test]
fn a_flow_goes_through_another_and_on() {
    let mut book = Book::default();
    let inner = flow(
        r#"
start = "where"
needs = ["vars.count", "caller.tier"]
[node.where]
decide = [{ when = "vars.count > 1 and caller.tier == \"gold\"", exit = "often" }]
to = { often = "set", otherwise = "once" }
[node.set]
set = { seen = "\"often\"" }
to = { done = "often" }
[node.often]
return = "often"
[node.once]
return = "once"
"#,
        &book,
    );
    let inner = flow::Document { name: "inner".to_owned(), ..inner.document().clone() };
    let inner =
        flow::Flow::check("inner", inner, &book).unwrap_or_else(|findings| panic!("{findings}"));
    book.flows.insert("inner".to_owned(), Arc::new(inner));
    let mut scene = Scene::with(
        r#"
start = "count"
needs = ["caller.tier"]
[node.count]
set = { count = "default(vars.count, 0) + 1" }
to = { done = "inner" }
[node.inner]
flow = "inner"
to = { once = "count", often = "say" }
[node.say]
say = { prompt = "{vars.seen}" }
to = { done = "hang_up" }
"#,
        &book,
    );
    assert_eq!(scene.said(), ["often"]);
    let path =
        ["count", "inner", "where", "once", "count", "inner", "where", "set", "often", "say"];
    assert_eq!(scene.path(), path);
    let exits: Vec<_> = scene.run.trace().iter().map(|step| step.exit.as_deref()).collect();
    assert_eq!((exits[1], exits[5]), (Some("once"), Some("often")));
}

#[test]
fn a_call_that_goes_round_is_ended_politely() {
    let mut scene = Scene::of(
        r#"
start = "count"
[prompts]
apology = "Sorry, {caller.name}."
[node.count]
set = { count = "default(vars.count, 0) + 1" }
to = { done = "enough" }
[node.enough]
decide = [{ when = "vars.count < 0", exit = "enough" }]
to = { enough = "hang_up", otherwise = "count" }
"#,
    );
    assert_eq!(scene.said(), ["Sorry, Ann."]);
    assert_eq!(scene.run.trace().len(), MOST_STEPS);
    assert_eq!(scene.tell(Reply::Done).end(), Outcome::Fallback(Why::Runaway));
}

#[test]
fn what_comes_too_late_changes_nothing() {
    let flow = flow(
        "start = \"a\"\n[node.a]\nsay = { prompt = \"A\" }\nto = { done = \"b\", timeout = \"b\" }\n\
         [node.b]\nsay = { prompt = \"B\" }\nto = { done = \"hang_up\" }\n",
        &Book::default(),
    );
    let mut run = Run::new(flow, facts());
    assert_eq!((run.deadline(), run.outcome()), (None, None));
    run.handle(Duration::ZERO, Input::Begin);
    let Some(Effect::Do { task, .. }) = run.poll() else { panic!("it speaks") };
    run.handle(Duration::from_secs(1), Input::Wake);
    assert_eq!(run.poll(), None, "it is not late yet");
    let late = run.deadline().expect("a prompt has a limit");
    run.handle(late, Input::Wake);
    assert_eq!(run.poll(), Some(Effect::Stop { task }));
    let Some(Effect::Do { task: next, .. }) = run.poll() else { panic!("it goes on") };
    run.handle(late, Input::Told { task, reply: Reply::Done });
    assert_eq!(run.poll(), None);
    run.handle(late, Input::Told { task: next, reply: Reply::Done });
    assert_eq!(run.poll(), Some(Effect::End(Outcome::HangUp)));
    for input in
        [Input::HungUp, Input::Wake, Input::Begin, Input::Told { task: next, reply: Reply::Done }]
    {
        run.handle(late, input);
        assert_eq!(run.poll(), None);
    }
    assert_eq!(run.outcome(), Some(&Outcome::HangUp));
}

const KEYS: &str = r#"
start = "hello"
most_s = 60
[keys]
0 = "operator"
[node.hello]
say = { prompt = "Hello, and a lot more." }
to = { done = "who" }
[node.who.ask]
prompt = "Who?"
answers = { ann = ["ann"] }
keys = { 1 = "ann" }
[node.who.to]
ann = "hang_up"
[node.operator]
connect = { destination = "operator" }
"#;

#[test]
fn a_key_leads_on_at_any_moment_until_somebody_is_connected() {
    let at = |run: &Run| run.trace().last().map(|step| step.node.to_string());
    let mut scene = Scene::of(KEYS);
    assert!(scene.run.takes('0') && !scene.run.takes('1'));
    let mut asked = scene.clone();
    scene.hand(Input::Key('0'));
    assert_eq!(at(&scene.run).as_deref(), Some("operator"));
    assert!(!scene.run.takes('0'), "it is there already");
    asked.tell(Reply::Done);
    asked.tell(Reply::Digits("0".to_owned()));
    assert_eq!(at(&asked.run).as_deref(), Some("operator"));
}

#[test]
fn a_call_stays_no_longer_than_the_flow_allows() {
    let mut scene = Scene::of(KEYS);
    assert_eq!(scene.run.deadline(), Some(Duration::from_secs(60)));
    scene.wait();
    assert_eq!(scene.run.outcome(), Some(&Outcome::Fallback(Why::TooLong)));
    let mut talking = Scene::of(KEYS);
    talking.hand(Input::Key('0'));
    talking.tell(Reply::Connected("operator".to_owned()));
    assert_eq!(talking.run.deadline(), None, "two people speak as long as they like");
}
