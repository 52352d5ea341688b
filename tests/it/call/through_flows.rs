//! Calls through flows of their own: what a node begins, and what comes of it.

use std::collections::BTreeMap;

use call::{Basis, Input, NoRoom, Outcome, RoomNews, Why};
use flow::{Reply, Value};
use intent::Cut;

use super::scene::{Scene, heard};

const HEAD: &str = "schema = 1\nname = \"test\"\n";

fn flow(rest: &str) -> Scene {
    Scene::through(&format!("{HEAD}{rest}"))
}

#[test]
fn what_is_said_is_followed_by_what_comes_next() {
    let mut scene = flow(
        r#"
        start = "hello"
        [node.hello]
        say = { prompt = "Hello {caller.name}." }
        to = { done = "bye" }
        [node.bye]
        hang_up = { prompt = "Bye." }
        "#,
    );
    assert_eq!(scene.commands(), ["play Hello Ann."]);
    assert_eq!(scene.ends(900, "Hello Ann.").commands(), ["play Bye."]);
    assert_eq!(scene.ends(900, "Bye.").commands(), ["hang up"]);
    scene.after(5, Input::CallerHungUp);
    assert_eq!(scene.commands(), ["finish"]);
    let path: Vec<&str> = scene.record().path.iter().map(|step| &*step.node).collect();
    assert_eq!(path, ["hello", "bye"]);
}

const SURE: &str = r#"
start = "sure"
[node.sure.ask]
prompt = "Sure?"
answers.yes = ["yes", "yes please", "yeah", "sure"]
answers.no = ["no", "no thanks", "nope", "not now"]
keys = { 1 = "yes", 2 = "no" }
again = "Pardon?"
still_there = "Hello?"
[node.sure.to]
yes = "billing"
no = "hang_up"
[node.billing]
connect = { destination = "billing", announce = "To billing." }
"#;
const YES: u32 = 1;

#[test]
fn an_answer_is_taken_also_over_the_question() {
    let mut scene = flow(SURE);
    assert_eq!(scene.commands(), ["listen test/sure", "play Sure?"]);
    scene.speaks().hears("yes", Cut::MidWord, YES, 0.99).hears("yes", Cut::MidWord, YES, 0.99);
    assert_eq!(scene.commands(), ["hold", "connect billing"]);
    scene.after(4, Input::Accepted { attempt: 1 }).falls_silent();
    assert_eq!(scene.commands(), ["play To billing."]);
    let decision = scene.record().decision.as_ref().expect("decided");
    assert_eq!((decision.basis, decision.intent.as_deref()), (Basis::Partial, Some("yes")));
}

#[test]
fn a_key_answers_and_another_one_is_told() {
    let mut scene = flow(SURE);
    scene.commands();
    assert_eq!(scene.after(100, Input::Digit('9')).commands(), ["play Pardon?"]);
    scene.after(100, Input::Digit('2'));
    assert_eq!(scene.commands(), ["stop playing", "hang up"]);
}

#[test]
fn silence_is_asked_and_then_falls_back() {
    let mut scene = flow(SURE);
    scene.commands();
    assert_eq!(scene.ends(500, "Sure?").wakes().commands(), ["play Hello?"]);
    scene.ends(500, "Hello?").wakes();
    assert_eq!(scene.connects_to(), ["operator"]);
    scene.after(5, Input::NotConnected { attempt: 1, why: Why::Busy });
    assert_eq!(scene.commands(), ["play goodbye"]);
    assert_eq!(scene.ends(900, "goodbye").commands(), ["give back"]);
}

#[test]
fn a_number_is_keyed_in_and_ends_by_hash_by_its_length_or_by_waiting() {
    const NUMBER: &str = r#"
        start = "account"
        [node.account]
        collect = { slot = "account", kind = { digits = { least = 4, most = 6 } }, by = "keys", prompt = "Which?", wait_s = 3 }
        to = { done = "tell" }
        [node.tell]
        hang_up = { prompt = "It is {slots.account}." }
        "#;
    let end = |scene: &mut Scene, keys: &str| {
        assert_eq!(scene.commands(), ["play Which?"]);
        for key in keys.chars() {
            scene.after(300, Input::Digit(key));
        }
    };
    for keys in ["4021#", "402177"] {
        let mut scene = flow(NUMBER);
        end(&mut scene, keys);
        let told = format!("play It is {}.", keys.trim_end_matches('#'));
        assert_eq!(scene.commands(), ["stop playing".to_owned(), told]);
    }
    let mut scene = flow(NUMBER);
    end(&mut scene, "4021");
    scene.wakes();
    assert_eq!(scene.commands(), ["stop playing", "play It is 4021."]);
}

