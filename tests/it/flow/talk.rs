//! What a language model may do in a flow: say things in its own words, answer from a text, fill slots, choose a label.

use std::sync::Arc;

use flow::{
    Book, Conversation, Effect, Errand, Filled, Flow, Input, Model, Outcome, Reply, Said, Task,
    TaskId, Value, Wrote, rehearse,
};
use intent::grammar::{Length, SlotKind};

use super::scene::Scene;

const TALK: &str = r#"
start = "talk"
language = "en"
model_s = 0.8
[node.talk.converse]
prompt = "What would you like to know?"
about = "We open at nine, {caller.name}."
slots = ["account"]
ends = { solved = "when there is nothing more to ask" }
answers = { person = ["[a] (person|human)"] }
keys = { 0 = "person" }
sorry = "I do not know."
turns = 2
[node.talk.to]
solved = "bye"
person = "operator"
done = "operator"
error = "fallback"
[node.bye]
hang_up = { prompt = "Goodbye, {slots.account}." }
[node.operator]
connect = { destination = "operator" }
"#;

fn book() -> Book {
    let digits = SlotKind::Digits(Length { least: 4, most: 20 });
    let account = SlotKind::Digits(Length { least: 4, most: 8 });
    let slots = [("account".to_owned(), account), ("long".to_owned(), digits)];
    Book { slots: slots.into(), ..super::ready_made::book() }
}

fn scene() -> Scene {
    Scene::with(TALK, &book())
}

fn said(words: &str) -> Reply {
    Reply::Said(words.to_owned())
}

fn brief(scene: &mut Scene) -> Conversation {
    match scene.task() {
        Task::Ask { brief: Some(brief), .. } => match brief.errand {
            Errand::Answer(talk) => talk,
            other => panic!("it answers nothing: {other:?}"),
        },
        other => panic!("no model is asked: {other:?}"),
    }
}

impl Scene {
    fn writes(
        &mut self,
        task: u32,
        words: &str,
        slots: &[(&str, &str)],
        label: Option<&str>,
    ) -> &mut Self {
        let filled = |(slot, value): &(&str, &str)| Filled {
            slot: (*slot).to_owned(),
            value: (*value).to_owned(),
        };
        let wrote = Wrote {
            words: words.to_owned(),
            slots: slots.iter().map(filled).collect(),
            label: label.map(str::to_owned),
        };
        self.hand(Input::Wrote { task: TaskId(task), wrote })
    }
}

#[test]
fn what_is_to_be_phrased_is_a_brief_with_the_prompt_in_reserve() {
    let mut scene = Scene::of(
        "start = \"hello\"\n[node.hello]\nsay = { prompt = \"Hello.\", phrased = \"Greet {caller.name}.\" }\nto = { done = \"hang_up\" }\n",
    );
    let Task::Phrase { brief, otherwise } = scene.task() else { panic!("a model phrases it") };
    assert_eq!(brief.errand, Errand::Phrase("Greet Ann.".to_owned()));
    assert_eq!(otherwise, ["Hello.".into()]);
    assert_eq!(scene.tell(Reply::Done).end(), Outcome::HangUp);
}

#[test]
fn a_question_is_phrased_once_and_then_put_as_it_is_written() {
    let mut scene = Scene::of(
        "start = \"sure\"\n[node.sure.ask]\nprompt = \"Sure?\"\nphrased = \"Ask whether they are sure.\"\nanswers.yes = [\"yes\"]\n[node.sure.to]\nyes = \"hang_up\"\n",
    );
    let Task::Ask { brief: Some(_), .. } = scene.task() else { panic!("a model asks") };
    let Task::Ask { brief: None, .. } = scene.tell(Reply::NoMatch).task() else {
        panic!("the second time it is written")
    };
}

#[test]
fn the_model_is_told_what_was_said_and_what_it_may_do() {
    let mut scene = scene();
    assert_eq!(scene.said(), ["What would you like to know?"]);
    scene.tell(said("when do you open"));
    let talk = brief(&mut scene);
    assert_eq!(talk.about, "We open at nine, Ann.");
    assert_eq!(talk.blanks[0].slot, "account");
    assert_eq!(talk.ends.keys().collect::<Vec<_>>(), ["solved"]);
    let first = Said::ByUs("What would you like to know?".to_owned());
    let asked = Said::ByCaller("when do you open".to_owned());
    assert_eq!(talk.said, [first.clone(), asked.clone()]);
    scene.writes(2, "At nine.", &[], None).tell(said("thanks"));
    let answered = Said::ByModel("At nine.".to_owned());
    assert_eq!(
        brief(&mut scene).said,
        [first, asked, answered, Said::ByCaller("thanks".to_owned())]
    );
}

#[test]
fn a_model_ends_it_by_a_label_of_the_list_and_fills_slots_with_what_fits() {
    let mut scene = scene();
    scene.tell(said("my account is 40 21")).effects();
    let slots = [("account", "40 21"), ("long", "4021"), ("caller.number", "1")];
    scene.writes(2, "Goodbye.", &slots, Some("solved")).tell(Reply::Done);
    assert_eq!(scene.said_at_the_end(), ["Goodbye, 4021."]);
    assert_eq!(
        scene.run.value(scene.now, "slots.long"),
        Value::Nothing,
        "it is none of the node's"
    );
    assert_eq!(scene.run.value(scene.now, "call.answer"), "solved".into());
}

