//! What is kept of a call, and what must not be: recordings, messages, and the zone in which a card is keyed in.

use std::collections::BTreeMap;
use std::time::Duration;

use call::{Input, RecordedBy, RecordingEnd, RecordingId, ZoneCut, ZoneEvent};
use flow::{CardItem, Reply, Secret, Value};
use intent::Cut;

use super::scene::Scene;

const HEAD: &str = "schema = 1\nname = \"test\"\n";

fn flow(rest: &str) -> Scene {
    Scene::through(&format!("{HEAD}{rest}"))
}

const RECORDED: &str = r#"
start = "on"
[node.on]
record = { turn = "on", consent = "May we record this?" }
to = { done = "talk", refused = "talk", error = "unrecorded", timeout = "unrecorded" }
[node.talk]
say = { prompt = "Talk." }
to = { done = "off" }
[node.off]
record = { turn = "off" }
to = { done = "bye" }
[node.bye]
hang_up = { prompt = "Bye." }
[node.unrecorded]
hang_up = { prompt = "Unrecorded." }
"#;

fn began(number: u32) -> Input {
    let id = RecordingId(number);
    Input::RecordingBegan { id, by: RecordedBy::Us, path: format!("call-{number}.wav") }
}

fn ended(number: u32, why: RecordingEnd) -> Input {
    Input::RecordingEnded { id: RecordingId(number), why }
}

/// Who has agreed to be recorded; the recording has begun.
fn recorded() -> Scene {
    let mut scene = flow(RECORDED);
    assert_eq!(scene.commands(), ["listen test/on/consent", "play May we record this?"]);
    scene.after(900, Input::Digit('1'));
    assert_eq!(scene.commands(), ["stop playing", "record"]);
    assert_eq!(scene.after(80, began(1)).commands(), ["play Talk."]);
    scene
}

#[test]
fn a_recording_begins_when_it_is_agreed_to_and_confirmed_and_ends_where_the_flow_says_so() {
    let mut scene = recorded();
    assert_eq!(scene.ends(700, "Talk.").commands(), ["stop recording"]);
    assert_eq!(scene.after(60, ended(1, RecordingEnd::Stopped)).commands(), [""; 0]);
    assert_eq!(scene.after(0, Input::RecordingOff).commands(), ["play Bye."]);
    let [recording] = &scene.record().recordings[..] else { panic!("{:?}", scene.record()) };
    assert_eq!((recording.path.as_str(), recording.by), ("call-1.wav", RecordedBy::Us));
    assert!(recording.to.is_some_and(|to| to > recording.from));
    assert_eq!(recording.ended, Some(RecordingEnd::Stopped));
}

#[test]
fn nobody_is_recorded_who_does_not_agree() {
    let mut scene = flow(RECORDED);
    scene.commands();
    assert_eq!(scene.after(900, Input::Digit('2')).commands(), ["stop playing", "play Talk."]);
}

#[test]
fn a_recording_that_cannot_begin_or_does_not_is_known() {
    let mut refused = flow(RECORDED);
    refused.after(900, Input::Digit('1')).commands();
    refused.after(10, Input::RecordingRefused("the disk is full".to_owned()));
    assert_eq!(refused.commands(), ["play Unrecorded."]);
    assert_eq!(refused.record().troubles, ["the disk is full"]);
    let mut silent = flow(RECORDED);
    silent.after(900, Input::Digit('1')).commands();
    assert_eq!(silent.wakes().commands(), ["play Unrecorded."]);
    // It may have begun all the same.
    assert_eq!(silent.ends(900, "Unrecorded.").commands(), ["stop recording", "hang up"]);
}

#[test]
fn a_full_disk_ends_the_recording_and_no_call() {
    let mut scene = recorded();
    assert_eq!(scene.after(100, ended(1, RecordingEnd::DiskFull)).commands(), [""; 0]);
    assert_eq!(scene.ends(700, "Talk.").commands(), ["stop recording"]);
    assert_eq!(scene.after(0, Input::RecordingOff).commands(), ["play Bye."]);
    assert_eq!(scene.record().recordings[0].ended, Some(RecordingEnd::DiskFull));
}

