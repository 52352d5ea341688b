//! An ordinary call over each road that media can take.

use std::time::Duration;

use tests::asterisk::{Asterisk, RigError};
use tests::patchcord::Patchcord;
use tests::sipp::{Act, Behaviour, Caller, Phone};
use tests::softphone::Background;

use crate::connecting::understood_and_bridged;
use crate::{DID, Stage, answered};

/// A Patchcord whose media takes `road`, at an Asterisk with lines added to its configuration.
fn call_over(road: &str, added: &[(&str, &str)], media: &str) {
    let stage = Asterisk::start_with(added).and_then(|asterisk| {
        let client = format!("[media]\nroad = \"{road}\"\ncapture = \"captures\"\n{media}");
        let patchcord =
            Patchcord::start_with(&asterisk, &asterisk.ari_url(), |text| text, &client)?;
        Ok(Stage { asterisk, patchcord })
    });
    match stage {
        Ok(stage) => {
            understood_and_bridged(&stage);
            captured(&stage);
            a_key_is_one_digit(&stage);
        }
        Err(RigError::Skipped(why)) if std::env::var_os("PATCHCORD_REQUIRE_RIG").is_none() => {
            println!("skipped: {why}");
        }
        Err(error) => panic!("{error}"),
    }
}

/// The call is in two files, its caller left and us right.
fn captured(stage: &Stage) {
    let folder = stage.patchcord.folder().join("captures");
    let file = |ending: &str| {
        let files = std::fs::read_dir(&folder).expect("it is made").map_while(Result::ok);
        let mut files = files.map(|file| file.path());
        let file = files.find(|file| file.extension().is_some_and(|it| it == ending));
        std::fs::read(file.expect("one of the call")).expect("it can be read")
    };
    let wav = file("wav");
    for side in [0, 2] {
        let loud =
            |both: &&[u8]| i16::from_le_bytes([both[side], both[side + 1]]).unsigned_abs() > 500;
        let loud = wav[44..].chunks_exact(4).filter(loud).count();
        assert!(loud > 2_000, "side {side} has {loud} loud samples");
    }
    let capture = file("pcapng");
    let packets = audio::pcapng::read(&capture).expect("it is a capture").len();
    assert!(packets > 100, "{packets} packets");
}

/// Asterisk tells of it as an event, and over TCP the leg does too.
fn a_key_is_one_digit(stage: &Stage) {
    let answers = Behaviour::Answers(Duration::from_secs(2));
    let operator = Phone::start(&stage.asterisk, "operator", answers, Background::Tone(1_100.0));
    let operator = operator.expect("a phone");
    let caller = Caller::new("100", DID).at(Duration::from_millis(1_500), Act::Press('0'));
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(&operator);
    let call = stage.hang_up(caller);
    assert_eq!(call["decided_by"], "digit", "{call}");
    assert_eq!(call["attempts"].as_array().map(Vec::len), Some(1), "{call}");
    // Over RTP Asterisk counts packets for the key that it never sends: they are missing like lost ones.
    assert!(call["line"]["mos"].as_f64().is_some_and(|mos| mos > 3.5), "{call}");
}

#[test]
fn a_call_whose_media_takes_rtp() {
    call_over("rtp", &[], "");
}

#[test]
fn a_call_whose_media_takes_a_websocket_that_we_open() {
    call_over("websocket", &[("modules.conf", "load = chan_websocket.so\n")], "");
}

#[test]
fn a_call_whose_media_takes_audiosocket() {
    let modules = "load = res_audiosocket.so\nload = chan_audiosocket.so\n";
    call_over("audiosocket", &[("modules.conf", modules)], "");
}
