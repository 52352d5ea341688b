//! The embedded PBX says what Asterisk says.

use tests::conformance::{AsteriskWorld, PbxWorld, Trace, World, differences, find, play, write};

use crate::unless_skipped;

/// Plays each scenario on both sides. `PATCHCORD_GOLDEN=write` keeps Asterisk's traces, which hold the embedded PBX to
/// them where there is no Asterisk; `PATCHCORD_SCENARIOS` picks scenarios by a part of their names.
#[tokio::test(flavor = "multi_thread")]
async fn asterisk_and_the_embedded_pbx_agree() {
    let Some(mut asterisk) = unless_skipped(AsteriskWorld::start()) else { return };
    let theirs = played(&mut asterisk).await;
    if std::env::var_os("PATCHCORD_GOLDEN").is_some() {
        let golden = concat!(env!("CARGO_MANIFEST_DIR"), "/src/conformance/asterisk-22.txt");
        std::fs::write(golden, write(&theirs)).expect("the source is writable");
    }
    let mut embedded = PbxWorld::start().await.expect("a port on loopback");
    let ours = write(&played(&mut embedded).await);
    embedded.stop().await;
    let mut agreeing = 0;
    for trace in &theirs {
        match find(&ours, trace.name).unwrap_or_default() {
            text if text == trace.text => agreeing += 1,
            text => println!("=== {}\n{}", trace.name, differences(&trace.text, text)),
        }
    }
    println!("{agreeing} of {} scenarios agree", theirs.len());
    assert_eq!(agreeing, theirs.len());
}

async fn played(world: &mut dyn World) -> Vec<Trace> {
    let filter = std::env::var("PATCHCORD_SCENARIOS").unwrap_or_default();
    let (traces, stuck) = play(world, &filter).await.expect("the PBX answers");
    for scenario in &stuck {
        println!("stuck: {scenario}");
    }
    traces
}