#[test]
fn a_recording_ends_with_its_call_and_what_is_told_after_the_end_is_kept() {
    for end in [Input::CallerHungUp, Input::PbxLost] {
        let mut scene = recorded();
        assert_eq!(scene.after(100, end).commands(), ["stop recording", "finish"]);
        scene.after(40, ended(1, RecordingEnd::Stopped));
        assert_eq!(scene.record().recordings[0].ended, Some(RecordingEnd::Stopped));
    }
}

#[test]
fn what_two_people_say_to_each_other_is_kept_as_asterisks_recording() {
    let mut scene = flow(
        r#"
        start = "on"
        [node.on]
        record = { turn = "on" }
        to = { done = "tom" }
        [node.tom]
        connect = { destination = "tom" }
        "#,
    );
    assert_eq!(scene.commands(), ["record"]);
    assert_eq!(scene.after(50, began(1)).connects_to(), ["tom"]);
    scene.after(5, Input::Accepted { attempt: 1 }).after(900, Input::Connected { attempt: 1 });
    scene.after(5, ended(1, RecordingEnd::Stopped)).commands();
    let (id, by) = (RecordingId(2), RecordedBy::Asterisk);
    scene.after(5, Input::RecordingBegan { id, by, path: "two".to_owned() });
    assert_eq!(scene.after(9_000, Input::CallerHungUp).commands(), ["stop recording", "finish"]);
    scene.after(5, ended(2, RecordingEnd::Stopped));
    let parts: Vec<_> = scene.record().recordings.iter().map(|it| (it.by, it.to)).collect();
    assert!(matches!(parts[..], [(RecordedBy::Us, Some(_)), (RecordedBy::Asterisk, Some(_))]));
}

const MAILBOX: &str = r#"
start = "leave"
[keys]
0 = "operator"
[node.leave]
voicemail = { prompt = "Nobody is here.", mailbox = "support", most_s = 60 }
to = { done = "thanks", no_input = "nothing", error = "broken" }
[node.thanks]
hang_up = { prompt = "Thanks." }
[node.nothing]
hang_up = { prompt = "Nothing." }
[node.broken]
hang_up = { prompt = "Broken." }
[node.operator]
connect = { destination = "operator" }
"#;

/// The beep has sounded, and the message is recorded.
fn at_the_beep() -> Scene {
    let mut scene = flow(MAILBOX);
    assert_eq!(scene.commands(), ["play Nobody is here."]);
    assert_eq!(scene.ends(900, "Nobody is here.").commands(), ["play beep"]);
    assert_eq!(scene.ends(400, "beep").commands(), ["take a message for support, 60 s"]);
    scene
}

fn kept() -> Input {
    Input::MessageKept { mailbox: "support".to_owned(), path: "support/1.wav".to_owned() }
}

#[test]
fn a_message_ends_by_hash_by_silence_and_by_its_length() {
    let mut by_key = at_the_beep();
    by_key.speaks().after(2_000, Input::Digit('#'));
    assert_eq!(by_key.commands(), ["keep message"]);
    assert_eq!(by_key.after(100, kept()).commands(), ["play Thanks."]);
    assert_eq!(by_key.record().messages[0].path, "support/1.wav");
    let mut by_silence = at_the_beep();
    by_silence.speaks().falls_silent().speaks().falls_silent();
    assert_eq!(by_silence.commands(), [""; 0]);
    assert_eq!(by_silence.wakes().commands(), ["keep message"]);
    let mut by_length = at_the_beep();
    assert_eq!(by_length.speaks().wakes().commands(), ["keep message"]);
    assert!(by_length.record().turns.is_empty(), "a message is no answer");
}

#[test]
fn a_message_without_a_word_is_none() {
    let mut silent = at_the_beep();
    assert_eq!(silent.wakes().commands(), ["drop message", "play Nothing."]);
    let mut at_once = at_the_beep();
    assert_eq!(at_once.after(500, Input::Digit('#')).commands(), ["drop message", "play Nothing."]);
}

#[test]
fn who_has_spoken_and_hangs_up_has_left_a_message() {
    let mut spoke = at_the_beep();
    assert_eq!(
        spoke.speaks().after(900, Input::CallerHungUp).commands(),
        ["keep message", "finish"]
    );
    spoke.after(50, kept());
    assert_eq!(spoke.record().messages.len(), 1);
    let mut silent = at_the_beep();
    assert_eq!(silent.after(900, Input::CallerHungUp).commands(), ["drop message", "finish"]);
}

