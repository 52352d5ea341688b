//! What a language model writes is said while it still writes; what it does not write in time is said as it is written.

use call::{Fallback, Input, Outcome, Stage, What, WriteId, Written};
use flow::Filled;
use intent::Cut;

use super::scene::Scene;

const HEAD: &str = "schema = 1\nname = \"test\"\n";

fn flow(rest: &str) -> Scene {
    Scene::through(&format!("{HEAD}{rest}"))
}

const HELLO: &str = r#"
start = "hello"
[node.hello]
say = { prompt = "Hello.", phrased = "Greet {caller.name}." }
to = { done = "bye" }
[node.bye]
hang_up = {}
"#;

const TALK: &str = r#"
start = "talk"
[node.talk.converse]
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
    fn sentence(&mut self, id: u32, words: &str) -> &mut Self {
        let what = Written::Sentence(words.to_owned());
        self.after(200, Input::Written { id: WriteId(id), what })
    }

    fn done(&mut self, id: u32, label: Option<&str>) -> &mut Self {
        let what = Written::Done { slots: Vec::<Filled>::new(), label: label.map(str::to_owned) };
        self.after(50, Input::Written { id: WriteId(id), what })
    }

    fn fails(&mut self, id: u32) -> &mut Self {
        let what = Written::Failed("HTTP 500".to_owned());
        self.after(50, Input::Written { id: WriteId(id), what })
    }

    fn says(&mut self, words: &str) -> &mut Self {
        self.speaks().falls_silent().hears(words, Cut::Final, 0, 0.0)
    }

    /// A caller who has asked something, which a model is to answer.
    fn asked(words: &str) -> Self {
        let mut scene = flow(TALK);
        assert_eq!(scene.commands()[1], "play What would you like to know?");
        scene.ends(900, "What would you like to know?").says(words);
        let commands = scene.commands();
        assert_eq!(commands, ["stop playing", &format!("write 1: Some(ByCaller({words:?}))")]);
        scene
    }
}

#[test]
fn the_first_sentence_is_said_while_the_second_is_written() {
    let mut scene = flow(HELLO);
    assert_eq!(scene.commands(), ["stop playing", "write 1: Greet Ann."]);
    scene.sentence(1, "Good morning, Ann.");
    assert_eq!(scene.commands(), ["play Good morning, Ann."]);
    scene.audible("Good morning, Ann.").sentence(1, "How nice.").done(1, None);
    assert_eq!(scene.commands(), ["prepare How nice."]);
    assert_eq!(scene.ends(900, "Good morning, Ann.").commands(), ["play How nice."]);
    assert_eq!(scene.ends(500, "How nice.").commands(), ["hang up"]);
}

#[test]
fn who_waits_for_the_second_sentence_hears_it_when_it_comes() {
    let mut scene = flow(HELLO);
    scene.sentence(1, "Good morning.").commands();
    scene.ends(300, "Good morning.");
    assert_eq!(scene.sentence(1, "How nice.").commands(), ["play How nice."]);
    assert_eq!(scene.done(1, None).ends(500, "How nice.").commands(), ["hang up"]);
}

#[test]
fn a_model_without_words_in_time_is_stopped_and_what_is_written_is_said() {
    let mut scene = flow(HELLO);
    scene.commands();
    assert_eq!(scene.wakes().commands(), ["stop writing", "play Hello."]);
    assert_eq!(scene.overruns(), [(What::Stage(Stage::LlmFirstToken), Fallback::WrittenPrompt)]);
    // What comes too late is not said.
    assert_eq!(scene.sentence(1, "Good morning.").commands(), [""; 0]);
    assert_eq!(scene.ends(500, "Hello.").commands(), ["hang up"]);
}

#[test]
fn a_model_that_fails_or_writes_nothing_is_replaced_at_once() {
    for ends in
        [Scene::fails, (|scene, id| scene.done(id, None)) as fn(&mut Scene, u32) -> &mut Scene]
    {
        let mut scene = flow(HELLO);
        scene.commands();
        ends(&mut scene, 1);
        assert_eq!(scene.commands(), ["play Hello."]);
        assert!(scene.record().troubles[0].starts_with("the language model: "));
    }
}

