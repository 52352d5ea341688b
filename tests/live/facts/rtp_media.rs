//! The same call over RTP, to compare the others with.

use media::{Plane, PlaneConfig};

use super::road::{Over, Stage};
use super::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn a_call_over_rtp() {
    let Some(mut stage) = Stage::set(&[]).await else { return };
    let plane = Plane::start(&PlaneConfig::default()).expect("it starts");
    let port = plane.port().expect("there is room").with_epoch(stage.epoch());
    let host = port.local_addr().to_string();
    let channel = stage.media(json!({ "format": "ulaw", "external_host": host })).await;
    let variable = |name: &str| match &channel["channelvars"][name] {
        Value::String(text) => text.clone(),
        other => panic!("{name} is {other}"),
    };
    let peer =
        format!("{}:{}", variable("UNICASTRTP_LOCAL_ADDRESS"), variable("UNICASTRTP_LOCAL_PORT"));
    let leg = port.start(peer.parse().expect("an address"), stage.sink());
    stage.play("RTP", leg, Over::Rtp).await;
}