#[test]
fn a_key_leads_away_from_a_message_which_is_kept_and_hash_skips_the_prompt() {
    let mut scene = flow(MAILBOX);
    scene.commands();
    assert_eq!(scene.after(100, Input::Digit('#')).commands(), ["play beep"]);
    scene.ends(400, "beep").speaks().commands();
    assert_eq!(
        scene.after(900, Input::Digit('0')).commands(),
        ["keep message", "connect operator", "play ringing"]
    );
}

#[test]
fn a_message_that_cannot_be_recorded_is_told() {
    let mut scene = at_the_beep();
    scene.after(90, Input::MessageFailed("no room".to_owned()));
    assert_eq!(scene.commands(), ["play Broken."]);
    assert_eq!(scene.record().troubles, ["no room"]);
}

const PAID: &str = r#"
start = "sure"
[lookup.charge]
url = "https://pay.example.com/"
method = "POST"
fields = { receipt = "/receipt" }
[node.sure.ask]
prompt = "Pay now?"
answers.yes = ["yes", "yes please", "yeah", "sure"]
answers.no = ["no", "no thanks", "nope", "not now"]
keys = { 1 = "yes", 2 = "no" }
[node.sure.to]
yes = "card"
no = "hang_up"
[node.card.zone]
card = "Card?"
cvc = "Cvc?"
again = "Again."
lookup = "charge"
wait_s = 5
[node.card.to]
paid = "thanks"
declined = "declined"
cut_failed = "cut_failed"
no_input = "silent"
no_match = "slip"
timeout = "late"
[node.thanks]
hang_up = { prompt = "Receipt {lookup.charge.receipt}." }
[node.declined]
hang_up = { prompt = "Declined." }
[node.cut_failed.ask]
prompt = "Not now. Again?"
answers.yes = ["yes", "yes please", "yeah", "sure"]
answers.no = ["no", "no thanks", "nope", "not now"]
keys = { 1 = "yes", 2 = "no" }
[node.cut_failed.to]
yes = "card"
no = "hang_up"
[node.silent]
hang_up = { prompt = "Silent." }
[node.slip]
hang_up = { prompt = "Slip." }
[node.late]
hang_up = { prompt = "Late." }
"#;

fn card(digits: &str) -> Input {
    Input::CardTaken(Secret::new(CardItem::Number, digits))
}

fn marks(scene: &Scene) -> Vec<ZoneEvent> {
    scene.record().zone.iter().map(|mark| mark.what).collect()
}

/// The zone is being entered.
fn at_the_zone() -> Scene {
    let mut scene = flow(PAID);
    scene.commands();
    scene.after(900, Input::Digit('1'));
    assert_eq!(scene.commands(), ["stop playing", "enter zone 1"]);
    scene
}

/// The card is asked for.
fn in_the_zone() -> Scene {
    let mut scene = at_the_zone();
    assert_eq!(
        scene.after(30, Input::ZoneEntered { attempt: 1 }).commands(),
        ["take card", "play Card?"]
    );
    scene
}

#[test]
fn a_card_is_taken_in_the_zone_and_paid_with() {
    let mut scene = in_the_zone();
    assert_eq!(scene.after(200, Input::CardKey).commands(), ["stop playing"]);
    scene.after(200, Input::CardKey);
    assert_eq!(scene.wakes().commands(), ["end card"], "no key comes any more");
    assert_eq!(scene.after(0, card("4111111111111111")).commands(), ["take cvc", "play Cvc?"]);
    scene.ends(700, "Cvc?").after(100, Input::CardKey);
    let cvc = Input::CardTaken(Secret::new(CardItem::Cvc, "123"));
    let pays = scene.after(100, cvc).commands();
    assert_eq!(pays, ["pay at https://pay.example.com/ with card, cvc"]);
    let found = BTreeMap::from([("receipt".to_owned(), Value::from("A7"))]);
    scene.after(300, Input::LookedUp(Reply::Found(found)));
    assert_eq!(scene.commands(), ["leave zone", "play Receipt A7."]);
    assert_eq!(marks(&scene), [ZoneEvent::Entered, ZoneEvent::Left]);
    let printed = format!("{:?}", scene.record());
    assert!(!printed.contains("4111"), "{printed}");
}

