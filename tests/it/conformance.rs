//! The embedded PBX says what Asterisk 22 said when `tests/live/conformance.rs` kept its traces.

use tests::conformance::{GOLDEN, PbxWorld, differences, find, play, scenarios};

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_pbx_agrees_with_the_traces_of_asterisk() {
    let mut embedded = PbxWorld::start().await.expect("a port on loopback");
    let (traces, stuck) = play(&mut embedded, "").await.expect("it answers");
    embedded.stop().await;
    assert_eq!(traces.len(), scenarios::ALL.len(), "{stuck:?}");
    let mut differing = String::new();
    for trace in &traces {
        let golden = find(GOLDEN, trace.name).unwrap_or_default();
        if golden != trace.text {
            differing += &format!("{}\n{}\n", trace.name, differences(golden, &trace.text));
        }
    }
    assert!(differing.is_empty(), "- Asterisk, + pbx\n{differing}");
}