#[test]
fn what_does_not_fit_fills_nothing() {
    for (slot, value) in [("account", "four"), ("account", "4111111111111111"), ("account", "1")] {
        let mut scene = scene();
        scene.tell(said("hello")).writes(2, "Fine.", &[(slot, value)], None);
        assert_eq!(scene.run.value(scene.now, "slots.account"), Value::Nothing, "{value}");
    }
}

#[test]
fn no_label_that_the_node_does_not_have_leads_anywhere() {
    for label in ["person", "operator", "fallback", "error", "done"] {
        let mut scene = scene();
        scene.tell(said("hello")).writes(2, "Fine.", &[], Some(label)).tell(Reply::Done);
        assert_eq!(scene.end(), Outcome::Fallback(flow::Why::Chosen), "{label}");
    }
}

#[test]
fn who_speaks_on_after_the_model_has_chosen_is_answered() {
    let mut scene = scene();
    scene.tell(said("thanks")).writes(2, "Goodb", &[], Some("solved"));
    scene.tell(said("no wait")).effects();
    // The label was for what was said before.
    scene.tell(Reply::Done);
    assert_eq!(scene.end(), Outcome::Fallback(flow::Why::Chosen));
}

#[test]
fn what_the_flow_understands_itself_needs_no_model() {
    let person = Reply::Answer { label: "person".to_owned(), slots: Vec::new(), confidence: 0.9 };
    for reply in [person, Reply::Digits("0".to_owned())] {
        let mut scene = scene();
        assert!(matches!(scene.tell(reply).task(), Task::Connect { .. }));
    }
}

#[test]
fn it_is_over_when_the_caller_has_spoken_often_enough() {
    let mut scene = scene();
    for task in 2..4 {
        scene.tell(said("and then")).writes(task, "So.", &[], None);
    }
    scene.effects();
    assert!(matches!(scene.tell(said("and then")).task(), Task::Connect { .. }));
}

#[test]
fn silence_is_asked_and_a_failure_has_its_exit() {
    let mut scene = scene();
    scene.effects();
    scene.tell(Reply::NoInput);
    assert_eq!(scene.said(), ["What would you like to know?"]);
    scene.tell(Reply::NoInput);
    assert_eq!(scene.end(), Outcome::Fallback(flow::Why::Failure));
    let mut scene = self::scene();
    scene.tell(said("hello")).tell(Reply::Failed("HTTP 500".to_owned()));
    assert_eq!(scene.end(), Outcome::Fallback(flow::Why::Chosen));
}

#[test]
fn a_model_that_speaks_hears_from_the_beginning_of_its_node_to_its_end() {
    let speaks = TALK.replace("about =", "model = \"speech\"\nabout =");
    let mut scene = Scene::with(&speaks, &book());
    let begins = scene.effects();
    let [Effect::OpenSpeech(brief), Effect::Do { what: Task::Ask { .. }, .. }] = &begins[..] else {
        panic!("{begins:?}")
    };
    let Errand::Answer(talk) = &brief.errand else { panic!("{brief:?}") };
    assert_eq!((talk.about.as_str(), brief.model), ("We open at nine, Ann.", Model::Speech));
    scene.tell(said("when do you open"));
    let Effect::Do { what: Task::Ask { brief: Some(brief), .. }, .. } = &scene.effects()[0] else {
        panic!("it is asked")
    };
    assert_eq!(brief.model, Model::Speech);
    scene.writes(2, "Bye.", &[], Some("solved")).tell(Reply::Done);
    let ends = scene.effects();
    assert!(matches!(ends[..], [Effect::CloseSpeech, Effect::Do { .. }]), "{ends:?}");
}

#[test]
fn a_stored_test_says_what_the_model_writes() {
    let tests = r#"
[[test]]
name = "it answers and ends it"
does = [{ says = "when do you open" }, { says = "thank you, that is all" }]
writes = [{ words = "At nine." }, { words = "You are welcome.", slots = { account = "4021" }, end = "solved" }]
[test.expect]
path = ["talk", "bye"]
ends = "hang_up"
hears = ["what would you like", "at nine", "welcome", "goodbye, 4021"]
[[test]]
name = "it has no words"
does = [{ says = "when do you open" }]
expect = { path = ["talk"], ends = "fallback", hears = ["I do not know"] }
[[test]]
name = "a person needs no model"
does = [{ says = "a person" }]
expect = { path = ["talk", "operator"], ends = "operator" }
"#;
    let text = format!("schema = 1\nname = \"talk\"\n{TALK}{tests}")
        .replace("error = ", "timeout = \"fallback\"\nerror = ");
    let flow =
        Flow::parse("talk.toml", &text, &book()).unwrap_or_else(|findings| panic!("{findings}"));
    for rehearsal in rehearse(&Arc::new(flow)).expect("it can be learned") {
        assert_eq!(rehearsal.difference, None, "{}: {:?}", rehearsal.name, rehearsal.heard);
    }
}

impl Scene {
    /// What is said by the task that was begun last, before the end.
    fn said_at_the_end(&mut self) -> Vec<String> {
        let begun = self.effects().into_iter().rev().find_map(|effect| match effect {
            Effect::Do { what: Task::Say(say), .. } => Some(say),
            _ => None,
        });
        let sounds = begun.expect("something is said").into_iter();
        sounds
            .map(|sound| match sound {
                flow::Sound::Spoken(words) | flow::Sound::File(words) => words,
            })
            .collect()
    }
}