#[test]
fn a_card_is_not_asked_for_unless_every_cut_is_confirmed_in_time() {
    let mut refused = at_the_zone();
    let cut = ZoneCut::MixMonitor;
    refused.after(30, Input::ZoneRefused { attempt: 1, cut });
    assert_eq!(refused.commands()[0], "leave zone");
    assert_eq!(marks(&refused), [ZoneEvent::Refused(cut)]);
    // Lost: no word comes; late: it comes when nobody believes it any more.
    let mut late = at_the_zone();
    let asked = late.record().zone.len();
    assert_eq!(asked, 0);
    assert_eq!(late.wakes().commands()[0], "leave zone");
    assert_eq!(marks(&late), [ZoneEvent::Refused(ZoneCut::Late)]);
    late.after(100, Input::ZoneEntered { attempt: 1 });
    assert_eq!(late.commands(), [""; 0]);
    late.after(900, Input::Digit('1'));
    assert_eq!(late.commands(), ["stop playing", "enter zone 2"]);
    late.after(5, Input::ZoneEntered { attempt: 1 });
    assert_eq!(late.commands(), [""; 0], "it is a word about the first attempt");
    assert_eq!(
        late.after(5, Input::ZoneEntered { attempt: 2 }).commands(),
        ["take card", "play Card?"]
    );
}

#[test]
fn the_cuts_have_half_a_second() {
    let scene = at_the_zone();
    let entered = scene.record().path.len();
    assert_eq!(entered, 0);
    let deadline = scene.deadline().expect("the cuts are waited for");
    assert_eq!(deadline - scene.now(), Duration::from_millis(500));
}

#[test]
fn a_slip_is_asked_for_again_and_silence_ends_the_zone() {
    let mut slip = in_the_zone();
    assert_eq!(
        slip.after(100, card("4111111111111112")).commands(),
        ["take card", "play Again. + Card?"]
    );
    let mut silent = in_the_zone();
    silent.ends(900, "Card?");
    for _ in 0..2 {
        assert_eq!(silent.wakes().commands(), ["drop card", "take card", "play Again. + Card?"]);
        silent.ends(900, "Again. + Card?");
    }
    assert_eq!(silent.wakes().commands(), ["drop card", "leave zone", "play Silent."]);
    let mut empty = in_the_zone();
    assert_eq!(empty.after(900, card("")).commands(), ["take card", "play Again. + Card?"]);
}

#[test]
fn the_zone_is_left_in_every_way_out() {
    let ends: [(Input, &[&str]); 2] = [
        (Input::CallerHungUp, &["leave zone", "finish"]),
        (Input::PbxLost, &["leave zone", "finish"]),
    ];
    for (end, commands) in ends {
        let mut scene = in_the_zone();
        assert_eq!(scene.after(100, end.clone()).commands(), commands);
        assert_eq!(marks(&scene), [ZoneEvent::Entered, ZoneEvent::Left]);
        let mut entering = at_the_zone();
        assert_eq!(entering.after(100, end).commands(), commands);
        assert_eq!(marks(&entering), []);
    }
    let pays = || {
        let mut scene = in_the_zone();
        scene.after(100, card("4111111111111111"));
        scene.after(100, Input::CardTaken(Secret::new(CardItem::Cvc, "123"))).commands();
        scene
    };
    let mut declined = pays();
    declined.after(90, Input::LookedUp(Reply::NotFound));
    assert_eq!(declined.commands(), ["leave zone", "play Declined."]);
    let mut late = pays();
    assert_eq!(late.wakes().commands(), ["stop looking up", "leave zone", "play Late."]);
}

#[test]
fn what_is_said_around_a_zone_is_waited_for_by_nobody() {
    let mut scene = flow(PAID);
    scene.commands();
    scene.speaks().hears("yes", Cut::MidWord, 1, 0.99).hears("yes", Cut::MidWord, 1, 0.99);
    assert_eq!(scene.commands(), ["hold", "enter zone 1"]);
    assert!(scene.record().turns.iter().all(|turn| turn.to.is_some()));
    scene.after(30, Input::ZoneEntered { attempt: 1 }).commands();
    // Should a reading come all the same, nobody keeps it.
    scene.hears("yes four one one one", Cut::Final, 1, 0.99);
    assert_eq!(scene.record().words(), "yes");
    // The next question listens afresh.
    scene.after(10, card("1")).after(10, card("1")).after(10, card("1"));
    assert_eq!(scene.commands().last().map(String::as_str), Some("play Slip."));
}