#[test]
fn a_lookup_says_something_and_is_answered() {
    let mut scene = flow(
        r#"
        start = "who"
        [lookup.crm]
        url = "https://crm.example.com/{caller.number}"
        fields = { tier = "/tier" }
        [node.who]
        lookup = { name = "crm", prompt = "One moment." }
        to = { found = "tier", not_found = "hang_up" }
        [node.tier]
        decide = [{ when = "lookup.crm.tier == 'gold'", exit = "gold" }]
        to = { gold = "tom", otherwise = "hang_up" }
        [node.tom]
        connect = { destination = "tom" }
        "#,
    );
    assert_eq!(scene.commands(), ["look up https://crm.example.com/%2B441234", "play One moment."]);
    let found = BTreeMap::from([("tier".to_owned(), Value::from("gold"))]);
    scene.after(80, Input::LookedUp(Reply::Found(found)));
    assert_eq!(scene.connects_to(), ["tom"]);
    assert_eq!(scene.record().decision.as_ref().map(|it| it.basis), Some(Basis::Flow));
}

#[test]
fn a_lookup_that_does_not_answer_is_given_up() {
    let mut scene = flow(
        r#"
        start = "who"
        [lookup.crm]
        url = "https://crm.example.com/"
        timeout_ms = 800
        [node.who]
        lookup = { name = "crm" }
        to = { found = "hang_up", not_found = "hang_up", timeout = "late" }
        [node.late]
        dialplan = { place = "late,s,1" }
        "#,
    );
    assert_eq!(scene.commands(), ["look up https://crm.example.com/"]);
    assert_eq!(scene.wakes().commands(), ["stop looking up", "give to s"]);
    scene.after(5, Input::LeftForDialplan);
    assert_eq!(scene.record().outcome, Some(Outcome::HandedBack));
}

#[test]
fn several_are_rung_at_once_and_the_first_who_answers_takes_the_call() {
    let mut scene = flow(
        r#"
        start = "all"
        [node.all]
        connect = { destination = ["tom", "billing", "operator"], ring = "all", ring_s = 15 }
        "#,
    );
    assert_eq!(
        scene.commands(),
        ["connect tom", "connect billing", "connect operator", "play ringing"]
    );
    for attempt in 1..=3 {
        scene.after(2, Input::Accepted { attempt });
    }
    scene.after(900, Input::NotConnected { attempt: 2, why: Why::Busy });
    assert_eq!(scene.commands(), [""; 0]);
    scene.after(900, Input::Connected { attempt: 3 });
    let connected = ["abandon 1", "stop playing", "stop listening", "close media"];
    assert_eq!(scene.commands(), connected);
    assert_eq!(scene.record().destination(), Some("operator"));
}

#[test]
fn several_are_rung_in_turn() {
    let mut scene = flow(
        r#"
        start = "all"
        [node.all]
        connect = { destination = ["billing", "operator"] }
        to = { busy = "hang_up", no_answer = "hang_up" }
        "#,
    );
    assert_eq!(scene.connects_to(), ["billing"]);
    scene.after(900, Input::NotConnected { attempt: 1, why: Why::Busy });
    assert_eq!(scene.commands(), ["play busy", "connect operator"]);
    scene.after(900, Input::NotConnected { attempt: 2, why: Why::NoAnswer });
    assert_eq!(scene.commands(), ["hang up"]);
}

const QUEUE: &str = r#"
start = "queue"
[node.queue]
queue = { name = "support", announce = "One moment.", variables = { WHO = "{caller.name}" }, most_s = 60 }
to = { empty = "sorry", full = "sorry", timeout = "sorry" }
[node.sorry]
hang_up = { prompt = "Sorry." }
"#;

