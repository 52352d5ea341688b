//! An ordinary call over each road that media can take.

use tests::asterisk::{Asterisk, RigError};
use tests::patchcord::Patchcord;

use crate::Stage;
use crate::connecting::understood_and_bridged;

/// A Patchcord whose media takes `road`, at an Asterisk with lines added to its configuration.
fn call_over(road: &str, added: &[(&str, &str)], media: &str) {
    let stage = Asterisk::start_with(added).and_then(|asterisk| {
        let client = format!("[media]\nroad = \"{road}\"\n{media}");
        let patchcord =
            Patchcord::start_with(&asterisk, &asterisk.ari_url(), |text| text, &client)?;
        Ok(Stage { asterisk, patchcord })
    });
    match stage {
        Ok(stage) => understood_and_bridged(&stage),
        Err(RigError::Skipped(why)) if std::env::var_os("PATCHCORD_REQUIRE_RIG").is_none() => {
            println!("skipped: {why}");
        }
        Err(error) => panic!("{error}"),
    }
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