#[test]
fn a_model_that_breaks_off_is_followed_by_all_that_is_written() {
    let mut scene = flow(HELLO);
    scene.sentence(1, "Good morning.").sentence(1, "It is").commands();
    assert_eq!(scene.fails(1).commands(), [""; 0]);
    assert_eq!(scene.ends(500, "Good morning.").commands(), ["play Hello."]);
}

#[test]
fn a_question_to_the_model_is_answered_and_the_next_one_heard() {
    let mut scene = Scene::asked("when do you open");
    scene.sentence(1, "At nine.").done(1, None);
    assert_eq!(scene.commands(), ["play At nine."]);
    scene.ends(700, "At nine.").says("and on sundays");
    let commands = scene.commands();
    assert_eq!(commands.last().expect("it writes"), "write 2: Some(ByCaller(\"and on sundays\"))");
}

#[test]
fn a_label_leads_on_once_the_words_before_it_are_said() {
    let mut scene = Scene::asked("thanks that is all");
    scene.sentence(1, "Goodbye.").done(1, Some("solved"));
    assert_eq!(scene.commands(), ["play Goodbye."]);
    assert_eq!(scene.ends(700, "Goodbye.").commands(), ["hang up"]);
}

#[test]
fn who_interrupts_stops_the_sound_and_the_writing() {
    let mut scene = Scene::asked("when do you open");
    scene.sentence(1, "We open at nine.").sentence(1, "On sundays at ten.").commands();
    scene.speaks();
    assert_eq!(scene.commands(), ["hold"]);
    scene.falls_silent().hears("no i mean the shop in leeds", Cut::Final, 0, 0.0);
    let commands = scene.commands();
    assert_eq!(
        commands,
        [
            "stop writing",
            "stop playing",
            "write 2: Some(ByCaller(\"no i mean the shop in leeds\"))"
        ]
    );
}

#[test]
fn a_cough_stops_neither() {
    let mut scene = Scene::asked("when do you open");
    scene.sentence(1, "We open at nine.").commands();
    scene.after(100, Input::VoiceSensed { at: scene.now() });
    assert_eq!(scene.commands(), ["hold"]);
    // The next sentence does not break the silence.
    assert_eq!(scene.sentence(1, "On sundays at ten.").commands(), ["prepare On sundays at ten."]);
    assert_eq!(scene.after(200, Input::VoiceVanished).commands(), ["resume"]);
    assert_eq!(scene.ends(800, "We open at nine.").commands(), ["play On sundays at ten."]);
}

#[test]
fn who_speaks_on_before_the_first_word_is_heard_out() {
    let mut scene = Scene::asked("when do you open");
    scene.speaks().sentence(1, "We open at nine.");
    assert_eq!(scene.commands(), ["hold", "prepare We open at nine."]);
    scene.falls_silent().hears("on sundays i mean", Cut::Final, 0, 0.0);
    assert_eq!(
        scene.commands().last().expect("it writes"),
        "write 2: Some(ByCaller(\"on sundays i mean\"))"
    );
}

#[test]
fn what_the_flow_understands_itself_does_not_wait_for_the_model() {
    let mut scene = Scene::asked("when do you open");
    // Nothing has been written yet; "person" is the only answer.
    scene.speaks().hears("a person", Cut::MidWord, 0, 0.99).hears(
        "a person",
        Cut::MidWord,
        0,
        0.99,
    );
    let commands = scene.commands();
    assert_eq!(commands, ["hold", "stop writing", "connect operator"]);
}

#[test]
fn when_the_model_fails_the_caller_is_told_and_the_flow_goes_on() {
    let mut scene = Scene::asked("when do you open");
    assert_eq!(scene.wakes().commands(), ["stop writing", "play Sorry."]);
    assert_eq!(scene.ends(500, "Sorry.").connects_to(), ["operator"]);
    let mut scene = Scene::asked("when do you open");
    assert_eq!(scene.fails(1).commands(), ["play Sorry."]);
    assert_eq!(scene.ends(500, "Sorry.").connects_to(), ["operator"]);
}

#[test]
fn a_caller_who_hangs_up_meanwhile_ends_the_call() {
    let mut scene = Scene::asked("when do you open");
    scene.after(100, Input::CallerHungUp);
    assert_eq!(scene.commands(), ["finish"]);
    assert_eq!(scene.record().outcome, Some(Outcome::Abandoned));
    assert_eq!(scene.deadline(), None);
}