#[test]
fn a_caller_waits_in_a_queue_with_music_until_an_agent_answers() {
    let mut scene = flow(QUEUE);
    assert_eq!(scene.commands(), ["connect support", "play One moment."]);
    scene.after(4, Input::Accepted { attempt: 1 }).ends(900, "One moment.");
    assert_eq!(scene.commands(), ["play music default"]);
    scene.after(9_000, Input::Connected { attempt: 1 });
    assert_eq!(scene.commands(), ["stop playing", "stop listening", "close media"]);
    scene.after(9_000, Input::CallerHungUp);
    assert_eq!(scene.commands(), ["finish"]);
    assert_eq!(scene.record().outcome, Some(Outcome::Connected));
    assert_eq!(scene.record().destination(), Some("support"));
}

#[test]
fn a_queue_with_nobody_in_it_a_full_one_and_too_long_a_wait_go_on_in_the_flow() {
    for (why, exit) in [(Why::Empty, "empty"), (Why::Full, "full"), (Why::NoAnswer, "timeout")] {
        let mut scene = flow(QUEUE);
        scene.commands();
        scene.after(4, Input::Accepted { attempt: 1 });
        scene.after(50, Input::NotConnected { attempt: 1, why });
        assert_eq!(scene.commands(), ["stop playing", "play Sorry."]);
        scene.after(50, Input::CallerHungUp);
        assert_eq!(scene.record().path[0].exit.as_deref(), Some(exit));
    }
}

#[test]
fn a_queue_that_asterisk_does_not_have_is_an_error_that_the_record_explains() {
    let mut scene = flow(QUEUE);
    scene.commands();
    scene.after(4, Input::Accepted { attempt: 1 });
    scene.after(50, Input::NotConnected { attempt: 1, why: Why::Unknown });
    assert!(scene.record().troubles[0].contains("no queue for support"));
    scene.after(50, Input::CallerHungUp);
    assert_eq!(scene.record().path[0].exit.as_deref(), Some("error"));
}

#[test]
fn music_plays_for_its_time_and_ends_at_a_key_that_leads_on() {
    let text = r#"
        start = "music"
        keys = { 0 = "bye" }
        [node.music]
        music = { class = "jazz", for_s = 30 }
        to = { done = "bye" }
        [node.bye]
        hang_up = {}
        "#;
    let mut scene = flow(text);
    assert_eq!(scene.commands(), ["play music jazz"]);
    assert_eq!(scene.wakes().commands(), ["stop playing", "hang up"]);
    let mut scene = flow(text);
    scene.commands();
    assert_eq!(scene.after(100, Input::Digit('0')).commands(), ["stop playing", "hang up"]);
}

const INTRODUCED: &str = r#"
start = "agents"
[node.agents]
connect = { destination = "tom", introduce = "Ann wants phones.", ring_s = 15 }
to = { refused = "sorry", no_answer = "nobody", busy = "nobody" }
[node.sorry]
hang_up = { prompt = "Sorry." }
[node.nobody]
hang_up = { prompt = "Nobody." }
"#;

const TELLS: &str = "tell 1 Ann wants phones. Press 1 to take the call, or 2 to refuse it., \
                     listen test/agents/introduce";

/// A call whose agent has answered and is being told of the caller.
fn introduced() -> Scene {
    let mut scene = flow(INTRODUCED);
    assert_eq!(scene.commands(), ["connect tom", "play ringing"]);
    scene.after(4, Input::Accepted { attempt: 1 }).after(2_000, Input::Reached { attempt: 1 });
    assert_eq!(scene.commands(), [TELLS]);
    scene
}

#[test]
fn an_agent_who_takes_the_call_by_a_key_is_joined_with_the_caller() {
    let mut scene = introduced();
    // Words do not end at the ringing time, and a key counts while they are said.
    scene.after(14_000, Input::AgentDigit { attempt: 1, key: '7' });
    assert_eq!(scene.commands(), [""; 0]);
    scene.after(100, Input::AgentDigit { attempt: 1, key: '1' });
    assert_eq!(scene.commands(), ["admit 1"]);
    scene.after(5, Input::Connected { attempt: 1 });
    let connected = ["stop playing", "stop listening", "close media"];
    assert_eq!(scene.commands(), connected);
    assert_eq!(scene.record().destination(), Some("tom"));
}

