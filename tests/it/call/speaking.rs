//! A model that hears the caller and speaks: one sound that plays while it comes, and ends where the caller wants it to.

use std::time::Duration;

use call::{Fallback, Input, Stage, What, WriteId, Written};
use flow::Filled;
use intent::Cut;

use super::scene::Scene;

const TALK: &str = r#"
schema = 1
name = "test"
start = "talk"
[node.talk.converse]
model = "speech"
prompt = "What would you like to know?"
about = "We open at nine."
ends = { solved = "when there is nothing more to ask" }
answers = { person = ["[a] person"] }
sorry = "Sorry."
[node.talk.to]
solved = "hang_up"
person = "operator"
done = "operator"
timeout = "operator"
error = "operator"
[node.operator]
connect = { destination = "operator" }
"#;

impl Scene {
    fn comes(&mut self, id: u32, what: Written) -> &mut Self {
        self.after(100, Input::Written { id: WriteId(id), what })
    }

    /// The first of the model's sound comes, and is heard.
    fn begins_to_speak(&mut self, id: u32) -> &mut Self {
        let voice = format!("voice {id}");
        assert_eq!(self.comes(id, Written::Voice).commands(), [format!("play {voice}")]);
        self.audible(&voice)
    }

    fn speaks_of(&mut self, id: u32, words: &str, from: u64) -> &mut Self {
        let from = Duration::from_secs(from);
        self.comes(id, Written::Spoken { words: words.to_owned(), from })
    }

    fn is_done(&mut self, id: u32, label: Option<&str>) -> &mut Self {
        let label = label.map(str::to_owned);
        self.comes(id, Written::Done { slots: Vec::<Filled>::new(), label })
    }
}

/// A caller who has asked something, which the model is to answer.
fn asked() -> Scene {
    let mut scene = Scene::through(TALK);
    let commands = scene.commands();
    assert_eq!(commands[..2], ["open speech", "listen test/talk"], "{commands:?}");
    scene.ends(900, "What would you like to know?");
    scene.speaks().falls_silent().hears("when do you open", Cut::Final, 0, 0.0);
    let write = "write 1: Some(ByCaller(\"when do you open\"))";
    assert_eq!(scene.commands(), ["stop playing", write]);
    scene
}

#[test]
fn it_is_heard_from_its_first_sound_and_a_label_leads_on_once_all_is_heard() {
    let mut scene = asked();
    scene.begins_to_speak(1).speaks_of(1, "We open at nine.", 0).speaks_of(1, "Goodbye.", 2);
    scene.is_done(1, Some("solved"));
    assert_eq!(scene.commands(), [""; 0]);
    assert_eq!(scene.ends(3_000, "voice 1").commands(), ["close speech", "hang up"]);
}

#[test]
fn who_interrupts_ends_it_where_it_was_heard() {
    let mut scene = asked();
    scene.begins_to_speak(1).speaks_of(1, "We open at nine.", 0);
    scene.speaks_of(1, "On sundays at ten.", 5).is_done(1, None).commands();
    scene.after(1_000, Input::Wake).speaks();
    assert_eq!(scene.commands(), ["hold"]);
    scene.falls_silent().hears("no i mean the shop in leeds", Cut::Final, 0, 0.0);
    let write = "write 2: Some(ByCaller(\"no i mean the shop in leeds\"))";
    assert_eq!(scene.commands(), ["stop writing", "stop playing", write]);
}

#[test]
fn a_cough_holds_it_and_ends_nothing() {
    let mut scene = asked();
    scene.begins_to_speak(1);
    scene.after(100, Input::VoiceSensed { at: scene.now() });
    assert_eq!(scene.commands(), ["hold"]);
    assert_eq!(scene.is_done(1, None).commands(), [""; 0]);
    assert_eq!(scene.after(200, Input::VoiceVanished).commands(), ["resume"]);
    scene.ends(500, "voice 1").speaks().falls_silent().hears("thanks", Cut::Final, 0, 0.0);
    assert_eq!(scene.commands(), ["stop playing", "write 2: Some(ByCaller(\"thanks\"))"]);
}

#[test]
fn a_label_without_a_sound_leads_on() {
    let mut scene = asked();
    assert_eq!(scene.is_done(1, Some("solved")).commands(), ["close speech", "hang up"]);
}

#[test]
fn one_that_is_late_or_breaks_off_is_followed_by_what_is_written() {
    let mut scene = asked();
    assert_eq!(scene.wakes().commands(), ["stop writing", "play Sorry."]);
    assert_eq!(scene.overruns(), [(What::Stage(Stage::LlmFirstToken), Fallback::WrittenPrompt)]);
    let commands = scene.ends(500, "Sorry.").commands();
    assert_eq!(commands, ["close speech", "connect operator", "play ringing"]);
    let mut scene = asked();
    scene.begins_to_speak(1);
    scene.comes(1, Written::Failed("it broke off".to_owned()));
    assert_eq!(scene.commands(), [""; 0]);
    assert_eq!(scene.ends(300, "voice 1").commands(), ["play Sorry."]);
}

#[test]
fn it_hears_nothing_any_more_once_the_caller_is_gone_or_with_somebody() {
    let mut scene = asked();
    scene.begins_to_speak(1);
    scene.speaks();
    for _ in 0..2 {
        scene.hears("a person", Cut::MidWord, 0, 0.99);
    }
    let commands = scene.commands();
    assert_eq!(commands, ["hold", "stop writing", "close speech", "connect operator"]);
    let mut scene = asked();
    assert_eq!(scene.after(100, Input::CallerHungUp).commands(), ["close speech", "finish"]);
}