#[test]
fn an_agent_who_says_yes_takes_the_call() {
    let mut scene = introduced();
    scene.after(4_000, Input::WhisperEnded { attempt: 1 });
    let yes = heard("yes please", Cut::Final, 1, 0.99, scene.now());
    scene.after(900, Input::AgentHeard { attempt: 1, heard: yes });
    assert_eq!(scene.commands(), ["admit 1"]);
}

#[test]
fn an_agent_who_refuses_leaves_the_caller_to_the_flow() {
    let mut scene = introduced();
    scene.after(900, Input::AgentDigit { attempt: 1, key: '2' });
    assert_eq!(scene.commands(), ["abandon 1", "play busy", "connect billing"]);
    scene.after(4, Input::Accepted { attempt: 2 }).after(900, Input::Reached { attempt: 2 });
    scene.commands();
    scene.after(900, Input::AgentDigit { attempt: 2, key: '2' });
    assert_eq!(scene.commands(), ["abandon 2", "play Sorry."]);
}

#[test]
fn an_agent_who_says_nothing_is_told_twice_and_given_up() {
    let mut scene = introduced();
    scene.after(4_000, Input::WhisperEnded { attempt: 1 });
    assert_eq!(scene.wakes().commands(), [TELLS]);
    scene.after(4_000, Input::WhisperEnded { attempt: 1 });
    assert_eq!(scene.wakes().commands(), ["abandon 1", "play busy", "connect billing"]);
}

#[test]
fn a_caller_who_hangs_up_meanwhile_is_introduced_to_nobody() {
    let mut scene = introduced();
    scene.after(900, Input::CallerHungUp);
    assert!(scene.commands().contains(&"finish".to_owned()));
    assert_eq!(scene.record().outcome, Some(Outcome::Abandoned));
}

const CONFERENCE: &str = r#"
start = "board"
keys = { 0 = "operator" }
[node.board]
conference = { room = "board", name = "{caller.name}", announce = "Welcome.", most_s = 600, remind = { before_s = 60, prompt = "One minute left." } }
to = { done = "bye", refused = "locked" }
[node.operator]
connect = { destination = "operator" }
[node.locked]
hang_up = { prompt = "It is locked." }
[node.bye]
hang_up = { prompt = "Goodbye." }
"#;

/// A call whose caller is in the room, with so many others.
fn in_the_room(others: u32) -> Scene {
    let mut scene = flow(CONFERENCE);
    assert_eq!(scene.commands(), ["play Welcome."]);
    assert_eq!(scene.ends(900, "Welcome.").commands(), ["enter board as Ann"]);
    scene.after(20, Input::RoomEntered { others });
    scene
}

fn told(scene: &mut Scene, news: RoomNews) -> Vec<String> {
    scene.after(1_000, Input::RoomTold(news)).commands()
}

#[test]
fn who_is_alone_in_a_room_hears_music_until_somebody_comes() {
    let mut scene = in_the_room(0);
    assert_eq!(scene.commands(), ["play music default"]);
    let came = RoomNews::Came("Bob".to_owned());
    assert_eq!(told(&mut scene, came), ["play Bob has joined."]);
    let went = RoomNews::Went { name: String::new(), others: 1 };
    assert_eq!(told(&mut scene, went), ["play Somebody has left."]);
    let went = RoomNews::Went { name: "Bob".to_owned(), others: 0 };
    assert_eq!(told(&mut scene, went), ["play music default"]);
}

#[test]
fn a_caller_in_a_room_is_reminded_and_taken_out_when_the_time_is_over() {
    let mut scene = in_the_room(2);
    assert_eq!(scene.commands(), [""; 0]);
    assert_eq!(scene.wakes().commands(), ["play One minute left."]);
    assert_eq!(scene.wakes().commands(), ["leave room"]);
    assert_eq!(scene.after(20, Input::RoomLeft).commands(), ["stop playing", "play Goodbye."]);
    scene.after(50, Input::CallerHungUp);
    assert_eq!(scene.record().path[0].exit.as_deref(), Some("done"));
}

#[test]
fn keys_in_a_room_mute_lock_and_lead_out() {
    let mut scene = in_the_room(0);
    scene.commands();
    let mut press = |key| scene.after(500, Input::Digit(key)).commands();
    assert_eq!(press('*'), ["mute", "play You are muted."]);
    assert_eq!(press('*'), ["unmute", "play You can be heard."]);
    assert_eq!(press('#'), ["lock", "play The room is locked."]);
    assert_eq!(press('#'), ["unlock", "play The room is open."]);
    assert_eq!(press('7'), [""; 0]);
    press('*');
    let left = ["stop playing", "unmute", "leave room", "connect operator", "play ringing"];
    assert_eq!(press('0'), left);
    // Who came later locks nothing.
    let mut scene = in_the_room(1);
    scene.commands();
    assert_eq!(scene.after(500, Input::Digit('#')).commands(), [""; 0]);
}

#[test]
fn a_room_that_is_locked_or_does_not_open_leads_on_in_the_flow() {
    for (why, says) in [
        (NoRoom::Locked, "play It is locked."),
        (NoRoom::Failed("broken".to_owned()), "connect operator"),
    ] {
        let mut scene = flow(CONFERENCE);
        scene.commands();
        scene.ends(900, "Welcome.").commands();
        scene.after(20, Input::RoomRefused(why));
        assert_eq!(scene.commands()[0], says);
    }
    let mut scene = flow(CONFERENCE);
    scene.commands();
    scene.ends(900, "Welcome.").commands();
    assert_eq!(scene.wakes().commands()[..2], ["stop playing", "leave room"]);
}

#[test]
fn who_is_taken_out_of_a_room_by_others_goes_on_in_the_flow() {
    let mut scene = in_the_room(1);
    assert_eq!(told(&mut scene, RoomNews::Removed), ["leave room"]);
    assert_eq!(scene.after(20, Input::RoomLeft).commands(), ["stop playing", "play Goodbye."]);
}

#[test]
fn who_leads_a_room_next_can_open_what_was_locked() {
    let mut scene = in_the_room(1);
    told(&mut scene, RoomNews::Locked(true));
    assert_eq!(told(&mut scene, RoomNews::Host), ["play You are the host now."]);
    let opened = scene.after(500, Input::Digit('#')).commands();
    assert_eq!(opened, ["unlock", "play The room is open."]);
}

#[test]
fn who_is_muted_or_held_by_others_is_heard_again_outside() {
    let mut scene = in_the_room(1);
    assert_eq!(told(&mut scene, RoomNews::Muted(true)), ["mute", "play You are muted."]);
    assert_eq!(told(&mut scene, RoomNews::Muted(true)), [""; 0]);
    let held = ["stop playing", "music alone", "mute"];
    assert_eq!(told(&mut scene, RoomNews::Held(true)), held);
    // Music is all that is heard.
    assert_eq!(told(&mut scene, RoomNews::Came("Bob".to_owned())), [""; 0]);
    assert_eq!(scene.after(500, Input::Digit('*')).commands(), [""; 0]);
    // Who was muted before is muted after.
    let again = ["stop playing", "room again", "mute"];
    assert_eq!(told(&mut scene, RoomNews::Held(false)), again);
    // Who is alone by then hears music again.
    told(&mut scene, RoomNews::Held(true));
    let went = RoomNews::Went { name: "Bob".to_owned(), others: 0 };
    assert_eq!(told(&mut scene, went), [""; 0]);
    let alone = ["stop playing", "room again", "mute", "play music default"];
    assert_eq!(told(&mut scene, RoomNews::Held(false)), alone);
    told(&mut scene, RoomNews::Held(true));
    let out = ["room again", "unmute", "leave room"];
    assert_eq!(told(&mut scene, RoomNews::Removed), out);
}

#[test]
fn a_flow_says_what_happens_in_a_room_in_its_own_words() {
    let says =
        r#"says = { came = "{who} ist da.", somebody = "Jemand", muted = "Sie sind stumm." }"#;
    let with =
        CONFERENCE.replace("announce = \"Welcome.\"", &format!("announce = \"Welcome.\", {says}"));
    let mut scene = flow(&with);
    scene.commands();
    scene.ends(900, "Welcome.").after(20, Input::RoomEntered { others: 1 }).commands();
    let came = RoomNews::Came(String::new());
    assert_eq!(told(&mut scene, came), ["play Jemand ist da."]);
    let muted = scene.after(500, Input::Digit('*')).commands();
    assert_eq!(muted, ["mute", "play Sie sind stumm."]);
}
